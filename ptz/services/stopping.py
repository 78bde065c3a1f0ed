"""Every movement ends: by a timer of the process that took the order, or by the sweep when that process died.

The row decides, not the timer: whoever wakes up claims the stop by a conditional update and does nothing when the
movement was renewed meanwhile, by this process or another.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from access.actors import SYSTEM
from access.choices import Severity
from access.locks import Work, try_lock
from access.services.alarms import close_alarm, raise_alarm
from access.services.logs import record
from cameras.choices import PtzStop
from cameras.gateways import ORDER_TIMEOUT_SECONDS, order_ptz
from cameras.models import Camera, Gateway
from protocol.codes import Code, PtzAction
from protocol.errors import RemoteError
from ptz.models import PtzLease
from ptz.motion import LENS

logger = logging.getLogger(__name__)

# protocol.md section 4: at most 5 times in 10 s.
MOST_ATTEMPTS = 5
TRYING_SECONDS = 10
RETRY_SECONDS = 2
# The sweep leaves this to the process that took the order.
SWEEP_AFTER_SECONDS = 1
# Longer than any order to a gateway takes.
_UNANSWERED_SECONDS = 3 * ORDER_TIMEOUT_SECONDS
# A stop waits no longer for its gateway, to connect and again to be answered: it is repeated anyway.
STOP_TIMEOUT_SECONDS = 1.5
# One attempt, with all its orders, ends within this; the next belongs to whoever comes after a process that died.
CLAIM_SECONDS = 5
_SHORTEST_TIMEOUT_SECONDS = 0.1
# A sweep begins no further attempt after this, so that silent gateways do not hold a worker.
SWEEP_SECONDS = 8
_MOST_OVERDUE = 2000

TIMER_NAME = "ptz-stop"
_timers: dict[int, threading.Timer] = {}
_timers_lock = threading.Lock()


@dataclass(frozen=True)
class _Claim:
    """One attempt to stop, ours alone until `due`; after a failure the next is due at `retry_at`."""

    camera: Camera
    gateway: Gateway
    due: datetime
    retry_at: datetime
    stops: list[PtzAction]


class _End(Enum):
    """What became of an attempt; SILENT: the gateway did not answer at all."""

    STOPPED = "stopped"
    REFUSED = "refused"
    SILENT = "silent"


def expect_movement(lease: PtzLease, action: PtzAction, now: datetime) -> datetime | None:
    """Before the gateway is told: if this process dies now, the sweep still stops the camera. Does not save.

    Returns when that would be; None when a stop is due already. That one keeps its time: an order which is never
    answered must not prolong the movement before it.
    """
    if action in LENS:
        lease.is_lens_moving = True
    else:
        lease.is_head_moving = True
    if lease.stop_due_at is not None:
        return None
    lease.stop_due_at = now + timedelta(seconds=_UNANSWERED_SECONDS)
    lease.stop_until = lease.stop_due_at + timedelta(seconds=TRYING_SECONDS)
    lease.stop_attempts = 0
    return lease.stop_due_at


def settle(camera_id: int, due: datetime) -> bool:
    """Nothing moves any more, unless a movement began or went on since the stop was due at `due`."""
    return bool(
        PtzLease.objects.filter(camera_id=camera_id, stop_due_at=due).update(
            is_head_moving=False, is_lens_moving=False, stop_due_at=None, stop_until=None, stop_attempts=0
        )
    )


def note_stopped(lease: PtzLease, action: PtzAction) -> None:
    """A stop was ordered and carried out; `lease` as it was when the order passed."""
    if lease.stop_due_at is None:
        return
    is_rest_moving = lease.is_head_moving if action in LENS else lease.is_lens_moving
    if not is_rest_moving:
        settle(lease.camera_id, lease.stop_due_at)
        return
    done = {"is_lens_moving": False} if action in LENS else {"is_head_moving": False}
    PtzLease.objects.filter(camera_id=lease.camera_id, stop_due_at=lease.stop_due_at).update(**done)


def stop_later(camera_id: int, action: PtzAction, *, seconds: float) -> None:
    """Stop what `action` began (or was to stop) in `seconds`, whatever time was set before."""
    due = timezone.now() + timedelta(seconds=seconds)
    moving = {"is_lens_moving": True} if action in LENS else {"is_head_moving": True}
    PtzLease.objects.filter(camera_id=camera_id).update(
        stop_due_at=due, stop_until=due + timedelta(seconds=TRYING_SECONDS), stop_attempts=0, **moving
    )
    _set_timer(camera_id, seconds)


def stop_due_movements() -> int:
    """The sweep: stop what the process that took the order did not live to stop. How many were tried.

    One at a time; what it leaves when its time is over is for the next.
    """
    with try_lock(Work.PTZ_STOPS) as is_alone:
        return _sweep() if is_alone else 0


def _sweep() -> int:
    ends_at = time.monotonic() + SWEEP_SECONDS
    late = timezone.now() - timedelta(seconds=SWEEP_AFTER_SECONDS)
    overdue = PtzLease.objects.filter(stop_due_at__lt=late).order_by("stop_due_at")
    silent: set[int | None] = set()
    tried = 0
    for camera_id, gateway_id in list(overdue.values_list("camera_id", "camera__gateway_id")[:_MOST_OVERDUE]):
        if time.monotonic() >= ends_at:
            break
        # Each further camera would cost another time-out.
        claim = None if gateway_id in silent else _claim(camera_id)
        if claim is not None:
            tried += 1
            if _attempt(claim) is _End.SILENT:
                silent.add(gateway_id)
    return tried


def cancel_timers() -> None:
    """Of this process; the sweep does their work."""
    with _timers_lock:
        for timer in _timers.values():
            timer.cancel()
        _timers.clear()


def _set_timer(camera_id: int, seconds: float) -> None:
    timer = threading.Timer(max(seconds, 0), _wake, args=(camera_id,))
    timer.daemon, timer.name = True, TIMER_NAME
    with _timers_lock:
        before = _timers.get(camera_id)
        if before is not None:
            before.cancel()
        _timers[camera_id] = timer
    timer.start()


def _wake(camera_id: int) -> None:
    with _timers_lock:
        if _timers.get(camera_id) is threading.current_thread():
            del _timers[camera_id]
    try:
        claim = _claim(camera_id)
        if claim is not None and _attempt(claim) is not _End.STOPPED:
            _set_timer(camera_id, (claim.retry_at - timezone.now()).total_seconds())
    finally:
        # The connection belongs to this thread and would stay open after it.
        connections.close_all()


def _claim(camera_id: int) -> _Claim | None:
    """The right to try one stop now; None when none is due, or when somebody else has it."""
    leases = PtzLease.objects.filter(camera_id=camera_id).select_related("camera__gateway__partner")
    lease, now = leases.first(), timezone.now()
    if lease is None or lease.stop_due_at is None or lease.stop_due_at > now:
        return None
    gateway = lease.camera.gateway
    if gateway is None or gateway.ptz_stop == PtzStop.NONE:
        settle(camera_id, lease.stop_due_at)
        return None
    if lease.stop_attempts >= MOST_ATTEMPTS or (lease.stop_until is not None and lease.stop_until < now):
        _give_up(lease, lease.stop_due_at)
        return None
    due, retry_at = now + timedelta(seconds=CLAIM_SECONDS), now + timedelta(seconds=RETRY_SECONDS)
    # Whoever moved `stop_due_at` since it was read has renewed the movement or claimed this stop.
    is_ours = PtzLease.objects.filter(camera_id=camera_id, stop_due_at=lease.stop_due_at).update(
        stop_due_at=due, stop_attempts=F("stop_attempts") + 1
    )
    stops = [PtzAction.STOP] * lease.is_head_moving + [PtzAction.STOP_LENS] * lease.is_lens_moving
    return _Claim(lease.camera, gateway, due, retry_at, stops or [PtzAction.STOP]) if is_ours else None


def _attempt(claim: _Claim) -> _End:
    ends_at = time.monotonic() + CLAIM_SECONDS - 2 * _SHORTEST_TIMEOUT_SECONDS
    try:
        for action in claim.stops:
            _order_stop(claim, action, ends_at)
    except RemoteError as error:
        logger.warning("camera %s could not be stopped: %s", claim.camera.number, error.message)
        # Whoever moved `stop_due_at` meanwhile has renewed the movement; its own stop is due later.
        PtzLease.objects.filter(camera_id=claim.camera.pk, stop_due_at=claim.due).update(
            stop_due_at=claim.retry_at
        )
        is_silent = error.remote_code is None and error.http_status is None
        return _End.SILENT if is_silent else _End.REFUSED
    # Nothing is settled when an order came meanwhile: its own stop is due later.
    if settle(claim.camera.pk, claim.due):
        close_alarm(key=_failure_key(claim.camera))
    return _End.STOPPED


def _order_stop(claim: _Claim, action: PtzAction, ends_at: float) -> None:
    # It may take the time-out to connect and once more to be answered.
    timeout = min(STOP_TIMEOUT_SECONDS, max((ends_at - time.monotonic()) / 2, _SHORTEST_TIMEOUT_SECONDS))
    try:
        order_ptz(claim.gateway, claim.camera.number, action, 1, timeout_seconds=timeout)
    except RemoteError as error:
        if not is_unknown_action(error):
            raise
        if action == PtzAction.STOP_LENS:
            _order_stop(claim, PtzAction.STOP, ends_at)
        else:
            note_gateway_without_stop(claim.gateway)


def is_unknown_action(error: RemoteError) -> bool:
    """Code 400: the gateway knows the document's twelve actions only."""
    return error.remote_code == Code.MALFORMED or (error.remote_code is None and error.http_status == 400)


