"""Brings an upper platform up to what we hold: registrations, deletions, statuses, in that order."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.db import connection
from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Camera
from cameras.selectors import camera_record
from ministry import selectors
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.platforms import client_for
from protocol.cameras import camera_to_wire
from protocol.client import PartnerClient
from protocol.codes import Code
from protocol.envelope import Answer
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

# Document 1.1 b: a deletion names at most 100 cameras.
MOST_DELETIONS = 100
# One run leaves the rest to the next, so that no run outlives its task.
MOST_REQUESTS = 60
LONGEST_BACKOFF_SECONDS = 300
_LOCK_SPACE = 0x4D494E


def sync_platform(*, platform: UpperPlatform) -> int:
    """One run; returns how many requests were answered. Trouble is written on the platform's record."""
    now = timezone.now()
    if not platform.is_active or (platform.retry_at and platform.retry_at > now):
        return 0
    with _alone(platform) as is_alone:
        if not is_alone:
            return 0
        try:
            answered = _run(platform)
        except RemoteError as error:
            _note_failure(platform, error)
            return 0
    if answered:
        _note_success(platform)
    return answered


@contextmanager
def _alone(platform: UpperPlatform) -> Iterator[bool]:
    """A lock that ends with its holder: no camera is in two requests at once, and none hangs after a kill."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, platform.pk])
        (is_alone,) = cursor.fetchone()
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, platform.pk])


def _run(platform: UpperPlatform) -> int:
    client = client_for(platform)
    answered = 0
    for step in (_register, _delete, _report_statuses):
        while answered < MOST_REQUESTS:
            sent = step(platform, client)
            answered += sent
            if not sent:
                break
    return answered


def _call(client: PartnerClient, verb: str, body: object, department: str | None = None) -> Answer:
    answer = client.call(verb, method="POST", params={"department": department}, body=body)
    if answer.code != Code.OK:
        raise answer.error(f"{verb}：上级平台")
    return answer


def _verdicts(answer: Answer) -> dict[str, tuple[bool, str]]:
    """backResult by number: acknowledged or not, and the words."""
    rows = answer.body.get("backResult")
    if not isinstance(rows, list):
        raise RemoteError("应答缺少 backResult")
    found: dict[str, tuple[bool, str]] = {}
    for row in rows:
        if isinstance(row, dict):
            is_done = str(row.get("status", "")).strip() == "0"
            found[str(row.get("cameraNum", "")).lower()] = (is_done, str(row.get("info", "")))
    return found


def _register(platform: UpperPlatform, client: PartnerClient) -> int:
    cameras = list(selectors.unregistered_cameras(platform)[: settings.MINISTRY_BATCH_SIZE])
    if not cameras:
        return 0
    records = [camera_record(camera) for camera in cameras]
    wire = [camera_to_wire(record, gateway_num=False) for record in records]
    verdicts = _verdicts(_call(client, "VideoInformation", wire))
    CameraDelivery.objects.bulk_create(
        [CameraDelivery(platform=platform, camera=camera) for camera in cameras], ignore_conflicts=True
    )
    departments = {camera.pk: record.department for camera, record in zip(cameras, records, strict=True)}
    _acknowledge_versions(platform, cameras, departments, verdicts)
    return 1


def _acknowledge_versions(
    platform: UpperPlatform,
    cameras: Sequence[Camera],
    departments: dict[int, str],
    verdicts: dict[str, tuple[bool, str]],
) -> None:
    sent = {camera.pk: camera for camera in cameras}
    rows = list(CameraDelivery.objects.filter(platform=platform, camera_id__in=sent))
    for row in rows:
        camera = sent[row.camera_id]
        is_done, info = verdicts.get(camera.number_key, (False, "上级平台未给出该摄像机的结果"))
        if is_done:
            # The version that was sent, not the one of now: a change meanwhile stays pending.
            row.version, row.department = camera.version, departments[camera.pk]
            row.attempts, row.next_attempt_at, row.last_error = 0, None, ""
        else:
            _refused(row, info)
    CameraDelivery.objects.bulk_update(
        rows, ["version", "department", "attempts", "next_attempt_at", "last_error"], batch_size=500
    )


def _refused(row: CameraDelivery, info: str) -> None:
    row.attempts += 1
    wait = min(10 * 2 ** min(row.attempts, 9), 3600)
    row.next_attempt_at = timezone.now() + timedelta(seconds=wait)
    row.last_error = info[:200]


def _delete(platform: UpperPlatform, client: PartnerClient) -> int:
    rows = list(selectors.undeleted_deliveries(platform)[:MOST_DELETIONS])
    if not rows:
        return 0
    answer = _call(client, "VideoInformationDel", {"cameras": [row.camera.number for row in rows]})
    verdicts = _verdicts(answer)
    gone: list[int] = []
    refused: list[CameraDelivery] = []
    for row in rows:
        is_done, info = verdicts.get(row.camera.number_key, (False, "上级平台未给出该摄像机的结果"))
        # "Does not exist" is what an earlier deletion with a lost answer leaves behind.
        if is_done or "不存在" in info:
            gone.append(row.pk)
        else:
            _refused(row, info)
            refused.append(row)
    CameraDelivery.objects.filter(pk__in=gone).delete()
    CameraDelivery.objects.bulk_update(refused, ["attempts", "next_attempt_at", "last_error"], batch_size=500)
    return 1


def _report_statuses(platform: UpperPlatform, client: PartnerClient) -> int:
    rows = list(selectors.unreported_statuses(platform)[: settings.MINISTRY_BATCH_SIZE * 5])
    sent = 0
    for department, group in groupby(rows, key=lambda row: row.department):
        members = list(group)
        for begin in range(0, len(members), settings.MINISTRY_BATCH_SIZE):
            batch = members[begin : begin + settings.MINISTRY_BATCH_SIZE]
            wire = [{"cameraNum": row.camera.number, "online": int(row.camera.status)} for row in batch]
            at = timezone.now()
            _call(client, "ReportCameraStatus", wire, department)
            for row in batch:
                row.status, row.status_at = row.camera.status, at
            CameraDelivery.objects.bulk_update(batch, ["status", "status_at"])
            sent += 1
    return sent


def _note_success(platform: UpperPlatform) -> None:
    UpperPlatform.objects.filter(pk=platform.pk).update(
        last_success_at=timezone.now(), last_error="", failures=0, retry_at=None
    )
    if platform.failures:
        close_alarm(key=f"upper-platform:{platform.pk}")


def _note_failure(platform: UpperPlatform, error: RemoteError) -> None:
    failures = platform.failures + 1
    wait = error.retry_after or min(2 ** min(failures, 9), LONGEST_BACKOFF_SECONDS)
    UpperPlatform.objects.filter(pk=platform.pk).update(
        failures=failures,
        last_error=error.message[:300],
        retry_at=timezone.now() + timedelta(seconds=wait),
    )
    logger.warning("upper platform %s: %s (attempt %d)", platform.name, error.message, failures)
    is_refused = error.remote_code == Code.FORBIDDEN
    if failures >= 5 or is_refused:
        raise_alarm(
            key=f"upper-platform:{platform.pk}",
            title=f"{platform.name}：{'令牌被拒绝' if is_refused else '上报失败'}",
            message=error.message,
            severity=Severity.CRITICAL,
        )
