import pytest

from streaming.embedded import amf, flv
from tests.streaming.embedded.peers import parse_tags


def test_the_header_says_what_is_there() -> None:
    assert flv.file_header(has_audio=False)[4] == 1
    assert flv.file_header(has_audio=True)[4] == 5


@pytest.mark.parametrize("at", [0, 0xFFFFFF, 0x1000000, 0xFFFFFFFF])
def test_tags_are_read_back(at: int) -> None:
    parts = [flv.file_header(has_audio=False)]
    flv.add_tag(parts, flv.VIDEO, at, b"picture")
    flv.add_tag(parts, flv.AUDIO, at, b"")
    assert [tuple(tag) for tag in parse_tags(b"".join(parts))] == [(9, at, b"picture"), (8, at, b"")]


def test_time_wraps_at_32_bits() -> None:
    parts = [bytes(13)]
    flv.add_tag(parts, flv.VIDEO, (1 << 32) + 5, b"x")
    assert parse_tags(b"".join(parts))[0].at == 5


def test_metadata_is_true() -> None:
    name, facts = amf.decode(flv.metadata(width=352, height=288, fps=25.0, has_audio=False))
    assert name == "onMetaData"
    assert facts == {
        "hasVideo": True,
        "hasAudio": False,
        "width": 352.0,
        "height": 288.0,
        "videocodecid": 7.0,
        "framerate": 25.0,
    }


@pytest.mark.parametrize(
    ("payload", "codec"),
    [
        (b"\x17\x01", "H264"),
        (b"\x1c\x00", "H265"),
        (b"\x1f\x00", "CODEC 15"),
        (b"\x90hvc1", "H265"),
        (b"\x91vp09", "VP9"),
        (b"\x90zzzz", "FOURCC 7a7a7a7a"),
        (b"\x90", "FOURCC "),
    ],
)
def test_names_the_codec(payload: bytes, codec: str) -> None:
    assert flv.video_codec(payload) == codec


@pytest.mark.parametrize(
    ("enhanced", "plain"),
    [
        (b"\x90avc1record", b"\x17\x00\x00\x00\x00record"),
        (b"\x91avc1\x00\x00\x28picture", b"\x17\x01\x00\x00\x28picture"),
        (b"\xa3avc1picture", b"\x27\x01\x00\x00\x00picture"),
        (b"\x90hvc1record", b"\x90hvc1record"),
        (b"\x17\x01\x00\x00\x00x", b"\x17\x01\x00\x00\x00x"),
    ],
)
def test_enhanced_h264_becomes_plain(enhanced: bytes, plain: bytes) -> None:
    assert flv.plain_h264(enhanced) == plain


@pytest.mark.parametrize(("raw", "value"), [(b"\x00\x00\x50", 80), (b"\xff\xff\xd8", -40)])
def test_composition_time_is_signed(raw: bytes, value: int) -> None:
    assert flv.composition_ms(b"\x27\x01" + raw) == value
