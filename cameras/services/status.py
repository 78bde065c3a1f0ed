"""Camera status: what stream and gateway say becomes one raw state, and behind the blip filter the status.

A stream that is there is online; a gateway's fault stands while no stream is there; a gateway's online
without a stream is believed for STREAM_GRACE_SECONDS (protocol.md section 3).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from access.models import Partner
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, StatusChange
from cameras.services.reports import ReportOutcome, key_of, lock_reported
from protocol.bodies import StatusItem

_FIELDS = (
    "raw_status",
    "raw_status_at",
    "status_reason",
    "status",
    "status_at",
    "has_stream",
    "has_stream_at",
    "reported_status",
    "reported_since",
)
_BATCH = 5000

# A locked row and what it held when it was read.
_Before = tuple[Camera, dict[str, Any]]


def report_status(
    *, partner: Partner, items: Sequence[StatusItem], department: str | None = None
) -> ReportOutcome:
    """Take in ReportCameraStatus (document 1.2). The same camera twice: the later wins."""
    latest = {key_of(item.camera_num): item for item in items}
    now = timezone.now()
    with transaction.atomic():
        known = lock_reported(partner, latest, department)
        before = _remember(known.values())
        for key, camera in known.items():
            _hear(camera, int(latest[key].online), now)
        _settle(before, now)
    return ReportOutcome(
        applied=len(known), unknown=tuple(item.camera_num for key, item in latest.items() if key not in known)
    )


def _hear(camera: Camera, status: int, now: datetime) -> None:
    """Note since when the gateway says so: a repeated "online" must not renew its grace.

    Said for the first time after the stream was lost, it is news: a gateway that restarted brings its
    streams back.
    """
    since, lost_at = camera.reported_since, camera.has_stream_at
    is_news = since is None or (not camera.has_stream and lost_at is not None and since < lost_at)
    if camera.reported_status != status or is_news:
        camera.reported_status, camera.reported_since = status, now


def set_stream_presence(*, present: Iterable[int] = (), absent: Iterable[int] = ()) -> None:
    """Media servers say which cameras' low streams are there and which are not (camera ids)."""
    there, gone = set(present), set(absent)
    if not there and not gone:
        return
    now = timezone.now()
    with transaction.atomic():
        cameras = list(
            Camera.objects.select_for_update()
            .filter(
                Q(pk__in=there, has_stream=False) | Q(pk__in=gone - there, has_stream=True), deleted_at=None
            )
            .order_by("pk")
        )
        before = _remember(cameras)
        for camera in cameras:
            camera.has_stream, camera.has_stream_at = camera.pk in there, now
            if camera.has_stream and camera.reported_status != OnlineStatus.ONLINE:
                # Disproved; it must not come back when this stream ends one day.
                camera.reported_status = camera.reported_since = None
        _settle(before, now)


def settle_statuses(*, now: datetime | None = None) -> int:
    """Let time act: offlines that outlived the blip filter, graces that ran out. Returns cameras looked at."""
    now = now or timezone.now()
    grace_over = now - timedelta(seconds=settings.STREAM_GRACE_SECONDS)
    due = Q(raw_status_at__lte=now - timedelta(seconds=settings.STATUS_BLIP_SECONDS)) & ~Q(
        status=F("raw_status")
    )
    expired = Q(
        raw_status=OnlineStatus.ONLINE,
        has_stream=False,
        reported_status=OnlineStatus.ONLINE,
        reported_since__lte=grace_over,
    )
    with transaction.atomic():
        cameras = list(
            Camera.objects.select_for_update(skip_locked=True)
            .filter(due | expired, deleted_at=None)
            .order_by("pk")
        )
        _settle(_remember(cameras), now)
    return len(cameras)


def _judge(camera: Camera, now: datetime) -> tuple[OnlineStatus, StatusSource, str]:
    if camera.has_stream:
        return OnlineStatus.ONLINE, StatusSource.STREAM, ""
    if camera.reported_status == OnlineStatus.FAULT:
        return OnlineStatus.FAULT, StatusSource.REPORT, "网关上报故障"
    if camera.reported_status == OnlineStatus.OFFLINE:
        return OnlineStatus.OFFLINE, StatusSource.REPORT, "网关上报离线"
    if camera.reported_status == OnlineStatus.ONLINE and camera.reported_since:
        # A stream that was lost after the report disproves it.
        is_newer = camera.has_stream_at is None or camera.has_stream_at <= camera.reported_since
        age = (now - camera.reported_since).total_seconds()
        if is_newer and age < settings.STREAM_GRACE_SECONDS:
            return OnlineStatus.ONLINE, StatusSource.REPORT, "网关上报在线，等待视频流"
    return OnlineStatus.OFFLINE, StatusSource.STREAM, "没有视频流"


def _settle(before: list[_Before], now: datetime) -> None:
    """Derive raw state and status of locked rows and write what became different."""
    blip = timedelta(seconds=settings.STATUS_BLIP_SECONDS)
    history = []
    for camera, _ in before:
        status, source, reason = _judge(camera, now)
        if camera.raw_status != status or camera.raw_status_at is None:
            camera.raw_status, camera.raw_status_at = status, now
        camera.status_reason = reason
        is_first = camera.status_at is None
        if camera.status == status and not is_first:
            continue
        if status == OnlineStatus.OFFLINE and not is_first and now - camera.raw_status_at < blip:
            continue
        camera.status, camera.status_at = status, now
        history.append(StatusChange(camera=camera, at=now, status=status, source=source, reason=reason))
    _write(before)
    StatusChange.objects.bulk_create(history, batch_size=_BATCH)


def _write(before: list[_Before]) -> None:
    # A province changes state in few ways at a time: rows that changed alike are written together.
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for camera, facts in before:
        changed = tuple((field, value) for field, value in _facts(camera).items() if facts[field] != value)
        if changed:
            alike[changed].append(camera.pk)
    for values, ids in alike.items():
        for begin in range(0, len(ids), _BATCH):
            Camera.objects.filter(pk__in=ids[begin : begin + _BATCH]).update(**dict(values))


def _facts(camera: Camera) -> dict[str, Any]:
    return {field: getattr(camera, field) for field in _FIELDS}


def _remember(cameras: Iterable[Camera]) -> list[_Before]:
    return [(camera, _facts(camera)) for camera in cameras]
