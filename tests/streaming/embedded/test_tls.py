"""The HTTP side over TLS, hooks to a platform over TLS, and viewers behind a proxy."""

import asyncio
import contextlib
import itertools
import logging
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.ffmpeg import push_arguments
from protocol.tls import TlsFileError, client_context, server_context
from streaming.embedded.config import Limits
from streaming.embedded.hooks import Hooks
from streaming.embedded.server import MediaServer
from tests.protocol.certificates import UNTRUSTWORTHY, Certificates, write_certificates
from tests.streaming.embedded.conftest import Media, media_config, play_target, publish_auth
from tests.streaming.embedded.peers import (
    DEADLINE_SECONDS,
    WS_HEADERS,
    FlvTag,
    HttpPeer,
    Platform,
    Publisher,
    ask,
    ffmpeg,
    pictures,
    read_tags,
    until,
)
from tests.streaming.embedded.test_hooks import run

PATH = "/live/shown.flv"


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    return write_certificates(tmp_path)


@contextmanager
def platform_showing(certificates: Certificates) -> Iterator[Platform]:
    platform = Platform(context=server_context(certificates.certificate, certificates.key))
    platform.start()
    try:
        yield platform
    finally:
        platform.stop()


def secured(made: Certificates) -> dict[str, str]:
    return {"cert_file": str(made.certificate), "key_file": str(made.key)}


def test_every_way_to_play_over_tls(
    start_media: Callable[..., Media], clip: list[FlvTag], made: Certificates
) -> None:
    trusting = client_context(made.ca)
    with platform_showing(made) as platform:
        media = start_media(**secured(made), platform_url=platform.url, platform_ca_file=str(made.ca))
        with media.publisher("shown") as publisher:
            publisher.send_tags(clip)
            until(lambda: platform.of("shown") == ["publish"], what="publish over TLS")
            for headers, status in (("", 200), (WS_HEADERS, 101)):
                with HttpPeer(
                    media.http_port, play_target(PATH), headers=headers, context=trusting
                ) as viewer:
                    assert viewer.read_head() == status
                    _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) >= 50)
                assert tags[2].is_key
            entry = ask(media.http_port, play_target("/live/shown.m3u8"), context=trusting)
            # Relative, so that it stays on this scheme.
            assert (entry.status, entry.headers["location"][:3]) == (302, "/s/")
            until(lambda: platform.of("shown").count("play") == 2, what="viewers told")


def test_who_speaks_no_tls_gets_nothing_and_hurts_nobody(
    start_media: Callable[..., Media], made: Certificates
) -> None:
    media = start_media(**secured(made))
    with HttpPeer(media.http_port, "/healthz") as plain, pytest.raises((ConnectionError, ssl.SSLError)):
        if plain.read_head() == 0:
            raise ConnectionResetError
    assert ask(media.http_port, "/healthz", context=client_context(made.ca)).status == 200


def test_a_renewed_certificate_needs_no_restart(start_media: Callable[..., Media], tmp_path: Path) -> None:
    old = write_certificates(tmp_path / "old")
    media = start_media(**secured(old))
    new = write_certificates(tmp_path / "new")
    old.key.write_bytes(new.key.read_bytes())
    media.server.renew_certificate()
    assert ask(media.http_port, "/healthz", context=client_context(old.ca)).status == 200
    old.certificate.write_bytes(new.certificate.read_bytes())
    media.server.renew_certificate()
    assert ask(media.http_port, "/healthz", context=client_context(new.ca)).status == 200


@pytest.mark.parametrize("kind", UNTRUSTWORTHY)
def test_an_untrustworthy_platform_is_told_nothing(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    changes, said = UNTRUSTWORTHY[kind]
    made = write_certificates(tmp_path, **changes)
    with platform_showing(made) as platform, caplog.at_level(logging.ERROR, "streaming"):
        run(Hooks(media_config(platform_url=platform.url, platform_ca_file=str(made.ca))), "publish", "play")
    assert platform.events == []
    assert platform.secrets == set()
    # Once, however many events there are.
    assert [said in record.getMessage() for record in caplog.records] == [True]


def test_a_platform_of_another_ca_is_told_nothing(tmp_path: Path, made: Certificates) -> None:
    other = write_certificates(tmp_path / "other")
    with platform_showing(made) as platform:
        for ca_file in (str(other.ca), ""):
            run(Hooks(media_config(platform_url=platform.url, platform_ca_file=ca_file)), "publish")
    assert platform.events == []


def test_files_that_cannot_be_used_are_named_at_start(tmp_path: Path, made: Certificates) -> None:
    hooks = Hooks(media_config(platform_url="https://127.0.0.1:9", platform_ca_file=str(tmp_path / "no.pem")))
    with pytest.raises(TlsFileError, match="CA 证书文件无法使用.*no.pem"):
        run(hooks)
    with pytest.raises(TlsFileError, match="证书或私钥无法使用"):
        Media(media_config(cert_file=str(made.certificate), key_file=str(made.ca)))


@pytest.mark.parametrize(("proxies", "address"), [((), "127.0.0.1"), (("127.0.0.1",), "192.0.2.7")])
def test_the_viewers_address_behind_a_proxy(
    start_media: Callable[..., Media], platform: Platform, proxies: tuple[str, ...], address: str
) -> None:
    media = start_media(platform_url=platform.url, trusted_proxies=proxies)
    target = play_target("/live/absent.flv")
    forwarded = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 192.0.2.7\r\n"
    assert urlsplit(target).path == "/live/absent.flv"
    assert ask(media.http_port, target, headers=forwarded).status == 404
    assert platform.last("absent", "not_found")["address"] == address


def test_a_viewer_who_stops_reading_is_dropped_over_tls_too(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag], made: Certificates
) -> None:
    limits = Limits(slow_viewer_seconds=2.0, send_buffer_bytes=8 * 1024, media_idle_seconds=300)
    media = start_media(**secured(made), platform_url=platform.url, limits=limits)
    group = [tag for tag in pictures(clip) if tag.at < 2000]
    turns = itertools.count(3)

    def dropped() -> dict[str, Any] | None:
        publisher.send_tags(group, shift=next(turns) * 2000)
        return platform.last("crowded", "stop")

    with media.publisher("crowded") as publisher:
        publisher.send_tags(clip)
        until(lambda: platform.of("crowded"), what="publish")
        target = play_target("/live/crowded.flv")
        with HttpPeer(media.http_port, target, context=client_context(made.ca)) as viewer:
            assert viewer.read_head() == 200
            assert until(dropped)["reason"] == "slow"


