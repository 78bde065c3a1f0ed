"""Damaged conversations of real publishers and viewers: no error is logged, nothing stays behind, nobody suffers."""

import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.embedded.ingest import RefusedCodecError
from tests.streaming.embedded.conftest import SECRET, Media, play_target, publish_auth
from tests.streaming.embedded.peers import (
    DEADLINE_SECONDS,
    WS_HEADERS,
    FlvTag,
    amf_values,
    ask,
    chunked,
    pictures,
    read_tags,
    until,
)
from tests.streaming.embedded.test_hls import Source, durations, repeated

FUZZ = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def witness(media: Media, clip: list[FlvTag]) -> Iterator[None]:
    """A publisher and a viewer who must see nothing of all the noise."""
    with media.publisher("witness") as publisher:
        publisher.send_tags(clip)
        media.until_live("witness", clip)
        with media.view("/live/witness.flv") as viewer:
            viewer.read_head()
            yield
            publisher.send_tags(pictures(clip)[:100], shift=6000)
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 150)
            stamps = [tag.at for tag in pictures(tags)]
    assert stamps == list(range(0, 6000, 40))


@pytest.fixture
def quiet(media: Media, witness: None, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Afterwards only the witness is left, and no exception has reached the event loop or the log."""
    yield
    until(lambda: len(media.server._rtmp.sessions) == 1, what="only the witness publishes")
    until(lambda: list(media.server.hub.streams) == [("live", "witness")], what="no other stream")
    until(lambda: len(media.server.hub.streams[("live", "witness")].listeners) == 1, what="no other viewer")
    assert media.server._rtmp.pending == {}
    assert ask(media.http_port, "/healthz").status == 200
    assert [record.message for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


class Damage(NamedTuple):
    """What happens to one piece of a conversation: `place` and `value` are taken modulo what is there."""

    piece: int
    kind: str
    place: int
    value: int

    def apply(self, pieces: list[bytes]) -> None:
        index = self.piece % len(pieces)
        data = pieces[index]
        at = self.place % (len(data) + 1)
        made: dict[str, Callable[[], bytes]] = {
            "flip": lambda: data[:at] + bytes((self.value % 256,)) + data[at + 1 :],
            "cut": lambda: data[:at],
            "drop": lambda: b"",
            "twice": lambda: data + data,
            "insert": lambda: data[:at] + struct.pack(">I", self.value) * (1 + self.value % 5) + data[at:],
            "length": lambda: data[:4] + (self.value & 0xFFFFFF).to_bytes(3, "big") + data[7:],
            "time": lambda: data[:1] + b"\xff\xff\xff" + data[4:],
            "type": lambda: data[:7] + bytes((self.value % 24,)) + data[8:],
        }
        pieces[index] = made[self.kind]()


KINDS = ("flip", "cut", "drop", "twice", "insert", "length", "time", "type")
# The places near the beginning are the headers.
PLACES = st.one_of(st.integers(0, 16), st.integers(0, 10_000))
VALUES = st.one_of(st.sampled_from((0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF)), st.integers(0, 0xFFFFFFFF))
DAMAGES = st.lists(
    st.builds(Damage, st.integers(0, 40), st.sampled_from(KINDS), PLACES, VALUES), min_size=1, max_size=4
)


def spoken(name: str, tags: list[FlvTag]) -> list[bytes]:
    """What a publisher says without waiting for answers: handshake, commands, metadata, then media."""

    def message(kind: int, payload: bytes, at: int = 0) -> bytes:
        chunk_stream = 6 if kind == 9 else 3
        return chunked(kind, payload, at=at, chunk_stream=chunk_stream, stream_id=1)

    facts = {"width": 352.0, "height": 288.0, "videocodecid": 7.0, "encoder": "x" * 40}
    return [
        b"\x03" + bytes(1536),
        bytes(1536),
        message(1, struct.pack(">I", 4096)),
        message(20, amf_values("connect", 1.0, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live"})),
        message(20, amf_values("releaseStream", 2.0, None, name)),
        message(20, amf_values("createStream", 3.0, None)),
        message(20, amf_values("publish", 4.0, None, f"{name}?auth_key={publish_auth(name)}", "live")),
        message(18, amf_values("@setDataFrame", "onMetaData", facts)),
        *(message(tag.kind, tag.body, tag.at) for tag in tags if tag.kind == 9),
        message(20, amf_values("deleteStream", 5.0, None, 1.0)),
    ]


def say(port: int, data: bytes) -> None:
    """Everything at once, then read until the server closes: it has then taken in all of it."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
    with peer, contextlib.suppress(ConnectionError):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass


def test_the_undamaged_conversation_publishes(media: Media, clip: list[FlvTag], quiet: None) -> None:
    """What is damaged below reaches the media: else it would prove little."""
    with socket.create_connection(("127.0.0.1", media.rtmp_port), timeout=DEADLINE_SECONDS) as peer:
        peer.sendall(b"".join(spoken("undamaged", clip[:30])[:-1]))
        media.until_live("undamaged", clip[:30])


@settings(FUZZ, max_examples=250)
@given(DAMAGES)
def test_a_damaged_publisher(media: Media, clip: list[FlvTag], quiet: None, damages: list[Damage]) -> None:
    pieces = spoken("damaged", clip[:30])
    for damage in damages:
        damage.apply(pieces)
    say(media.rtmp_port, b"".join(pieces))


@settings(FUZZ, max_examples=100)
@given(DAMAGES)
def test_damaged_media_is_refused_or_passed_on(clip: list[FlvTag], damages: list[Damage]) -> None:
    source = Source()
    source.feed(clip[:10])
    packager = source.package()
    damaged = clip[1:9]
    bodies = [tag.body for tag in damaged]
    for damage in damages:
        damage.apply(bodies)
    with contextlib.suppress(RefusedCodecError):
        source.feed([tag._replace(body=body) for tag, body in zip(damaged, bodies, strict=True)])
    Source(source.hall).feed(repeated(clip, 3, 6000))
    playlist = packager.playlist()
    assert durations(playlist)[-3:] == [2.0, 2.0, 2.0]
    assert max(durations(playlist)) <= 3.0


AMF = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.floats(allow_nan=False),
        st.text(max_size=20),
        st.sampled_from(("connect", "publish", "play", "createStream", "app", "live", "onMetaData")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(FUZZ, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from((15, 17, 18, 20, 22)), st.lists(AMF, max_size=5), st.binary(max_size=8)),
        min_size=1,
        max_size=6,
    )
)
def test_commands_of_any_shape(
    media: Media, quiet: None, commands: list[tuple[int, list[object], bytes]]
) -> None:
    odd = [
        chunked(kind, amf_values(*values) + tail, stream_id=1)
        for kind, values, tail in commands
    ]
    pieces = spoken("commanded", [])
    say(media.rtmp_port, b"".join(pieces[:3] + odd))
    say(media.rtmp_port, b"".join(pieces[:-1] + odd))


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("name", ["connect", "createStream", "releaseStream", "publish", "other"])
def test_a_command_number_that_is_none(media: Media, quiet: None, name: str, is_signed: bool) -> None:
    """Bytes that are no text grow when they are written back as such."""
    text = b"\x0c" + struct.pack(">I", 30_000) + b"\xff" * 30_000
    pieces = spoken("numbered", [])
    odd = [chunked(20, amf_values(name) + text + amf_values(None, {"app": "live"}))]
    say(media.rtmp_port, b"".join((pieces[:-1] if is_signed else pieces[:3]) + odd))


