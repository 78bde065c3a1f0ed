"""Peers that are slow, silent, broken or hostile hurt nobody else."""

import contextlib
import itertools
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streaming.embedded.config import Limits
from tests.streaming.embedded.conftest import PUBLISH_KEY, Media, play_target, publish_auth
from tests.streaming.embedded.peers import (
    DEADLINE_SECONDS,
    WS_HEADERS,
    FlvTag,
    HttpPeer,
    Platform,
    Publisher,
    ask,
    before,
    parse_tags,
    pictures,
    read_tags,
    since,
    until,
)


@pytest.fixture
def witness(media: Media, clip: list[FlvTag]) -> Iterator[None]:
    """A publisher and a viewer who must not notice what happens beside them."""
    name = f"witness-{time.monotonic_ns()}"
    with media.publisher(name) as publisher:
        publisher.send_tags(before(clip, 4000))
        media.until_live(name, before(clip, 4000))
        with media.view(f"/live/{name}.flv") as viewer:
            viewer.read_head()
            yield
            publisher.send_tags(since(clip, 4000))
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 100)
            assert len(pictures(tags)) == 100


def send_and_close(port: int, data: bytes) -> None:
    peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
    with peer, contextlib.suppress(ConnectionError):
        peer.sendall(data)


def is_closed_by_server(peer: socket.socket) -> bool:
    peer.settimeout(DEADLINE_SECONDS)
    try:
        while peer.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_garbage_on_both_ports(media: Media, witness: None) -> None:
    dice = random.Random(7)
    for round_number in range(60):
        size = dice.choice([1, 10, 1537, 3073, 5000, 60_000])
        noise = dice.randbytes(size)
        handshake = b"\x03" + bytes(3072)
        for port in (media.rtmp_port, media.http_port):
            send_and_close(port, noise if round_number % 2 else handshake + noise)
    until(lambda: len(media.server._rtmp.sessions) == 1, what="only the witness publishes")
    assert media.server._rtmp.pending == {}


def test_garbage_from_a_publisher_with_a_signature(media: Media, witness: None) -> None:
    dice = random.Random(11)
    for round_number in range(25):
        name = f"garbled-{round_number}"
        with Publisher(media.rtmp_port) as publisher:
            assert publisher.publish("live", name, publish_auth(name)) == "NetStream.Publish.Start"
            with contextlib.suppress(ConnectionError):
                for kind in (1, 2, 3, 4, 5, 8, 9, 15, 17, 18, 20, 22):
                    publisher.send(kind, dice.randbytes(dice.choice([0, 1, 4, 50, 4000])), chunk_stream=4)
    assert ask(media.http_port, "/healthz").status == 200
    until(lambda: len(media.server._rtmp.sessions) == 1, what="only the witness publishes")


def test_damaged_pictures_reach_viewers_or_nobody(media: Media, clip: list[FlvTag], witness: None) -> None:
    dice = random.Random(13)
    damaged = []
    for tag in clip:
        body = bytearray(tag.body)
        if not tag.is_config and len(body) > 9 and dice.random() < 0.3:
            body[dice.randrange(5, len(body))] ^= 0xFF
        damaged.append(tag._replace(body=bytes(body)))
    with media.publisher("damaged") as publisher:
        publisher.send_tags(damaged)
        media.until_live("damaged", damaged)
        playlist = ask(media.http_port, play_target("/live/damaged.m3u8")).headers["location"]
        with HttpPeer(media.http_port, playlist), media.view("/live/damaged.flv") as viewer:
            until(lambda: media.streams()["damaged"]["viewers"] >= 1)
            publisher.send_tags(damaged, shift=6000)
            viewer.read_head()
            read_tags(viewer, lambda tags: len(pictures(tags)) >= 100)


@pytest.mark.parametrize("sent", [b"", b"\x03", b"\x03" + bytes(3000), b"\x03" + bytes(3072)])
def test_a_half_handshake_is_closed_in_time(start_media: Callable[..., Media], sent: bytes) -> None:
    media = start_media(limits=Limits(setup_seconds=0.3))
    with socket.create_connection(("127.0.0.1", media.rtmp_port)) as peer:
        peer.sendall(sent)
        assert is_closed_by_server(peer)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_half_request_is_closed_in_time(start_media: Callable[..., Media], sent: bytes) -> None:
    media = start_media(limits=Limits(keepalive_seconds=0.3))
    with socket.create_connection(("127.0.0.1", media.http_port)) as peer:
        peer.sendall(sent)
        assert is_closed_by_server(peer)