def note_gateway_without_stop(gateway: Gateway) -> None:
    """From now on each order is one step to this gateway, and nobody sends it a stop."""
    gateway.ptz_stop = PtzStop.NONE
    if not Gateway.objects.filter(pk=gateway.pk).exclude(ptz_stop=PtzStop.NONE).update(ptz_stop=PtzStop.NONE):
        return
    title = "网关不支持云台停止指令"
    raise_alarm(
        key=f"ptz:no-stop:{gateway.pk}",
        title=title,
        message=f"网关 {gateway} 对停止指令（动作 0）返回 400，已改为“每次一步，无停止”",
        severity=Severity.NOTICE,
    )
    record(
        SYSTEM,
        "修改网关",
        object_kind="gateway",
        object_id=gateway.pk,
        object_name=str(gateway),
        reason=title,
    )


def _give_up(lease: PtzLease, due: datetime) -> None:
    with transaction.atomic():
        if not settle(lease.camera_id, due):
            return
        raise_alarm(
            key=_failure_key(lease.camera),
            title="云台停止失败",
            message=f"{lease.camera.name}：停止指令 {lease.stop_attempts} 次均未成功，云台可能仍在转动",
            organisation=lease.camera.organisation,
            camera_id=lease.camera_id,
        )
    logger.error("camera %s was not stopped in %s attempts", lease.camera.number, lease.stop_attempts)


def _failure_key(camera: Camera) -> str:
    return f"ptz:stop-failed:{camera.pk}"
