"""The gateway over TLS, as a server and as a client."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.config import load_config
from protocol.codes import Code
from protocol.errors import RemoteError
from protocol.tls import TlsFileError, server_context
from tests.gateway.roadside import FIRST_TOKEN, FIXED, Platform, Roadside, config, gateway_in_thread, until
from tests.gateway.test_verbs import raw
from tests.protocol.certificates import UNTRUSTWORTHY, Certificates, write_certificates


def write(folder: Path, **changes: dict[str, Any]) -> Path:
    """A gateway without work of its own; `changes` go into `listen` and `platform`."""
    plain = config(folder, cameras=[])
    path = folder / "gateway.json"
    path.write_text(json.dumps({**plain, **{name: plain[name] | more for name, more in changes.items()}}))
    return path


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    return write_certificates(tmp_path)


def test_orders_over_tls(tmp_path: Path, made: Certificates) -> None:
    # Names in the file are those of its folder.
    path = write(tmp_path, listen={"cert_file": "server.pem", "key_file": "server.key"})
    with gateway_in_thread(path, str(made.ca)) as gateway:
        assert gateway.base_url.startswith("https:")
        answer = gateway.call("PTZControl", cameraNum=FIXED, action=1)
        assert answer.code == Code.NOT_FOUND
        other = write_certificates(tmp_path / "other")
        stranger = Roadside(int(gateway.base_url.rpartition(":")[2]), str(other.ca))
        with pytest.raises(RemoteError, match="不是由受信任的 CA 签发"):
            stranger.call("PTZControl", cameraNum=FIXED, action=1)


def test_reports_over_tls(tmp_path: Path, made: Certificates) -> None:
    upper = Platform(server_context(made.certificate, made.key))
    try:
        path = write(tmp_path, platform={"base_url": upper.base_url, "ca_file": "ca.pem"})
        with gateway_in_thread(path):
            until(lambda: upper.exchanged, what="token exchange over TLS")
    finally:
        upper.peer.close()
    assert upper.token != FIRST_TOKEN


@pytest.mark.parametrize("kind", UNTRUSTWORTHY)
def test_an_untrustworthy_platform_is_told_nothing(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    changes, said = UNTRUSTWORTHY[kind]
    made = write_certificates(tmp_path, **changes)
    upper = Platform(server_context(made.certificate, made.key))
    try:
        path = write(tmp_path, platform={"base_url": upper.base_url, "ca_file": "ca.pem"})
        with caplog.at_level(logging.WARNING, "gateway"), gateway_in_thread(path):
            until(lambda: said in caplog.text, what=said)
    finally:
        upper.peer.close()
    assert upper.peer.requests == []


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, listen={"cert_file": "gone.pem", "key_file": "gone.key"})
    with pytest.raises(TlsFileError, match=r"证书或私钥无法使用.*gone\.pem"):
        Gateway(load_config(path))


@pytest.mark.parametrize(("proxies", "address"), [([], "127.0.0.1"), (["127.0.0.1"], "192.0.2.7")])
def test_whoever_is_refused_is_logged_by_the_real_address(
    tmp_path: Path, proxies: list[str], address: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, listen={"trusted_proxies": proxies})
    with caplog.at_level(logging.INFO, "gateway"), gateway_in_thread(path) as gateway:
        forwarded = {"X-Forwarded-For": "10.0.0.1, 192.0.2.7", "TAuth": "wrong"}
        refusal = raw(gateway, f"/service/video.PTZControl?cameraNum={FIXED}&action=1", None, **forwarded)
        assert refusal["code"] == Code.FORBIDDEN
    assert f"of {address} refused" in caplog.text
