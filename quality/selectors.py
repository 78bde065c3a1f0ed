"""Reads of image quality."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Length, Replace, Substr

from cameras.models import Camera
from quality.choices import ALL_GOOD, QualityFlag, QualitySource
from quality.models import CameraDiagnosis, CameraQuality, QualityChange, QualityFeedback, flags_set

# Of a state's flags: something wrong with the picture itself, offline or not.
_WRONG_PICTURE = "^.+1"


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
    """What is wrong with the picture in one line, by camera id; offline, which the state tells, is no fault of it."""
    rows = CameraQuality.objects.filter(camera__in=[camera.pk for camera in cameras], flags__regex=_WRONG_PICTURE)
    return {row.camera_id: words_of("0" + row.flags[1:]) for row in rows}


def flag_states(row: CameraQuality) -> list[FlagState]:
    return [
        FlagState(
            str(flag.label),
            datetime.fromtimestamp(row.since[flag], UTC),
            str(QualitySource(row.sources[flag]).label),
        )
        for flag in row.abnormal
    ]


def abnormal_states(cameras: QuerySet[Camera], flag: QualityFlag | None = None) -> QuerySet[CameraQuality]:
    """What holds for those with this flag, without one for those with anything but offline; the newest change first."""
    wanted = _WRONG_PICTURE if flag is None else f"^.{{{flag.value}}}1"
    return (
        _wrong(cameras)
        .filter(flags__regex=wanted)
        .select_related("camera__organisation")
        .order_by("-changed_at", "-camera_id")
    )


def flag_counts(cameras: QuerySet[Camera]) -> dict[QualityFlag, int]:
    """Of how many cameras each flag is set."""
    counted = {f"of_{flag.value}": Count("pk", filter=Q(flags__regex=f"^.{{{flag.value}}}1")) for flag in QualityFlag}
    found = _wrong(cameras).aggregate(**counted)
    return {flag: found[f"of_{flag.value}"] for flag in QualityFlag}


def _wrong(cameras: QuerySet[Camera]) -> QuerySet[CameraQuality]:
    return CameraQuality.objects.filter(camera__in=cameras.order_by()).exclude(flags=ALL_GOOD)


def diagnoses_of(camera_ids: Iterable[int]) -> dict[int, CameraDiagnosis]:
    """By camera id, without what only the engine reads."""
    return CameraDiagnosis.objects.defer("trace").in_bulk(list(camera_ids))


def words_on(states: Iterable[CameraQuality]) -> dict[tuple[int, int], QualityFeedback]:
    """What staff said of the alarms that hold now, by camera id and flag."""
    since = {row.camera_id: row.since for row in states}
    said = QualityFeedback.objects.filter(camera__in=since)
    return {
        (row.camera_id, row.flag): row for row in said if since[row.camera_id][row.flag] == row.since
    }


def flags_between(
    cameras: Iterable[Camera], begin: datetime, end: datetime
) -> dict[int, list[tuple[float, str]]]:
    """By camera id the nine flags and since when (unix seconds), in order; the first since ever.

    Up to a change holds what was before it: a camera that came back after a deletion starts without flags, and no
    change says so.
    """
    listed = {camera.pk: camera for camera in cameras}
    changes = QualityChange.objects.filter(camera__in=listed)
    within: dict[int, list[QualityChange]] = defaultdict(list)
    for change in changes.filter(at__gt=begin, at__lte=end).order_by("at", "pk"):
        within[change.camera_id].append(change)
    after = _flags_after(listed.values(), changes, end)
    return {
        pk: list(
            zip(
                [float("-inf"), *(change.at.timestamp() for change in within[pk])],
                [*(change.before for change in within[pk]), after.get(pk, ALL_GOOD)],
                strict=True,
            )
        )
        for pk in listed
    }


def _flags_after(
    cameras: Iterable[Camera], changes: QuerySet[QualityChange], end: datetime
) -> dict[int, str]:
    """What held at `end`; cameras of which nothing is known are missing."""
    # What was known of a deleted camera is forgotten, its history is not.
    gone = [camera.pk for camera in cameras if camera.deleted_at]
    last = changes.filter(camera__in=gone, at__lte=end).order_by("camera_id", "-at", "-pk").distinct("camera_id")
    now = CameraQuality.objects.filter(camera__in=[camera.pk for camera in cameras])
    later = changes.filter(at__gt=end).order_by("camera_id", "at", "pk").distinct("camera_id")
    return {
        **dict(last.values_list("camera_id", "after")),
        **dict(now.values_list("camera_id", "flags")),
        **dict(later.values_list("camera_id", "before")),
    }


def worsened_between(cameras: QuerySet[Camera], begin: datetime, end: datetime) -> list[tuple[int, str, int]]:
    """Office, road and how often a picture got one fault more in this time, whether or not it was put right."""
    rows = (
        QualityChange.objects.filter(at__gte=begin, at__lt=end, camera__in=cameras.order_by())
        .annotate(faults=_faults("after"), faults_before=_faults("before"))
        .filter(faults__gt=F("faults_before"))
    )
    grouped = rows.order_by().values_list("camera__organisation_id", "camera__road").annotate(Count("pk"))
    return list(grouped)


def _faults(field: str) -> Length:
    """Flags that are set, offline aside, which is no fault of the picture."""
    return Length(Replace(Substr(field, 2), Value("0"), Value("")))