@contextmanager
def pushed_as_the_gateway_does(port: int, host: str, ca_file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`host` stands for this machine: the gateway leads ffmpeg to the address it has checked."""
    source = ["-re", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25"]
    codec = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25"]
    url = f"rtmps://{host}:{port}/live/secret?auth_key={publish_auth('secret')}"
    line = push_arguments(ffmpeg(), source, codec, url=url, address="127.0.0.1", ca_file=ca_file)
    publisher = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield publisher
    finally:
        publisher.terminate()
        publisher.wait(DEADLINE_SECONDS)


def test_the_gateway_pushes_over_tls_to_a_server_known_by_name(
    start_media: Callable[..., Media], platform: Platform, tmp_path: Path
) -> None:
    made = write_certificates(tmp_path, host="localhost")
    media = start_media(**secured(made), rtmps_port=0, platform_url=platform.url)
    with pushed_as_the_gateway_does(media.rtmps_port, "localhost", made.ca):
        until(lambda: platform.last("secret", "publish"), what="publish over RTMPS")


def test_the_gateway_pushes_over_tls_to_a_server_known_by_its_address(
    start_media: Callable[..., Media], platform: Platform, made: Certificates
) -> None:
    media = start_media(**secured(made), rtmps_port=0, platform_url=platform.url)
    with pushed_as_the_gateway_does(media.rtmps_port, "127.0.0.1", made.ca):
        until(lambda: platform.last("secret", "publish"), what="publish over RTMPS")


def test_the_gateway_pushes_nothing_to_a_server_of_another_name_or_ca(
    start_media: Callable[..., Media], platform: Platform, tmp_path: Path
) -> None:
    made = write_certificates(tmp_path, host="localhost")
    other = write_certificates(tmp_path / "other").ca
    media = start_media(**secured(made), rtmps_port=0, platform_url=platform.url)
    for host, ca_file in (("media.example", made.ca), ("localhost", other)):
        with pushed_as_the_gateway_does(media.rtmps_port, host, ca_file) as publisher:
            assert publisher.wait(DEADLINE_SECONDS) != 0
    assert not platform.last("secret", "publish")


def test_ffmpeg_publishes_over_tls(
    start_media: Callable[..., Media], platform: Platform, made: Certificates
) -> None:
    media = start_media(**secured(made), rtmps_port=0, platform_url=platform.url)
    address = f"rtmps://127.0.0.1:{media.rtmps_port}/live/secret?auth_key={publish_auth('secret')}"
    source = ["-re", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25", "-pix_fmt", "yuv420p", "-c:v", "libx264"]
    options = ["-preset", "ultrafast", "-g", "25", "-tls_verify", "1", "-ca_file", str(made.ca), "-f", "flv"]
    publisher = subprocess.Popen(
        [ffmpeg(), "-v", "error", *source, *options, address], stdin=subprocess.DEVNULL
    )
    try:
        until(lambda: platform.last("secret", "publish"), what="publish over RTMPS")
        target = play_target("/live/secret.flv")
        with HttpPeer(media.http_port, target, context=client_context(made.ca)) as viewer:
            viewer.read_head()
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) >= 50)
    finally:
        publisher.terminate()
        publisher.wait(DEADLINE_SECONDS)
    stamps = [tag.at for tag in pictures(tags)]
    assert stamps == list(range(0, 40 * len(stamps), 40))


def test_who_pushes_without_tls_is_not_taken(
    start_media: Callable[..., Media], made: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    media = start_media(**secured(made), rtmps_port=0)
    with Publisher(media.rtmps_port) as plain, pytest.raises((ConnectionError, AssertionError)):
        plain.shake_hands()
    with media.publisher("plain"):
        pass
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(("port", "is_served"), [(0, False), (None, True)])
def test_rtmps_wants_a_certificate(port: int | None, is_served: bool) -> None:
    server = MediaServer(media_config(rtmps_port=port))

    async def serve() -> None:
        try:
            await server.start()
        finally:
            await server.stop()

    with contextlib.nullcontext() if is_served else pytest.raises(ValueError, match="证书"):
        asyncio.run(serve())
    assert server.rtmps_port == 0
