"""Command lines, and what is read out of ffmpeg's words and bytes."""

import dataclasses
from pathlib import Path

import pytest

from gateway.adapters import file, rtsp_stream
from gateway.ffmpeg import (
    COPY_ARGUMENTS,
    FfmpegMissingError,
    find_ffmpeg,
    push_arguments,
    transcode_arguments,
)
from gateway.probe import SourceFormat, measure_flv, parse_stream_line
from protocol.commands import HIGH_FORMAT, LOW_FORMAT

URL = "rtmp://127.0.0.1:1935/live/cam_0?auth_key=1-0-0-x"


def pairs(arguments: list[str]) -> dict[str, str]:
    return {
        name: value for name, value in zip(arguments, arguments[1:], strict=False) if name.startswith("-")
    }


def test_rtsp_over_tcp_with_a_time_out() -> None:
    url = "rtsp://admin:pa ss@10.1.2.3/main"
    assert rtsp_stream.input_arguments(url) == [
        *("-nostdin", "-rtsp_transport", "tcp", "-timeout", "3000000"),
        *("-i", url),
    ]


def test_a_file_loops_at_its_own_speed() -> None:
    arguments = file.input_arguments(Path("/clips/-a.mp4"))
    assert arguments[1:] == ["-re", "-stream_loop", "-1", "-i", "file:/clips/-a.mp4"]


def test_a_push_is_bounded_in_time_and_names_its_progress() -> None:
    line = push_arguments("ffmpeg", ["-i", "x"], COPY_ARGUMENTS, url=URL, address="127.0.0.1")
    assert line[-1] == URL
    assert pairs(line)["-rw_timeout"] == "5000000"
    assert pairs(line)["-progress"] == "pipe:1"
    assert pairs(line)["-c:v"] == "copy"
    assert "-rtmp_tcurl" not in line


def test_a_name_is_pinned_to_the_address_that_was_checked() -> None:
    url = "rtmp://media.example.cn:1935/live/cam_0?auth_key=1"
    line = push_arguments("ffmpeg", [], [], url=url, address="10.9.8.7")
    assert line[-1] == "rtmp://10.9.8.7:1935/live/cam_0?auth_key=1"
    assert pairs(line)["-rtmp_tcurl"] == "rtmp://media.example.cn:1935/live"
    assert push_arguments("ffmpeg", [], [], url=url, address="fd00::7")[-1].startswith(
        "rtmp://[fd00::7]:1935/"
    )


def test_transcoding_keeps_to_what_was_asked() -> None:
    asked = pairs(transcode_arguments(LOW_FORMAT))
    assert asked["-vf"].startswith("scale=352:288")
    assert (asked["-b:v"], asked["-g"], asked["-r"], asked["-bf"]) == ("200k", "50", "25", "0")
    assert (asked["-pix_fmt"], asked["-tune"]) == ("yuv420p", "zerolatency")
    assert "-vf" not in transcode_arguments(HIGH_FORMAT, scale=False)


def test_an_ffmpeg_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FfmpegMissingError, match=r"absent"):
        find_ffmpeg(str(tmp_path / "absent"))
    assert Path(find_ffmpeg(None)).is_file()


SAID = """Input #0, rtsp, from 'rtsp://x':
  Stream #0:0: Audio: pcm_alaw, 8000 Hz, mono, s16, 64 kb/s
  Stream #0:1(und): Video: h264 (Main) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 352x288 [SAR 1:1 DAR 11:9], 180 kb/s, 25 fps, 25 tbr, 90k tbn
"""


def test_ffmpegs_description_of_a_stream() -> None:
    assert parse_stream_line(SAID) == SourceFormat("h264", "yuv420p", 352, 288, 25.0)
    assert parse_stream_line(SAID.replace("Video", "Data")) is None


CIF = SourceFormat("h264", "yuv420p", 352, 288, 25.0, gop_seconds=2.0, bitrate=210)


@pytest.mark.parametrize(
    ("source", "fits"),
    [
        (CIF, True),
        (SourceFormat("h264", "yuvj420p", 352, 288, 25.5, 1.0, 390), True),
        (SourceFormat("hevc", "yuv420p", 352, 288, 25.0, 2.0, 210), False),
        (SourceFormat("h264", "yuv422p", 352, 288, 25.0, 2.0, 210), False),
        (SourceFormat("h264", "yuv420p", 640, 360, 25.0, 2.0, 210), False),
        (SourceFormat("h264", "yuv420p", 352, 288, 15.0, 2.0, 210), False),
        (SourceFormat("h264", "yuv420p", 352, 288, 25.0, 4.0, 210), False),
        (SourceFormat("h264", "yuv420p", 352, 288, 25.0, None, 210), False),
        (SourceFormat("h264", "yuv420p", 352, 288, 25.0, 2.0, 900), False),
    ],
)
def test_what_may_be_passed_on_as_it_is(source: SourceFormat, fits: bool) -> None:
    assert source.fits(LOW_FORMAT) is fits


FULL_HD = SourceFormat("h264", "yuv420p", 1920, 1080, 25.0, gop_seconds=2.0, bitrate=4000)


@pytest.mark.parametrize(
    ("source", "fits"),
    [
        (FULL_HD, True),
        (dataclasses.replace(FULL_HD, width=1280, height=720, bitrate=2900), True),
        (dataclasses.replace(FULL_HD, width=1280, height=720, bitrate=3100), False),
        (dataclasses.replace(FULL_HD, bitrate=7000), False),
        (dataclasses.replace(FULL_HD, width=1280, height=704), False),
        (dataclasses.replace(FULL_HD, codec="hevc"), False),
    ],
)
def test_a_high_stream_may_be_larger_than_asked(source: SourceFormat, fits: bool) -> None:
    assert source.fits(HIGH_FORMAT, may_be_larger=True) is fits
    assert not FULL_HD.fits(HIGH_FORMAT)


def flv_tag(stamp: int, *, is_key: bool, size: int = 1000, kind: int = 1) -> bytes:
    body = bytes([0x17 if is_key else 0x27, kind]) + bytes(size - 2)
    head = b"\x09" + size.to_bytes(3, "big") + (stamp & 0xFFFFFF).to_bytes(3, "big") + bytes([stamp >> 24])
    return head + bytes(3) + body + (size + 11).to_bytes(4, "big")


def test_key_frames_and_bitrate_of_a_stream() -> None:
    tags = [flv_tag(0, is_key=True, kind=0), *(flv_tag(n * 40, is_key=n % 50 == 0) for n in range(101))]
    gop, bitrate = measure_flv(bytes(13) + b"".join(tags))
    assert gop == 2.0
    assert bitrate == pytest.approx(101 * 8 / 4)
    assert measure_flv(bytes(13) + b"".join(tags[:20]))[0] is None
    assert measure_flv(b"FLV") == (None, 0.0)
    end_of_sequence = flv_tag(800, is_key=True, kind=2)
    assert measure_flv(bytes(13) + b"".join([*tags[:20], end_of_sequence]))[0] is None
