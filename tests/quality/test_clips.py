"""Some seconds of a real stream as frames: all of them, in the order in which they are shown, with true greys."""

from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from quality.clips import Clip, frames_of, read_clip
from snapshots.capture.decode import picture_of
from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import read_key_frame
from snapshots.choices import SnapshotResult
from tests.snapshots.clips import HEADER, make_clip, make_tag
from tests.snapshots.conftest import X264
from tests.snapshots.flv_server import Behaviour, FlvServer, ended, live, silent, status

HEVC = live(HEADER, make_tag(b"\x1c\x00\x00\x00\x00hvcC"))


@pytest.fixture
def rising_clip(tmp_path: Path) -> bytes:
    """Three seconds that grow lighter frame by frame, with B-frames: any other order shows."""
    source = "color=black:size=352x288:rate=25,geq=lum='16+2*N':cb=128:cr=128"
    return make_clip(tmp_path / "rising.flv", source, *X264, "-bf", "2", seconds=3).read_bytes()


def read(
    media: FlvServer, behaviour: Behaviour, seconds: float = 2, timeout_seconds: float = 10
) -> Clip:
    media.behaviours["/live/1.flv"] = behaviour
    return read_clip(f"{media.base}/live/1.flv", seconds=seconds, timeout_seconds=timeout_seconds)


def test_frames_come_in_the_order_in_which_they_are_shown(media: FlvServer, rising_clip: bytes) -> None:
    clip = read(media, live(rising_clip))
    frames, seconds = frames_of(clip)
    assert 2.0 <= clip.span_ms / 1000 < 2.2
    assert len(frames) == len(seconds) == len(clip.units)
    assert np.allclose(np.diff(seconds), 0.04, atol=0.002)
    greys = [float(frame.mean()) for frame in frames]
    assert greys == sorted(greys)
    # Two steps of limited range, a little more of full range.
    assert (greys[-1] - greys[0]) / (len(greys) - 1) == pytest.approx(2 * 255 / 219, rel=0.05)


def test_frames_have_the_greys_of_pictures(media: FlvServer, road_clip: bytes) -> None:
    frames, _ = frames_of(read(media, live(road_clip), seconds=1))
    frame = read_key_frame(f"{media.base}/live/1.flv", timeout_seconds=10)
    picture = picture_of(frame, quality=80, taken_at=timezone.now())
    assert np.array_equal(frames[0], picture.planes.y)


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        (silent, SnapshotResult.NO_KEY_FRAME),
        (status(404), SnapshotResult.OFFLINE),
        (HEVC, SnapshotResult.NOT_H264),
    ],
)
def test_what_is_no_burst_is_told(media: FlvServer, behaviour: Behaviour, result: SnapshotResult) -> None:
    with pytest.raises(CaptureError) as caught:
        read(media, behaviour, seconds=0.5, timeout_seconds=0.5)
    assert caught.value.result == result


def test_a_stream_that_ends_early_is_no_burst(media: FlvServer, road_clip: bytes) -> None:
    with pytest.raises(CaptureError, match="within the burst"):
        read(media, ended(road_clip), seconds=30)


def in_band(record: bytes) -> bytes:
    """The parameter sets of an AVCDecoderConfigurationRecord as units of the stream."""
    sps_end = 8 + int.from_bytes(record[6:8], "big")
    sps, pps = record[8:sps_end], record[sps_end + 3 :]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in (sps, pps))


def test_a_new_size_ends_the_frames(tmp_path: Path, media: FlvServer) -> None:
    small, large = (
        make_clip(tmp_path / f"{width}.flv", f"testsrc2=size={width}x288:rate=25", *X264, seconds=1)
        for width in (352, 512)
    )
    clip = read(media, live(small.read_bytes()), seconds=0.8)
    count = len(clip.units)
    larger = read(media, live(large.read_bytes()), seconds=0.8)
    (first_at, first), *rest = larger.units
    units = [(first_at, in_band(larger.config) + first), *rest]
    clip.units += [(at + 5000, unit) for at, unit in units]
    frames, _ = frames_of(clip)
    assert ({frame.shape for frame in frames}, len(frames)) == ({(288, 352)}, count)


def test_damage_is_told(media: FlvServer, road_clip: bytes) -> None:
    clip = read(media, live(road_clip), seconds=1)
    clip.config = b"\x01\x42"
    with pytest.raises(CaptureError) as caught:
        frames_of(clip)
    assert caught.value.result == SnapshotResult.UNDECODABLE
