"""The JPEG is the picture that the camera sent: colours, greys, size; and no picture at all rather than a wrong one."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from snapshots.capture.decode import Picture, picture_of
from snapshots.capture.errors import CaptureError
from snapshots.capture.flv import FlvReader, KeyFrame
from snapshots.choices import SnapshotResult
from tests.snapshots.clips import REAL_CLIPS, first_picture, make_clip, remux

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
# The seven bars of the test picture, 75 %: white, yellow, cyan, green, magenta, red, blue.
BARS = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
FINE = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "8")
TOLERANCE = 6

Pixels = npt.NDArray[np.int16]


def key_frame_of(clip: Path) -> KeyFrame:
    frame = FlvReader().feed(clip.read_bytes())
    assert frame is not None
    return frame


def take(clip: Path, *, quality: int = 95, most_pixels: int = 4096 * 2304) -> Picture:
    return picture_of(key_frame_of(clip), quality=quality, taken_at=NOON, most_pixels=most_pixels)


def pixels_of(picture: Picture) -> Pixels:
    image = Image.open(BytesIO(picture.jpeg))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (picture.width, picture.height))
    return np.asarray(image, np.int16)


def bars_of(pixels: Pixels) -> list[tuple[int, ...]]:
    """The middle of each bar in the upper half."""
    height, width, _ = pixels.shape
    columns = [int((number + 0.5) * width / 7) for number in range(7)]
    return [tuple(int(value) for value in pixels[height // 4, column]) for column in columns]


def assert_close(found: list[tuple[int, ...]], wanted: list[tuple[int, int, int]]) -> None:
    assert np.abs(np.subtract(found, wanted)).max() <= TOLERANCE, found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("limited", ("-pix_fmt", "yuv420p")),
        ("full", ("-vf", "scale=out_range=full", "-pix_fmt", "yuvj420p")),
        ("422", ("-pix_fmt", "yuv422p")),
        ("bframes", ("-pix_fmt", "yuv420p", "-bf", "3")),
    ],
)
def test_colours_are_those_of_the_source(clips: Path, name: str, options: tuple[str, ...]) -> None:
    clip = make_clip(
        clips / f"bars-{name}.flv", "smptebars=size=352x288:rate=25", *FINE, *options, seconds=0.4
    )
    picture = take(clip)
    assert_close(bars_of(pixels_of(picture)), BARS)
    assert (picture.width, picture.height, picture.taken_at) == (352, 288, NOON)


@pytest.mark.parametrize("matrix", ["1", "2"], ids=["tagged", "untagged"])
def test_high_definition_is_bt_709_whether_it_says_so_or_not(clips: Path, matrix: str) -> None:
    """Its own matrix, which a JPEG does not have: greens would turn out wrong by 20."""
    options = ("-vf", "format=rgb24,scale=out_color_matrix=bt709,format=yuv420p")
    tag = ("-bsf:v", f"h264_metadata=matrix_coefficients={matrix}")
    source = "smptebars=size=1280x720:rate=25"
    picture = take(make_clip(clips / f"hd{matrix}.flv", source, *FINE, *options, *tag, seconds=0.1))
    assert_close(bars_of(pixels_of(picture)), BARS)
    assert (picture.width, picture.height) == (1280, 720)


@pytest.mark.parametrize(("luma", "grey"), [("black", 0), ("white", 255), ("gray", 128)])
def test_black_is_black_and_white_is_white(clips: Path, luma: str, grey: int) -> None:
    clip = make_clip(
        clips / f"{luma}.flv", f"color={luma}:size=352x288:rate=25", *FINE, "-pix_fmt", "yuv420p"
    )
    picture = take(clip, quality=80)
    assert np.abs(pixels_of(picture) - grey).max() <= 2
    assert abs(int(picture.planes.y[144, 176]) - grey) <= 2


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("320x240", (384, 288)),
        ("176x144", (352, 288)),
        ("352x240", (422, 288)),
        ("640x360", (640, 360)),
        ("704x576", (704, 576)),
    ],
)
def test_picture_is_cif_or_larger_and_keeps_its_shape(
    clips: Path, size: str, expected: tuple[int, int]
) -> None:
    source = f"smptebars=size={size}:rate=25"
    picture = take(make_clip(clips / f"{size}.flv", source, *FINE, "-pix_fmt", "yuv420p", seconds=0.1))
    assert (picture.width, picture.height) == expected
    assert picture.planes.y.shape == expected[::-1]
    assert_close(bars_of(pixels_of(picture)), BARS)


@pytest.mark.parametrize(
    ("longest_side", "expected"),
    [(0, (1280, 720)), (640, (640, 360)), (1920, (1280, 720)), (601, (602, 338)), (352, (512, 288))],
)
def test_picture_is_made_smaller_where_staff_say_so(
    clips: Path, longest_side: int, expected: tuple[int, int]
) -> None:
    """Never below CIF, whatever they say."""
    source = "smptebars=size=1280x720:rate=25"
    frame = key_frame_of(make_clip(clips / "large.flv", source, *FINE, "-pix_fmt", "yuv420p", seconds=0.1))
    picture = picture_of(frame, quality=80, taken_at=NOON, longest_side=longest_side)
    assert (picture.width, picture.height) == expected
    assert picture.planes.y.shape == expected[::-1]


@pytest.mark.parametrize("clip", sorted(REAL_CLIPS.glob("*.mp4")), ids=lambda clip: clip.stem)
def test_real_road_looks_as_it_does_in_ffmpeg(clips: Path, clip: Path) -> None:
    picture = take(remux(clip, clips / f"{clip.stem}.flv"), quality=80)
    wanted = first_picture(clip, width=picture.width, height=picture.height)
    reference = np.frombuffer(wanted, np.uint8).reshape(picture.height, picture.width, 3).astype(np.int16)
    difference = np.abs(pixels_of(picture) - reference)
    assert difference.mean() < 4
    assert np.abs(pixels_of(picture).mean((0, 1)) - reference.mean((0, 1))).max() < 2


def broken(frame: KeyFrame, kind: str) -> KeyFrame:
    data, middle = frame.data, len(frame.data) // 2
    match kind:
        case "damaged":
            data = data[:middle] + bytes(60) + data[middle + 60 :]
        case "cut":
            data = data[:middle]
        case "noise":
            data = bytes(range(256)) * 4
        case "empty":
            data = b""
        case "without parameters":
            return KeyFrame(b"\x01", data)
    return KeyFrame(frame.config, data)


@pytest.mark.parametrize("kind", ["damaged", "cut", "noise", "empty", "without parameters"])
def test_damaged_key_frame_is_no_picture(clips: Path, road_clip: bytes, kind: str) -> None:
    """A decoder patches holes with grey or with an older picture; neither is shown."""
    frame = FlvReader().feed(road_clip)
    assert frame is not None
    with pytest.raises(CaptureError) as refusal:
        picture_of(broken(frame, kind), quality=80, taken_at=NOON)
    assert refusal.value.result == SnapshotResult.UNDECODABLE


def test_stream_that_claims_to_be_huge_is_not_decoded(clips: Path) -> None:
    """threats.md 20; CIF is the giant here, the decoder counts some margin to its 101,376 pixels."""
    clip = make_clip(clips / "giant.flv", "smptebars=size=352x288:rate=25", *FINE, seconds=0.1)
    assert take(clip, most_pixels=400_000).width == 352
    with pytest.raises(CaptureError) as refusal:
        take(clip, most_pixels=100_000)
    assert refusal.value.result == SnapshotResult.UNDECODABLE


@pytest.mark.parametrize("size", ["16x16000", "16000x16"])
def test_sliver_is_not_blown_up_to_cif(tmp_path: Path, size: str) -> None:
    """Few pixels as they come, a hundred million once both sides cover CIF."""
    clip = make_clip(tmp_path / "sliver.flv", f"testsrc2=size={size}:rate=1", *FINE, seconds=1)
    with pytest.raises(CaptureError, match="would be") as refusal:
        take(clip)
    assert refusal.value.result == SnapshotResult.UNDECODABLE
