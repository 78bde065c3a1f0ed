"""From streams to what goes upward: rounds of real captures, the real engine, and what the ministry is owed."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from cameras.choices import OnlineStatus
from cameras.models import Camera
from quality.choices import QualityFlag
from quality.models import CameraDiagnosis, CameraQuality, CameraView
from quality.services.bursts import look_at_bursts
from quality.services.feedback import judge_alarm
from quality.services.pictures import judge_pictures
from snapshots.capture.crew import Shot
from snapshots.capture.decode import Picture, Planes
from snapshots.choices import SnapshotResult
from snapshots.services.rounds import capture_shard
from snapshots.slots import unix_slot
from streaming.selectors import CaptureTarget
from tests.cameras.ledger import camera
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.reports import held, history
from tests.snapshots.clips import make_clip
from tests.snapshots.conftest import X264
from tests.snapshots.flv_server import FlvServer, ended, live

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway")]

SLOT = timedelta(minutes=5)
Luma = npt.NDArray[np.uint8]


@pytest.fixture(autouse=True)
def online(gateway: Caller, settings: LazySettings, tmp_path: Path) -> None:
    settings.SNAPSHOT_ROOT = tmp_path
    settings.SNAPSHOT_TIMEOUT_SECONDS = 90
    Camera.objects.update(status=OnlineStatus.ONLINE, status_at=NOON, has_stream=True)


class Rounds:
    """Rounds of the five-minute clock, one after the other."""

    def __init__(self, media: FlvServer, clock: TimeMachineFixture) -> None:
        self.media, self.clock, self.at = media, clock, NOON

    def __call__(self, camera_ids: Iterable[int]) -> list[CaptureTarget]:
        return [CaptureTarget(pk, True, f"{self.media.base}/{pk}.flv", "H264") for pk in camera_ids]

    def take(self, times: int) -> None:
        for _ in range(times):
            self.at += SLOT
            self.clock.move_to(self.at + timedelta(seconds=20))
            capture_shard(slot=unix_slot(self.at), shard=0, shards=1, targets=self)


@pytest.fixture
def rounds(media: FlvServer, clock: TimeMachineFixture) -> Rounds:
    return Rounds(media, clock)


def test_a_camera_that_turns_black_and_one_that_shows_nothing(
    rounds: Rounds, media: FlvServer, road_clip: bytes, tmp_path: Path
) -> None:
    black_clip = make_clip(tmp_path / "black.flv", "color=black:size=352x288:rate=25", *X264).read_bytes()
    black, stuck, fine = (camera(n).pk for n in (1, 2, 3))
    media.behaviours = {f"/{pk}.flv": live(road_clip) for pk in (black, stuck, fine)}
    rounds.take(3)
    for n in (1, 2, 3):
        assert held(n)[QualityFlag.SIGNAL_LOST] == "0"
    media.behaviours[f"/{black}.flv"] = live(black_clip)
    media.behaviours[f"/{stuck}.flv"] = ended()
    rounds.take(3)
    assert held(1)[QualityFlag.SIGNAL_LOST] == held(2)[QualityFlag.SIGNAL_LOST] == "1"
    assert held(3)[QualityFlag.SIGNAL_LOST] == "0"
    # The picture that decided is one of those three.
    told = CameraDiagnosis.objects.get(pk=black).told_slots[QualityFlag.SIGNAL_LOST]
    assert (rounds.at - 2 * SLOT).timestamp() <= told <= rounds.at.timestamp()
    media.behaviours |= {f"/{black}.flv": live(road_clip), f"/{stuck}.flv": live(road_clip)}
    rounds.take(3)
    assert held(1)[QualityFlag.SIGNAL_LOST] == held(2)[QualityFlag.SIGNAL_LOST] == "0"


def scene(number: int) -> Luma:
    """A road of hard edges; in each picture the noise of the sensor is new and other cars are elsewhere."""
    blocks = np.kron(np.random.default_rng(1).integers(40, 216, (18, 22)), np.ones((16, 16)))
    rng = np.random.default_rng(100 + number)
    for _ in range(3):
        top, left = rng.integers(0, 260), rng.integers(0, 310)
        blocks[top : top + 20, left : left + 34] = rng.integers(20, 236)
    return np.clip(blocks + rng.normal(0, 3, blocks.shape), 0, 255).astype(np.uint8)


def blurred(luma: Luma) -> Luma:
    soft = luma.astype(np.float32)
    for axis in (0, 1, 0, 1, 0, 1):
        soft = np.mean([np.roll(soft, shift, axis) for shift in range(-3, 4)], axis=0)
    return soft.astype(np.uint8)


def shown(luma: Luma, number: int) -> None:
    at = NOON + number * SLOT
    grey = np.full((144, 176), 128, np.uint8)
    picture = Picture(b"", Planes(luma, grey, grey), 352, 288, at)
    judge_pictures(slot_at=at, shots=[Shot(camera(1).pk, SnapshotResult.TAKEN, picture)])


def test_a_lens_that_loses_its_focus_and_finds_it_again() -> None:
    """All within one band of hours, whose usual view is learned from the first pictures."""
    for number in range(14):
        shown(scene(number), number)
    assert (held(), CameraView.objects.count()) == ("000000000", 1)
    for number in range(14, 18):
        shown(blurred(scene(number)), number)
    assert held()[QualityFlag.BLURRED] == "1"
    row = CameraQuality.objects.get()
    assert row.sources[QualityFlag.BLURRED] == "d"
    for number in range(18, 22):
        shown(scene(number), number)
    assert held() == "000000000"
    assert {source for _, source in history()} == {"d"}


def occluded(luma: Luma) -> Luma:
    luma = luma.copy()
    luma[:200, :220] = 90
    return luma


def noisy(luma: Luma, sigma: float = 20) -> Luma:
    rng = np.random.default_rng(int(luma.sum()))
    return np.clip(luma + rng.normal(0, sigma, luma.shape), 0, 255).astype(np.uint8)


def seen_softly(luma: Luma) -> Luma:
    """The sensor stays as it is, or the picture would pass for frozen."""
    return noisy(blurred(luma), 3)


@pytest.mark.parametrize(("spoil", "flag"), [(seen_softly, QualityFlag.BLURRED), (noisy, QualityFlag.NOISE)])
def test_after_a_false_alarm_the_view_is_learned_anew_and_watched(
    spoil: Callable[[Luma], Luma], flag: QualityFlag, clock: TimeMachineFixture
) -> None:
    for number in range(14):
        shown(scene(number), number)
    for number in range(14, 18):
        shown(spoil(scene(number)), number)
    assert held()[flag] == "1"
    clock.move_to(NOON + 18 * SLOT)
    judge_alarm(camera=camera(1), flag=flag, is_real=False, actor=SYSTEM)
    for number in range(18, 30):
        shown(spoil(scene(number)), number)
    row = CameraDiagnosis.objects.get()
    assert (held(), row.flags[flag]) == ("000000000", "0")
    assert CameraView.objects.get().view_since == row.view_since == NOON + 18 * SLOT
    for number in range(30, 34):
        shown(occluded(spoil(scene(number))), number)
    assert held()[QualityFlag.OCCLUDED] == "1"


def test_a_picture_that_flickers(media: FlvServer, rounds: Rounds, tmp_path: Path) -> None:
    flicker = "testsrc2=size=352x288:rate=25,eq=eval=frame:brightness='0.25*sin(2*PI*4*t)'"
    clip = make_clip(tmp_path / "flicker.flv", flicker, *X264, seconds=3).read_bytes()
    media.behaviours = {f"/{camera(n).pk}.flv": live(clip) for n in (1, 2, 3)}
    rounds.take(1)
    for minutes in (1, 7, 13):
        look_at_bursts(now=rounds.at + timedelta(minutes=minutes), targets=rounds)
    assert held()[QualityFlag.FLICKER] == "1"
