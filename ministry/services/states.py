"""What is told of every registered camera at once when it changes and in each clock hour (document 1.2, 1.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from ministry import selectors
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.channel import Channel, RefusedError
from protocol.reports import quality_to_wire

RETRY_SECONDS = 300


@dataclass(frozen=True)
class State:
    """One verb; `column` of CameraDelivery holds what was acknowledged, `<column>_at` and `_retry_at` when."""

    verb: str
    key: str
    column: str
    pending: Callable[[UpperPlatform], QuerySet[CameraDelivery]]
    value: Callable[[CameraDelivery], int | str]
    to_wire: Callable[[int | str, UpperPlatform], int | str]


STATUS = State(
    verb="ReportCameraStatus",
    key="online",
    column="status",
    pending=selectors.unreported_statuses,
    value=lambda row: int(row.camera.status),
    to_wire=lambda status, _: status,
)
QUALITY = State(
    verb="ReportCameraQuality",
    key="cameraStatus",
    column="quality",
    pending=selectors.unreported_qualities,
    value=lambda row: row.camera.quality.flags,
    to_wire=lambda flags, platform: quality_to_wire(str(flags), digits=platform.quality_digits),
)


def report_states(channel: Channel, state: State) -> bool:
    """One look at what is pending; False when there was nothing, or no time for it."""
    size = settings.MINISTRY_BATCH_SIZE
    rows = list(state.pending(channel.platform)[: size * 5])
    for _, group in groupby(rows, key=lambda row: row.department):
        members = list(group)
        for begin in range(0, len(members), size):
            if not channel.may_go_on():
                return False
            channel.deliver(
                members[begin : begin + size],
                lambda batch: _send(channel, state, batch),
                lambda row, why: _put_off(row, state, why),
            )
    return bool(rows)


def _send(channel: Channel, state: State, rows: Sequence[CameraDelivery]) -> None:
    told: dict[int | str, list[int]] = {}
    wire = []
    for row in rows:
        value = state.value(row)
        told.setdefault(value, []).append(row.pk)
        wire.append({"cameraNum": row.camera.number, state.key: state.to_wire(value, channel.platform)})
    at = timezone.now()
    try:
        channel.call(state.verb, wire, rows[0].department)
    except RefusedError as refusal:
        if refusal.is_malformed:
            raise
        # Code 404: it holds none of them, whatever it acknowledged.
        for row in rows:
            _put_off(row, state, refusal.error.message)
        return
    for value, ids in told.items():
        # What was sent, not what is so by now: a change meanwhile stays pending.
        CameraDelivery.objects.filter(pk__in=ids).update(
            **{state.column: value, f"{state.column}_at": at, f"{state.column}_retry_at": None}
        )


def _put_off(row: CameraDelivery, state: State, why: str) -> None:
    retry_at = f"{state.column}_retry_at"
    setattr(row, retry_at, timezone.now() + timedelta(seconds=RETRY_SECONDS))
    row.last_error = why[:200]
    row.save(update_fields=[retry_at, "last_error"])
