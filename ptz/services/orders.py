"""One order to turn a camera: who may, who goes first, what the gateway said (document 4.1 2.b)."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.choices import Outcome
from access.models import Partner
from access.services.logs import record
from cameras.choices import PtzStop
from cameras.gateways import order_ptz
from cameras.models import Camera, Gateway
from cameras.selectors import is_ptz_open
from protocol.codes import Code, PtzAction
from protocol.errors import RemoteError
from ptz.choices import PTZ_VERB, PtzLevel, PtzOutcome
from ptz.models import PtzLease, PtzOrder
from ptz.motion import MOVEMENTS, STOPS, doing
from ptz.services import stopping

_LONGEST_MESSAGE = 200


@dataclass(frozen=True)
class PtzResult:
    """What became of an order, in words for whoever gave it; `held_until` only for HELD."""

    outcome: PtzOutcome
    message: str
    held_until: datetime | None = None


@dataclass(frozen=True)
class _Order:
    camera: Camera
    action: PtzAction
    step: int
    level: PtzLevel
    actor: Actor


@dataclass(frozen=True)
class _Passage:
    """An order that came through: the lease as it then was, its row, and the stop set in case nobody answers."""

    lease: PtzLease
    row: PtzOrder
    expected_stop_at: datetime | None


def move_ptz(
    *,
    camera: Camera,
    action: PtzAction,
    step: int,
    level: PtzLevel,
    actor: Actor,
    partner: Partner | None = None,
) -> PtzResult:
    """Give one order; `step` 1-8, `partner` for orders of an upper platform.

    Always returns, always leaves one PtzOrder row. A movement stops by itself PTZ_MOVE_SECONDS after its last order.
    """
    begun = time.monotonic()
    order = _Order(camera, PtzAction(action), step, level, actor)
    refusal = _refusal(camera, partner)
    if refusal is not None:
        _write(order, refusal)
        return refusal
    passage = _arbitrate(order)
    if isinstance(passage, PtzResult):
        return passage
    result = _carry_out(order, passage)
    row = passage.row
    row.outcome, row.message = result.outcome, result.message
    row.duration_ms = round((time.monotonic() - begun) * 1000)
    row.save(update_fields=["outcome", "message", "duration_ms"])
    return result


def note_refused_request(*, actor: Actor, camera_num: str, reason: str) -> None:
    """A request that named no camera of ours, or no action, has no PtzOrder row but leaves a trace as well."""
    record(actor, PTZ_VERB, object_kind="camera", object_id=camera_num, outcome=Outcome.REFUSED, reason=reason)


def _refusal(camera: Camera, partner: Partner | None) -> PtzResult | None:
    # What cannot turn is told as such to everybody; opening it would not help.
    if not camera.can_ptz:
        return PtzResult(PtzOutcome.NOT_CONTROLLABLE, "该摄像机没有云台，不可控制")
    if partner is not None and not is_ptz_open(camera, partner):
        return PtzResult(PtzOutcome.NOT_OPENED, "该摄像机未对本平台开放云台控制")
    if camera.gateway is None:
        return PtzResult(PtzOutcome.NOT_CONTROLLABLE, "该摄像机没有登记网关，无法下发云台指令")
    return None


def _arbitrate(order: _Order) -> PtzResult | _Passage:
    """Orders for one camera pass here one after the other; the gateway is called after the lock is gone.

    The row of an order that passes is written here, so that it is there even if this process dies while it waits
    for the gateway.
    """
    with transaction.atomic():
        lease = _locked_lease(order)
        # After the lock: whoever was before us has already renewed the lease.
        now = timezone.now()
        if lease.level > order.level and lease.held_until > now:
            until = timezone.localtime(lease.held_until)
            message = f"省级正在控制，{until:%H:%M:%S} 以前部级不能控制"
            held = PtzResult(PtzOutcome.HELD, message, lease.held_until)
            _write(order, held)
            return held
        lease.level, lease.holder_kind = order.level, order.actor.kind
        lease.holder_id, lease.holder_name = order.actor.id, order.actor.name[:80]
        lease.held_until = now + timedelta(seconds=settings.PTZ_LEASE_SECONDS)
        expected_stop_at = None
        if _needs_stop(order):
            expected_stop_at = stopping.expect_movement(lease, order.action, now)
        lease.save()
        row = _write(order, PtzResult(PtzOutcome.TIMED_OUT, "已下发，未收到网关答复"))
        return _Passage(lease, row, expected_stop_at)


def _needs_stop(order: _Order) -> bool:
    return order.action in MOVEMENTS and _gateway(order).ptz_stop != PtzStop.NONE


def _gateway(order: _Order) -> Gateway:
    gateway = order.camera.gateway
    if gateway is None:
        raise ValueError("a camera without a gateway is refused before")
    return gateway


def _locked_lease(order: _Order) -> PtzLease:
    leases = PtzLease.objects.select_for_update().filter(camera=order.camera)
    lease = leases.first()
    if lease is None:
        nobody = PtzLease(
            camera=order.camera,
            level=PtzLevel.MINISTRY,
            holder_kind=order.actor.kind,
            held_until=timezone.now(),
        )
        # Two who come first at once: one makes the row, both then queue for it.
        PtzLease.objects.bulk_create([nobody], ignore_conflicts=True)
        lease = leases.get()
    return lease


def _carry_out(order: _Order, passage: _Passage) -> PtzResult:
    if order.action in STOPS:
        return _stop(order, passage.lease)
    result = _told(order, _tell(order))
    if _needs_stop(order):
        if result.outcome != PtzOutcome.REFUSED:
            # After a silence nobody knows whether it moves: it is stopped as well.
            stopping.stop_later(order.camera.pk, order.action, seconds=settings.PTZ_MOVE_SECONDS)
        elif passage.expected_stop_at is not None:
            stopping.settle(order.camera.pk, passage.expected_stop_at)
    return result


def _stop(order: _Order, lease: PtzLease) -> PtzResult:
    gateway = _gateway(order)
    if gateway.ptz_stop == PtzStop.NONE:
        return PtzResult(PtzOutcome.DONE, "网关每次指令只动一步，已停止")
    error = _tell(order)
    result = _told(order, error)
    if error is not None and order.action == PtzAction.STOP and stopping.is_unknown_action(error):
        stopping.note_gateway_without_stop(gateway)
        result = PtzResult(PtzOutcome.DONE, "网关不支持停止指令，此后按每次一步处理")
    if result.outcome == PtzOutcome.DONE:
        stopping.note_stopped(lease, order.action)
    else:
        # Whoever asks for a stop needs it; the repeats are ours.
        stopping.stop_later(order.camera.pk, order.action, seconds=0)
    return result


def _tell(order: _Order) -> RemoteError | None:
    try:
        order_ptz(_gateway(order), order.camera.number, order.action, order.step)
    except RemoteError as error:
        return error
    return None


def _told(order: _Order, error: RemoteError | None) -> PtzResult:
    words = doing(order.action)
    if error is None:
        return PtzResult(PtzOutcome.DONE, f"{words}成功")
    if error.remote_code is None and not error.permanent:
        return _failed(PtzOutcome.TIMED_OUT, f"{words}失败，网关无应答：{error.message}")
    # A gateway may refuse under the code of success.
    code = f"（代码 {error.remote_code}）" if (error.remote_code or 0) >= Code.MALFORMED else ""
    return _failed(PtzOutcome.REFUSED, f"{words}失败，网关拒绝{code}：{error.message}")


def _failed(outcome: PtzOutcome, message: str) -> PtzResult:
    return PtzResult(outcome, message.replace("\0", "")[:_LONGEST_MESSAGE])


def _write(order: _Order, result: PtzResult) -> PtzOrder:
    return PtzOrder.objects.create(
        camera=order.camera,
        level=order.level,
        actor_kind=order.actor.kind,
        actor_id=order.actor.id,
        actor_name=order.actor.name[:80],
        address=order.actor.address,
        action=order.action,
        step=order.step,
        outcome=result.outcome,
        message=result.message,
    )
