"""Brings an upper platform up to what we hold: registrations, deletions, states, events, in that order."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Camera
from cameras.selectors import camera_record
from ministry import selectors
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.analyses import report_analyses
from ministry.services.channel import Channel, RefusedError, words
from ministry.services.platforms import alarm_key
from ministry.services.states import QUALITY, STATUS, report_states
from protocol.cameras import camera_to_wire
from protocol.codes import Code, ItemStatus
from protocol.envelope import Answer, parse_number
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

# Document 1.1 b: a deletion names at most 100 cameras.
MOST_DELETIONS = 100
LONGEST_BACKOFF_SECONDS = 60
# An item that the platform refuses again and again is still tried once an hour.
LONGEST_ITEM_BACKOFF_SECONDS = 3600
ALARM_AFTER_FAILURES = 5
NO_VERDICT = "上级平台未给出该摄像机的结果"
_LOCK_SPACE = 0x4D494E


def sync_platform(*, platform: UpperPlatform) -> int:
    """One run; returns how many requests were answered. Trouble is written on the platform's record."""
    with _alone(platform) as is_alone:
        if not is_alone:
            return 0
        # Read under the lock: the run before may have changed token, failures and back-off.
        current = UpperPlatform.objects.select_related("organisation").filter(pk=platform.pk).first()
        if current is None or not current.is_active:
            return 0
        if current.retry_at and current.retry_at > timezone.now():
            return 0
        run = _Run(current)
        try:
            run.go()
        except RemoteError as error:
            _note_failure(current, error)
        else:
            if run.answered:
                _note_success(current)
        return run.answered


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


class _Run:
    """The requests of one run to one platform."""

    def __init__(self, platform: UpperPlatform) -> None:
        self._platform = platform
        self._channel = Channel(platform)

    @property
    def answered(self) -> int:
        return self._channel.answered

    def go(self) -> None:
        """RemoteError after everything was tried, or at once when further requests would fail as well."""
        refusal: RefusedError | None = None
        for step in (
            self._register,
            self._delete,
            lambda: report_states(self._channel, STATUS),
            lambda: report_states(self._channel, QUALITY),
            lambda: report_analyses(self._channel),
        ):
            try:
                while self._channel.may_go_on() and step():
                    pass
            except RefusedError as error:
                refusal = error
        if refusal is not None:
            raise refusal.error

    def _register(self) -> bool:
        cameras = list(selectors.unregistered_cameras(self._platform)[: settings.MINISTRY_BATCH_SIZE])
        if cameras:
            self._doubt(cameras)
            self._channel.deliver(cameras, self._send_cameras, self._put_off_camera)
        return bool(cameras)

    def _doubt(self, cameras: Sequence[Camera]) -> None:
        # Written before the request: if its answer is lost, the camera may be held there all the same.
        CameraDelivery.objects.bulk_create(
            [CameraDelivery(platform=self._platform, camera=camera) for camera in cameras],
            ignore_conflicts=True,
        )
        self._rows(cameras).update(is_in_doubt=True)

    def _rows(self, cameras: Sequence[Camera]) -> QuerySet[CameraDelivery]:
        return CameraDelivery.objects.filter(platform=self._platform, camera__in=cameras)

    def _send_cameras(self, cameras: Sequence[Camera]) -> None:
        records = {camera.pk: camera_record(camera) for camera in cameras}
        wire = [camera_to_wire(record, gateway_num=False) for record in records.values()]
        verdicts = _verdicts(self._channel.call("VideoInformation", wire))
        sent = {camera.pk: camera for camera in cameras}
        rows = list(self._rows(cameras))
        for row in rows:
            camera = sent[row.camera_id]
            verdict = verdicts.get(camera.number_key)
            row.is_in_doubt = verdict is None
            if verdict is not None and verdict.is_done:
                # The version that was sent, not the one of now: a change meanwhile stays pending.
                row.version, row.department = camera.version, records[camera.pk].department
                row.attempts, row.next_attempt_at, row.last_error = 0, None, ""
            else:
                _put_off(row, verdict.info if verdict else NO_VERDICT)
        CameraDelivery.objects.bulk_update(rows, ["version", "department", "is_in_doubt", *_PUT_OFF_FIELDS])

    def _put_off_camera(self, camera: Camera, why: str) -> None:
        for row in self._rows([camera]):
            row.is_in_doubt = False
            _put_off(row, why)
            row.save(update_fields=["is_in_doubt", *_PUT_OFF_FIELDS])

    def _delete(self) -> bool:
        rows = list(selectors.undeleted_deliveries(self._platform)[:MOST_DELETIONS])
        if rows:
            self._channel.deliver(rows, self._send_deletions, _put_off_row)
        return bool(rows)

    def _send_deletions(self, rows: Sequence[CameraDelivery]) -> None:
        body = {"cameras": [row.camera.number for row in rows]}
        verdicts = _verdicts(self._channel.call("VideoInformationDel", body))
        gone: list[int] = []
        refused: list[CameraDelivery] = []
        for row in rows:
            verdict = verdicts.get(row.camera.number_key)
            # "Does not exist" is what an earlier deletion with a lost answer leaves behind.
            if verdict is not None and (verdict.is_done or "不存在" in verdict.info):
                gone.append(row.pk)
            else:
                _put_off(row, verdict.info if verdict else NO_VERDICT)
                refused.append(row)
        CameraDelivery.objects.filter(pk__in=gone).delete()
        CameraDelivery.objects.bulk_update(refused, _PUT_OFF_FIELDS)


@dataclass(frozen=True, slots=True)
class _Verdict:
    is_done: bool
    info: str


def _verdicts(answer: Answer) -> dict[str, _Verdict]:
    """backResult by lower-case number; RemoteError when there is none."""
    entries = answer.body.get("backResult")
    if not isinstance(entries, list):
        raise RemoteError("上级平台的答复缺少 backResult", http_status=answer.http_status)
    return {
        str(entry.get("cameraNum", "")).strip().lower(): _Verdict(
            parse_number(entry.get("status")) == ItemStatus.DONE, words(entry.get("info")) or "未说明原因"
        )
        for entry in entries
        if isinstance(entry, dict)
    }


_PUT_OFF_FIELDS = ["attempts", "next_attempt_at", "last_error"]


def _put_off(row: CameraDelivery, why: str) -> None:
    row.attempts += 1
    wait = min(10 * 2 ** min(row.attempts, 9), LONGEST_ITEM_BACKOFF_SECONDS)
    row.next_attempt_at = timezone.now() + timedelta(seconds=wait)
    row.last_error = why[:200]


def _put_off_row(row: CameraDelivery, why: str) -> None:
    _put_off(row, why)
    row.save(update_fields=_PUT_OFF_FIELDS)


def _note_success(platform: UpperPlatform) -> None:
    UpperPlatform.objects.filter(pk=platform.pk).update(
        last_success_at=timezone.now(), last_error="", failures=0, retry_at=None
    )
    # Also when staff, who corrected the record, set its failures back.
    close_alarm(key=alarm_key(platform))


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
    if failures >= ALARM_AFTER_FAILURES or is_refused:
        raise_alarm(
            key=alarm_key(platform),
            title=f"{platform.name}：{'令牌被拒绝' if is_refused else '上报失败'}",
            message=error.message,
            severity=Severity.CRITICAL,
        )