def test_a_websocket_key_that_is_no_text(media: Media, quiet: None) -> None:
    headers = WS_HEADERS.replace("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: \udcff")
    assert ask(media.http_port, play_target("/live/witness.flv"), headers=headers).status == 400


def test_viewers_who_leave_before_the_answer(media: Media, quiet: None) -> None:
    request = f"GET {play_target('/live/witness.flv')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", media.http_port), timeout=DEADLINE_SECONDS) as peer:
            peer.sendall(request)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


REQUESTS = (
    ("GET", "/live/witness.flv", ""),
    ("GET", "/live/witness.flv", WS_HEADERS),
    ("GET", "/live/witness.m3u8", ""),
    ("HEAD", "/live/witness.flv", ""),
    ("POST", "/api/kick", f'X-Media-Secret: {SECRET}\r\nContent-Length: 20\r\n\r\n{{"app": "x", "y": 1}}'),
    ("POST", "/api/kick", f"X-Media-Secret: {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2]\r\n0"),
    ("GET", "/s/1799999999/" + "a" * 64 + "-cast-0/live/witness/index.m3u8", "Range: bytes=0-\r\n"),
)


@settings(FUZZ, max_examples=300)
@given(st.sampled_from(REQUESTS), DAMAGES)
def test_a_damaged_request(
    media: Media, quiet: None, request_parts: tuple[str, str, str], damages: list[Damage]
) -> None:
    method, path, headers = request_parts
    line = f"{method} {play_target(path)} HTTP/1.1\r\n".encode()
    pieces = [line, b"Host: 127.0.0.1\r\n", headers.encode(), b"\r\n"]
    for damage in damages:
        damage.apply(pieces)
    leave_after_answer(media.http_port, b"".join(pieces))


def leave_after_answer(port: int, data: bytes) -> None:
    """A stream would go on for ever: the first bytes of any answer are enough."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
    with peer, contextlib.suppress(ConnectionError):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        peer.recv(65536)