@pytest.mark.parametrize("side", ["rtmp_port", "http_port"])
def test_one_who_sends_byte_by_byte_is_closed_in_time(
    start_media: Callable[..., Media], side: str
) -> None:
    media = start_media(limits=Limits(setup_seconds=0.3, keepalive_seconds=0.3))
    sent = b"\x03" if side == "rtmp_port" else b"GET /healthz HTTP/1.1\r\nX-Slow: "
    with socket.create_connection(("127.0.0.1", getattr(media, side))) as peer:
        peer.sendall(sent)

        def is_closed() -> bool:
            try:
                peer.sendall(b"x")
            except ConnectionError:
                return True
            return False

        until(is_closed)


def test_too_much_before_publish_is_closed(start_media: Callable[..., Media]) -> None:
    media = start_media(limits=Limits(setup_seconds=300))
    with Publisher(media.rtmp_port) as publisher:
        publisher.shake_hands()
        publisher.send(1, struct.pack(">I", publisher.chunk_size), chunk_stream=2)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                publisher.send(8, bytes(4000))
        assert publisher.is_closed()


def test_garbage_from_a_websocket_viewer(media: Media, clip: list[FlvTag], witness: None) -> None:
    dice = random.Random(17)
    with media.publisher("talked-to") as publisher:
        publisher.send_tags(clip)
        media.until_live("talked-to", clip)
        for _ in range(10):
            with media.view("/live/talked-to.flv", headers=WS_HEADERS) as viewer:
                assert viewer.read_head() == 101
                with contextlib.suppress(ConnectionError):
                    viewer.socket.sendall(dice.randbytes(20_000))
        until(lambda: media.streams()["talked-to"]["viewers"] == 0)


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET /live/x.flv?auth_key=private HTTP/9.9\r\n\r\n", b"GET /live/x.flv?auth_key=private" + b"x" * 9000],
)
def test_a_request_that_is_no_http_leaves_no_trace(
    media: Media, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", media.http_port), timeout=DEADLINE_SECONDS) as peer:
        peer.sendall(request_bytes + b"\r\n\r\n")
        assert peer.recv(20).startswith(b"HTTP/1.0 400")
    assert "private" not in caplog.text


def test_a_message_over_the_limit_is_closed(media: Media, witness: None) -> None:
    with media.publisher("huge") as publisher:
        publisher.socket.sendall(b"\x06\x00\x00\x00\xff\xff\xff\x09" + struct.pack("<I", 1))
        assert publisher.is_closed()


def test_pings_whose_answers_nobody_reads_are_closed(media: Media, caplog: pytest.LogCaptureFixture) -> None:
    with media.publisher("pinging") as publisher:
        pings = publisher.message(4, b"\x00\x06\x00\x00\x00\x01", at=0, chunk_stream=2, stream_id=0) * 20_000
        publisher.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        publisher.socket.setblocking(False)
        sent = 0

        def is_closed() -> bool:
            nonlocal sent
            with contextlib.suppress(BlockingIOError, ConnectionError):
                sent += publisher.socket.send(pings[sent % len(pings) :])
            return "answers are not read" in caplog.text

        until(is_closed)


def test_answers_pings_and_acknowledges_its_window(media: Media) -> None:
    with media.publisher("polite") as publisher:
        publisher.send(5, struct.pack(">I", 65536), chunk_stream=2)
        publisher.send(4, b"\x00\x06\x00\x00\x30\x39", chunk_stream=2)
        assert publisher._exactly(18)[-6:] == b"\x00\x07\x00\x00\x30\x39"
        publisher.send(18, bytes(70_000), chunk_stream=4)
        answer = publisher._exactly(16)
        assert answer[7] == 3
        assert int.from_bytes(answer[12:], "big") > 65536


def test_connections_that_show_no_signature_are_limited(start_media: Callable[..., Media]) -> None:
    media = start_media(limits=Limits(rtmp_pending_per_address=3, setup_seconds=60))
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(Publisher(media.rtmp_port)) for _ in range(3)]
        until(lambda: media.server._rtmp.pending == {"127.0.0.1": 3})
        assert is_closed_by_server(stack.enter_context(Publisher(media.rtmp_port)).socket)
        auth_key = publish_auth("waited")
        assert waiting[0].publish("live", "waited", auth_key) == "NetStream.Publish.Start"
        fourth = stack.enter_context(Publisher(media.rtmp_port))
        assert fourth.publish("live", "another", publish_auth("another")) == "NetStream.Publish.Start"


def test_publishers_are_limited(start_media: Callable[..., Media], clip: list[FlvTag]) -> None:
    media = start_media(limits=Limits(rtmp_connections=2, media_idle_seconds=300))
    with media.publisher("one") as one, media.publisher("two"):
        with Publisher(media.rtmp_port) as third:
            assert is_closed_by_server(third.socket)
        one.send_tags(clip)
        media.until_live("one", clip)


