import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.embedded.rtmp_chunks import ChunkError, ChunkReader, Message, encode_message

LIMIT = 10_000


def head(form: int, stream: int, stamp: int = 0, size: int = 0, kind: int = 9) -> bytes:
    """A chunk header of the given form, as RTMP 5.3.1 draws it."""
    out = bytes((form << 6 | stream,))
    if form < 3:
        out += stamp.to_bytes(3, "big")
    if form < 2:
        out += size.to_bytes(3, "big") + bytes((kind,))
    if form == 0:
        out += struct.pack("<I", 1)
    return out


def read(data: bytes) -> list[Message]:
    return ChunkReader(LIMIT).feed(data)


def test_a_message_in_one_chunk() -> None:
    assert read(head(0, 6, 40, 3) + b"abc") == [Message(9, 40, b"abc", 1)]


def test_a_message_over_several_chunks_of_128() -> None:
    body = bytes(range(256)) + b"tail"
    data = head(0, 6, 7, 260) + body[:128] + head(3, 6) + body[128:256] + head(3, 6) + body[256:]
    assert read(data) == [Message(9, 7, body, 1)]


def test_byte_by_byte_is_the_same_as_at_once() -> None:
    body = bytes(200)
    data = head(0, 6, 0xFFFFFF, 200) + struct.pack(">I", 20_000_000) + body[:128]
    data += head(3, 6) + struct.pack(">I", 20_000_000) + body[128:] + head(1, 6, 40, 2) + b"xy"
    reader = ChunkReader(LIMIT)
    slowly = [message for byte in data for message in reader.feed(bytes((byte,)))]
    assert slowly == read(data) == [Message(9, 20_000_000, body, 1), Message(9, 20_000_040, b"xy", 1)]


def test_interleaved_messages_keep_apart() -> None:
    video, audio = b"v" * 200, b"a" * 130
    data = head(0, 6, 0, 200) + video[:128] + head(0, 4, 0, 130, 8) + audio[:128]
    data += head(3, 6) + video[128:] + head(3, 4) + audio[128:]
    assert [message.payload for message in read(data)] == [video, audio]


def test_type_1_and_2_add_their_delta() -> None:
    data = head(0, 6, 1000, 1) + b"a" + head(1, 6, 40, 2) + b"bc" + head(2, 6, 20) + b"de"
    assert [(message.timestamp, message.payload) for message in read(data)] == [
        (1000, b"a"),
        (1040, b"bc"),
        (1060, b"de"),
    ]


def test_type_3_repeats_the_delta_for_a_new_message() -> None:
    data = head(0, 6, 1000, 1) + b"a" + head(2, 6, 40) + b"b" + head(3, 6) + b"c" + head(3, 6) + b"d"
    assert [message.timestamp for message in read(data)] == [1000, 1040, 1080, 1120]


def test_type_3_after_type_0_repeats_the_timestamp_as_delta() -> None:
    assert [message.timestamp for message in read(head(0, 6, 40, 1) + b"a" + head(3, 6) + b"b")] == [40, 80]


def test_an_extended_delta_is_repeated_by_type_3() -> None:
    jump = struct.pack(">I", 0x1000000)
    data = head(0, 6, 5, 1) + b"a" + head(2, 6, 0xFFFFFF) + jump + b"b" + head(3, 6) + jump + b"c"
    assert [message.timestamp for message in read(data)] == [5, 5 + 0x1000000, 5 + 0x2000000]


def test_continuations_that_leave_the_extended_timestamp_out() -> None:
    body = b"q" * 200
    data = head(0, 6, 0xFFFFFF, 200) + struct.pack(">I", 0x1000000) + body[:128] + head(3, 6) + body[128:]
    assert read(data) == [Message(9, 0x1000000, body, 1)]


def test_timestamps_wrap_at_32_bits() -> None:
    data = head(0, 6, 0xFFFFFF, 1) + struct.pack(">I", 0xFFFFFFF0) + b"a" + head(2, 6, 0x20) + b"b"
    assert [message.timestamp for message in read(data)] == [0xFFFFFFF0, 0x10]


@pytest.mark.parametrize("number", [b"\x00\x10", b"\x01\x10\x02"])
def test_large_chunk_stream_ids(number: bytes) -> None:
    assert read(number + head(0, 0, 9, 2)[1:] + b"ok") == [Message(9, 9, b"ok", 1)]


def test_a_new_chunk_size_holds_from_the_next_chunk() -> None:
    body = bytes(3000)
    data = head(0, 2, 0, 4, 1) + struct.pack(">I", 4000) + head(0, 6, 0, 3000) + body
    assert read(data) == [Message(9, 0, body, 1)]


def test_a_chunk_size_beyond_any_message_is_kept_to() -> None:
    reader = ChunkReader(1000)
    reader.feed(head(0, 2, 0, 4, 1) + struct.pack(">I", 0x7FFFFFFF))
    reader.message_bytes = 5000
    assert reader.feed(head(0, 6, 0, 3000) + bytes(3000)) == [Message(9, 0, bytes(3000), 1)]


def test_an_empty_message() -> None:
    assert read(head(0, 6, 3, 0) + head(0, 6, 4, 1) + b"x") == [Message(9, 3, b"", 1), Message(9, 4, b"x", 1)]


def test_abort_forgets_the_half_message() -> None:
    data = head(0, 6, 0, 300) + bytes(128) + head(0, 2, 0, 4, 2) + struct.pack(">I", 6)
    assert read(data + head(0, 6, 8, 2) + b"ok") == [Message(9, 8, b"ok", 1)]


@pytest.mark.parametrize(
    "data",
    [
        head(0, 2, 0, 4, 1) + struct.pack(">I", 0),
        head(0, 2, 0, 4, 1) + struct.pack(">I", 0x80000000),
        head(0, 2, 0, 2, 1) + b"\x00\x10",
        head(0, 6, 0, LIMIT + 1),
        head(3, 6),
        head(2, 6, 40),
        head(0, 6, 0, 300) + bytes(128) + head(0, 6, 0, 300),
        b"".join(head(0, stream, 0, 300) + bytes(128) for stream in range(3, 64))
        + b"".join(bytes((0, number)) + head(0, 0, 0, 0)[1:] for number in range(10)),
    ],
    ids=["size 0", "size bit 31", "size cut", "too large", "bare 3", "bare 2", "begun twice", "too many"],
)
def test_refuses(data: bytes) -> None:
    with pytest.raises(ChunkError):
        read(data)


def test_half_messages_are_bounded_together() -> None:
    reader = ChunkReader(LIMIT)
    reader.feed(head(0, 2, 0, 4, 1) + struct.pack(">I", 6000))
    reader.feed(head(0, 6, 0, 9000) + bytes(6000))
    with pytest.raises(ChunkError):
        reader.feed(head(0, 7, 0, 9000) + bytes(6000))


def test_what_it_encodes_it_reads() -> None:
    message = Message(20, 0, bytes(500), 1)
    assert read(encode_message(message, chunk_stream=3, chunk_size=128)) == [message]


@given(st.lists(st.binary(max_size=400), max_size=5))
def test_any_bytes_are_read_or_refused(pieces: list[bytes]) -> None:
    reader = ChunkReader(LIMIT)
    try:
        for piece in pieces:
            reader.feed(piece)
    except ChunkError:
        pass
