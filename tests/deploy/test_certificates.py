"""Certificates of the demo: made once, renewed in time, for this machine only."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from deploy.demo import seed
from deploy.demo.certificates import RENEW_DAYS, SERVER_DAYS, keep_certificates
from deploy.demo.files import Addresses, choose_ports, environment, keep_secrets, read_json
from protocol.client import call_with_token
from protocol.errors import RemoteError
from protocol.tls import server_context
from tests.protocol.peer import peer_answering, reply

NOW = datetime.datetime(2026, 11, 22, 4, 0, tzinfo=datetime.UTC)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def after(days: int) -> datetime.datetime:
    return NOW + datetime.timedelta(days=days)


def test_they_are_kept_at_a_restart_and_their_keys_are_private(tmp_path: Path) -> None:
    keep_certificates(tmp_path / "tls", now=NOW)
    first = contents(tmp_path / "tls")
    keep_certificates(tmp_path / "tls", now=after(SERVER_DAYS - RENEW_DAYS - 1))
    assert contents(tmp_path / "tls") == first
    assert set(first) == {"ca.pem", "ca.key", "server.pem", "server.key"}
    for name in ("ca.key", "server.key"):
        assert (tmp_path / "tls" / name).stat().st_mode & 0o777 == 0o600


def test_the_servers_is_renewed_in_time_by_the_same_ca(tmp_path: Path) -> None:
    made = keep_certificates(tmp_path, now=NOW)
    first = contents(tmp_path)
    later = after(SERVER_DAYS - RENEW_DAYS + 1)
    keep_certificates(tmp_path, now=later)
    second = contents(tmp_path)
    assert {name for name in first if second[name] != first[name]} == {"server.pem", "server.key"}
    renewed = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    assert (renewed.not_valid_after_utc - later).days >= SERVER_DAYS - 1


def test_a_ca_that_would_end_first_is_made_anew(tmp_path: Path) -> None:
    keep_certificates(tmp_path, now=NOW)
    first = contents(tmp_path)
    keep_certificates(tmp_path, now=after(3650 - SERVER_DAYS + 1))
    assert all(contents(tmp_path)[name] != first[name] for name in first)


@pytest.mark.parametrize("name", ["ca.pem", "ca.key", "server.pem", "server.key"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_what_was_damaged_is_made_anew(tmp_path: Path, name: str, damage: str) -> None:
    keep_certificates(tmp_path / "other", now=NOW)
    made = keep_certificates(tmp_path / "tls", now=NOW)
    file = tmp_path / "tls" / name
    match damage:
        case "missing":
            file.unlink()
        case "cut":
            file.write_bytes(file.read_bytes()[:80])
        case _:
            file.write_bytes((tmp_path / "other" / name).read_bytes())
    keep_certificates(tmp_path / "tls", now=NOW)
    server_context(made.certificate, made.key)
    server, ca = (x509.load_pem_x509_certificate(f.read_bytes()) for f in (made.certificate, made.ca))
    server.verify_directly_issued_by(ca)


def test_they_are_good_for_this_machine(tmp_path: Path) -> None:
    made = keep_certificates(tmp_path)
    with peer_answering(lambda _: reply(200), server_context(made.certificate, made.key)) as peer:
        for url in (peer.base_url, peer.base_url.replace("127.0.0.1", "localhost")):
            assert call_with_token(url, "PTZControl", token="t1", ca_file=str(made.ca)).ok
        with pytest.raises(RemoteError, match="不是由受信任的 CA 签发"):
            call_with_token(peer.base_url, "PTZControl", token="t1")
    constraints = x509.load_pem_x509_certificate(made.ca.read_bytes()).extensions.get_extension_for_class(
        x509.NameConstraints
    )
    assert constraints.critical
    assert ssl.create_default_context(cafile=made.ca).cert_store_stats()["x509_ca"] == 1


def test_with_them_every_address_is_https(tmp_path: Path) -> None:
    made = keep_certificates(tmp_path)
    ports = choose_ports(tmp_path, 8000)
    files = (str(made.ca), str(made.certificate), str(made.key))
    plain, secured = Addresses(ports), Addresses(ports, *files)
    assert plain.url("web") == "http://127.0.0.1:8000"
    assert secured.url("web") == "https://127.0.0.1:8000"
    assert secured.url("media_rtmp", "rtmp").startswith("rtmp://")
    kept = keep_secrets(tmp_path)
    fresh = set(environment(tmp_path, secured, kept).items()) - set(
        environment(tmp_path, plain, kept).items()
    )
    assert {name for name, _ in fresh} == {
        *("PUBLIC_BASE_URL", "PLATFORM_INTERNAL_URL", "PLATFORM_CA_FILE"),
        *("TLS_CERT_FILE", "TLS_KEY_FILE", "HSTS_SECONDS"),
    }
    account = {"user": "u", "device_code": "R0E=", "private_key": "00" * 32, "token": "t1"}
    seed.write_gateway_config(tmp_path, secured, account, [])
    config = read_json(tmp_path / "gateway.json")
    assert (config["platform"]["ca_file"], config["listen"]["key_file"]) == (files[0], files[2])