def test_http_connections_are_limited(start_media: Callable[..., Media]) -> None:
    media = start_media(limits=Limits(http_connections=3, keepalive_seconds=300))
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            peer = stack.enter_context(HttpPeer(media.http_port, "/healthz"))
            assert peer.read_head() == 200
        refused = stack.enter_context(socket.create_connection(("127.0.0.1", media.http_port)))
        assert is_closed_by_server(refused)


def test_a_viewer_who_stops_reading_is_dropped(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    limits = Limits(
        slow_viewer_seconds=2.0,
        viewer_transport_bytes=4 * 1024 * 1024,
        send_buffer_bytes=8 * 1024,
        media_idle_seconds=300,
    )
    media = start_media(platform_url=platform.url, limits=limits)
    with media.publisher("crowded") as publisher:
        publisher.send_tags(clip)
        media.until_live("crowded", clip)
        with media.view("/live/crowded.flv"), media.view("/live/crowded.flv") as quick:
            quick.read_head()
            until(lambda: media.streams()["crowded"]["viewers"] == 2)
            pieces: list[bytes] = []
            reading = threading.Thread(target=lambda: pieces.extend(quick.body()))
            reading.start()
            group = [tag for tag in pictures(clip) if tag.at < 2000]
            turns = itertools.count(3)
            stopped = until(
                lambda: _another_turn(publisher, group, next(turns)) or platform.last("crowded", "stop")
            )
            assert stopped["reason"] == "slow"
            assert media.streams()["crowded"]["viewers"] == 1
            media.kick(app="live", stream="crowded")
            reading.join()
    stamps = [tag.at for tag in pictures(parse_tags(b"".join(pieces)))]
    assert stamps == list(range(0, 40 * len(stamps), 40))
    assert len(stamps) == 50 * (next(turns) - 2)


def _another_turn(publisher: Publisher, tags: list[FlvTag], turn: int) -> bool:
    publisher.send_tags(tags, shift=turn * 2000)
    return False


def test_viewers_who_vanish_do_not_hurt_the_publisher(
    media: Media, clip: list[FlvTag], witness: None
) -> None:
    vanish = struct.pack("ii", 1, 0)
    with media.publisher("left") as publisher:
        publisher.send_tags(clip)
        media.until_live("left", clip)
        shift = 0
        for _ in range(40):
            with media.view("/live/left.flv") as viewer:
                viewer.read_head()
                viewer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, vanish)
            for picture in pictures(clip)[100:]:
                shift += 40
                publisher.send_tags([picture], shift=shift)
        until(lambda: media.streams()["left"]["viewers"] == 0)


def serve_in_a_process(tmp_path: Path) -> tuple[subprocess.Popen[str], int, int]:
    script = tmp_path / "serve.py"
    script.write_text(
        "import logging, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout, format='%(message)s')\n"
        "from streaming.embedded.config import MediaConfig\n"
        "from streaming.embedded.server import run\n"
        f"run(MediaConfig('127.0.0.1', 0, 0, ('play-key-main',), '{PUBLISH_KEY}', 'hls', 'secret'))\n"
    )
    root = str(Path(__file__).parents[3])
    process = subprocess.Popen([sys.executable, script, root], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    rtmp, http = (int(word.rstrip(",\n")) for word in line.split() if word.rstrip(",\n").isdigit())
    return process, rtmp, http


def test_sigterm_ends_it_whoever_is_connected(tmp_path: Path, clip: list[FlvTag]) -> None:
    process, rtmp_port, http_port = serve_in_a_process(tmp_path)
    assert process.stdout is not None
    with process, contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher(rtmp_port))
        assert publisher.publish("live", "last", publish_auth("last")) == "NetStream.Publish.Start"
        publisher.send_tags(clip)
        until(lambda: ask(http_port, play_target("/live/last.flv"), method="HEAD").status == 200)
        for target in ("/live/last.flv", "/live/absent.flv"):
            stack.enter_context(HttpPeer(http_port, play_target(target)))
        location = ask(http_port, play_target("/live/last.m3u8")).headers["location"]
        stack.enter_context(HttpPeer(http_port, location))
        stack.enter_context(socket.create_connection(("127.0.0.1", http_port)))
        process.send_signal(signal.SIGTERM)
        # All of them stay: whoever waited for them would never end.
        assert process.wait(DEADLINE_SECONDS) == 0
        log = process.stdout.read()
    assert "auth_key=" not in log
    assert "Traceback" not in log
