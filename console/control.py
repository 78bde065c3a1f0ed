"""Who turns a camera, for how long still, and what was ordered last."""

from typing import TypedDict

from access.choices import ActorKind
from access.models import User
from cameras.models import Camera
from console.cards import unix
from ptz.choices import PtzAction, PtzLevel, PtzOutcome
from ptz.models import PtzOrder
from ptz.selectors import lease_of, recent_orders

_LOG_ROWS = 30


class Lease(TypedDict):
    """Control that runs now; `level` is mine, province or ministry."""

    level: str
    holder: str
    seconds_left: float


class LogLine(TypedDict):
    """One order; `outcome` in words, `is_done` decides its colour."""

    id: int
    at: float | None
    who: str
    action: int
    words: str
    step: int
    is_done: bool
    outcome: str
    message: str
    milliseconds: int


class Control(TypedDict):
    camera: int
    lease: Lease | None
    log: list[LogLine]


def control_of(user: User, camera: Camera | None) -> Control | None:
    if camera is None:
        return None
    log = [_line(order) for order in recent_orders(camera, limit=_LOG_ROWS)]
    return Control(camera=camera.pk, lease=_lease(user, camera), log=log)


def _lease(user: User, camera: Camera) -> Lease | None:
    lease = lease_of(camera)
    if lease is None:
        return None
    if lease.level == PtzLevel.MINISTRY:
        level = "ministry"
    else:
        is_mine = (lease.holder_kind, lease.holder_id) == (ActorKind.STAFF, user.pk)
        level = "mine" if is_mine else "province"
    return Lease(level=level, holder=lease.holder_name, seconds_left=round(lease.seconds_left, 1))


def _line(order: PtzOrder) -> LogLine:
    return LogLine(
        id=order.pk,
        at=unix(order.at),
        who="部级" if order.actor_kind == ActorKind.PARTNER else order.actor_name,
        action=order.action,
        words=str(PtzAction(order.action).label),
        step=order.step,
        is_done=order.outcome == PtzOutcome.DONE,
        outcome=str(PtzOutcome(order.outcome).label),
        message=order.message,
        milliseconds=order.duration_ms,
    )
