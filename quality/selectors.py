"""Reads of image quality."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cameras.models import Camera
from quality.choices import ALL_GOOD, QualitySource
from quality.models import CameraQuality, flags_set


@dataclass(frozen=True)
class FlagState:
    """One thing that is wrong with a camera's picture, in words, and since when and through whom it is known."""

    label: str
    since: datetime
    source: str


def words_of(flags: str) -> str:
    """`000100100` as 图像模糊、图像噪声; 正常 when nothing is wrong."""
    return "、".join(str(flag.label) for flag in flags_set(flags)) or "正常"


def abnormal_flags(cameras: Iterable[Camera]) -> dict[int, list[FlagState]]:
    """By camera id; cameras with nothing wrong are missing."""
    rows = CameraQuality.objects.filter(camera__in=[camera.pk for camera in cameras]).exclude(flags=ALL_GOOD)
    return {row.camera_id: flag_states(row) for row in rows}


def abnormal_words(cameras: Iterable[Camera]) -> dict[int, str]:
    """What is wrong in one line, by camera id; cameras with nothing wrong are missing."""
    return {
        camera_id: "、".join(state.label for state in states)
        for camera_id, states in abnormal_flags(cameras).items()
    }


def flag_states(row: CameraQuality) -> list[FlagState]:
    return [
        FlagState(
            str(flag.label),
            datetime.fromtimestamp(row.since[flag], UTC),
            str(QualitySource(row.sources[flag]).label),
        )
        for flag in row.abnormal
    ]
