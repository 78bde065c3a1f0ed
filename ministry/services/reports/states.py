"""States of registered cameras, at once when they change and in each clock hour (document 1.2, 1.3)."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Final

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from ministry.choices import QUALITY_IN_DOUBT, STATUS_IN_DOUBT, Interface
from ministry.models import CameraDelivery, UpperPlatform
from ministry.selectors import current_hour
from ministry.selectors.scope import in_scope
from ministry.services.claims import Claim
from ministry.services.reports.base import STILL_OURS, Batch, Report, Verdicts, still_ours
from ministry.services.troubles import CameraTroubles
from protocol.envelope import Answer
from protocol.reports import quality_to_wire

# What they acknowledged so lately is not doubted again, or a platform without the verb would be told for ever.
_DOUBT_AFTER: Final = timedelta(hours=1)
# What was sent, not what is so by now: a change meanwhile stays owed.
_ACKNOWLEDGE: Final = f"""
UPDATE ministry_cameradelivery d SET {{column}} = v.value, {{column}}_at = %(at)s, claimed_until = NULL
FROM unnest(%(keys)s::bigint[], %(values)s::{{kind}}[]) AS v (id, value) WHERE d.id = v.id AND {STILL_OURS}
"""  # noqa: S608


class _States(Report):
    """`column` of CameraDelivery holds what was acknowledged, `<column>_at` when it was sent."""

    wire_key: ClassVar[str]
    column: ClassVar[str]
    # Where the state stands now.
    source: ClassVar[str]
    kind: ClassVar[str]
    # Stands in `column` from the request to its answer: no value is like it, so that one is owed whatever comes.
    in_doubt: ClassVar[int | str]

    def __init__(self) -> None:
        self.troubles = CameraTroubles(self.interface)

    @abstractmethod
    def to_wire(self, value: int | str, platform: UpperPlatform) -> int | str: ...

    def load(self, platform: UpperPlatform, held: Claim, department: str) -> Batch | None:
        stale = (
            Q(**{self.column: None})
            | ~Q(**{self.column: F(self.source)})
            | Q(**{f"{self.column}_at__lt": current_hour()})
        )
        owed = CameraDelivery.objects.filter(
            stale,
            in_scope(platform, "camera"),
            pk__any_of=list(held.keys),
            department=department,
            version__gt=0,
            is_in_doubt=False,
            **{f"{self.source}__isnull": False},
        )
        rows = list(owed.order_by("pk").values_list("pk", "camera__number", self.source))
        if not rows:
            return None
        body = [
            {"cameraNum": number, self.wire_key: self.to_wire(value, platform)} for _, number, value in rows
        ]
        return Batch(held, rows, {key: str(value) for key, _, value in rows}, body, department)

    def begin(self, batch: Batch) -> None:
        # If the answer is lost and the former value comes back, they hold the one between, and it has to be told.
        told = still_ours(batch, batch.keys).filter(**{f"{self.column}__isnull": False})
        # It waits since now, however long the value has been so.
        told.update(**{self.column: self.in_doubt, f"{self.column}_at": batch.at})

    def accept(self, batch: Batch, answer: Answer) -> Verdicts:
        values = [value for _, _, value in batch.rows]
        statement = _ACKNOWLEDGE.format(column=self.column, kind=self.kind)
        with connection.cursor() as cursor:
            given = {"keys": batch.keys, "values": values}
            cursor.execute(statement, {**given, "at": batch.at, "until": batch.claim.until})
        return Verdicts(batch.keys)

    def deny(self, batch: Batch, answer: Answer) -> Sequence[int]:
        """They hold none of them, whatever they acknowledged: those they once took a state of are registered anew."""
        long_ago = timezone.now() - _DOUBT_AFTER
        is_old = Q(registered_at=None) | Q(registered_at__lt=long_ago)
        told = still_ours(batch, batch.keys).filter(is_old, status_at__isnull=False)
        lost = list(told.values_list("pk", flat=True))
        still_ours(batch, lost).update(
            version=0, is_in_doubt=True, status=None, quality=None, reset_at=timezone.now()
        )
        return lost


class Statuses(_States):
    interface = Interface.STATUS
    verb = "ReportCameraStatus"
    wire_key = "online"
    column = "status"
    source = "camera__status"
    kind = "smallint"
    in_doubt = STATUS_IN_DOUBT

    def to_wire(self, value: int | str, platform: UpperPlatform) -> int | str:
        return value


class Qualities(_States):
    interface = Interface.QUALITY
    verb = "ReportCameraQuality"
    wire_key = "cameraStatus"
    column = "quality"
    source = "camera__quality__flags"
    kind = "text"
    in_doubt = QUALITY_IN_DOUBT

    def to_wire(self, value: int | str, platform: UpperPlatform) -> int | str:
        return quality_to_wire(str(value), digits=platform.quality_digits)
