import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.embedded import h264
from tests.streaming.embedded.peers import FlvTag, encode_clip, pictures


def config_of(tags: list[FlvTag]) -> h264.VideoConfig:
    return h264.parse_record(next(tag.body for tag in tags if tag.kind == 9 and tag.is_config)[5:])


@pytest.mark.parametrize(
    ("size", "options", "profile"),
    [
        ("352x288", ("-profile:v", "baseline"), 66),
        ("1920x1080", ("-profile:v", "main"), 77),
        ("854x480", ("-profile:v", "high"), 100),
        ("720x576", ("-profile:v", "main", "-flags", "+ilme+ildct", "-x264opts", "interlaced=1"), 77),
        ("320x240", ("-pix_fmt", "yuv444p", "-profile:v", "high444"), 244),
        ("638x358", ("-pix_fmt", "yuv422p", "-profile:v", "high422"), 122),
    ],
    ids=["CIF", "cropped 1080", "high", "interlaced", "4:4:4", "4:2:2"],
)
def test_reads_size_and_profile(tmp_path: Path, size: str, options: tuple[str, ...], profile: int) -> None:
    picture = ("-f", "lavfi", "-i", f"testsrc2=s={size}", "-frames:v", "1", "-pix_fmt", "yuv420p")
    config = config_of(
        encode_clip(tmp_path / "one.flv", *picture, "-c:v", "libx264", "-preset", "fast", *options)
    )
    assert (f"{config.width}x{config.height}", config.profile) == (size, profile)
    assert config.length_bytes == 4


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x01\x64\x00\x0d\xff\xe1",
        b"\x02\x64\x00\x0d\xff\xe1\x00\x04\x67\x64\x00\x0d\x00",
        b"\x01\x64\x00\x0d\xff\xe0\x00",
        b"\x01\x64\x00\x0d\xff\xe1\x00\x09\x67\x64",
        b"\x01\x64\x00\x0d\xff\xe1\x00\x00\x00",
        b"\x01\x64\x00\x0d\xff\xe1\x00\x06\x67\x64\x00\x0d\x00\x00\x00",
    ],
    ids=["empty", "header only", "version", "no set", "cut set", "empty set", "zero bits"],
)
def test_refuses_a_broken_record(record: bytes) -> None:
    with pytest.raises(h264.H264Error):
        h264.parse_record(record)


@given(st.binary(max_size=80))
def test_any_record_is_read_or_refused(tail: bytes) -> None:
    with contextlib.suppress(h264.H264Error):
        h264.parse_record(b"\x01\x64\x00\x0d\xff\xe1" + len(tail).to_bytes(2, "big") + b"\x67" + tail)


def test_annex_b_repeats_the_parameter_sets_before_key_pictures(clip: list[FlvTag]) -> None:
    config = config_of(clip)
    key, other = pictures(clip)[0], pictures(clip)[1]
    start = b"\x00\x00\x00\x01"
    data = h264.to_annex_b(key.body[5:], config, is_key=True)
    assert [unit[0] & 31 for unit in data.split(start)[1:4]] == [h264.AUD, h264.SPS, h264.PPS]
    data = h264.to_annex_b(other.body[5:], config, is_key=False)
    assert [unit[0] & 31 for unit in data.split(start)[1:]] == [h264.AUD, 1]


def test_a_cut_unit_is_left_out() -> None:
    assert h264.split_units(b"\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00\x00\x09cut", 4) == [b"ab"]
