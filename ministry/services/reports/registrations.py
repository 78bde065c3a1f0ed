"""Registrations and modifications (document 1.1 a): cameras they do not hold, or hold in an older version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import F

from cameras.selectors import RECORD_FIELDS, record_of
from ministry.choices import Interface
from ministry.models import CameraDelivery, UpperPlatform
from ministry.selectors.scope import in_scope
from ministry.services.claims import Claim
from ministry.services.reports.base import (
    RESULTS,
    STILL_OURS,
    Batch,
    Report,
    Verdicts,
    item_verdicts,
    still_ours,
)
from ministry.services.troubles import CameraTroubles
from protocol.cameras import CameraRecord, camera_to_wire
from protocol.envelope import Answer

# The version that was sent, not the one of now: a change meanwhile stays owed.
_ACKNOWLEDGE: Final = f"""
UPDATE ministry_cameradelivery d
SET version = v.version, department = v.department, is_in_doubt = FALSE, registered_at = %(at)s, claimed_until = NULL
FROM unnest(%(keys)s::bigint[], %(versions)s::int[], %(departments)s::text[]) AS v (id, version, department)
WHERE d.id = v.id AND {STILL_OURS}
"""  # noqa: S608


_FIELDS: Final = (
    *("pk", "is_in_doubt", "camera__version", "camera__number_key"),
    *(f"camera__{name}" for name in RECORD_FIELDS),
)


@dataclass(frozen=True, slots=True)
class _Sent:
    """One camera as it is sent; `was_in_doubt` already before."""

    key: int
    was_in_doubt: bool
    version: int
    number_key: str
    record: CameraRecord


class Registrations(Report):
    interface = Interface.REGISTER
    verb = "VideoInformation"
    results = RESULTS

    def __init__(self) -> None:
        self.troubles = CameraTroubles(self.interface)

    def load(self, platform: UpperPlatform, held: Claim, department: str) -> Batch | None:
        owed = CameraDelivery.objects.filter(
            in_scope(platform, "camera"), pk__any_of=list(held.keys), version__lt=F("camera__version")
        )
        rows = [
            _Sent(key, is_in_doubt, version, number_key, record_of(*values))
            for key, is_in_doubt, version, number_key, *values in owed.order_by("pk").values_list(*_FIELDS)
        ]
        if not rows:
            return None
        body = [camera_to_wire(row.record, gateway_num=False) for row in rows]
        return Batch(held, rows, {row.key: str(row.version) for row in rows}, body)

    def begin(self, batch: Batch) -> None:
        # If the answer is lost, they may be held there all the same.
        still_ours(batch, batch.keys).update(is_in_doubt=True)

    def undo(self, batch: Batch) -> None:
        self._be_sure(batch, batch.keys)

    def accept(self, batch: Batch, answer: Answer) -> Verdicts:
        verdicts = item_verdicts(answer)
        by_key = {row.key: verdicts.get(row.number_key) for row in batch.rows}
        done = [key for key, verdict in by_key.items() if verdict is not None and verdict.is_done]
        refused = {
            key: verdict.info
            for key, verdict in by_key.items()
            if verdict is not None and not verdict.is_done
        }
        self._acknowledge(batch, set(done))
        self._be_sure(batch, list(refused))
        return Verdicts(done, refused, [key for key, verdict in by_key.items() if verdict is None])

    def _acknowledge(self, batch: Batch, done: set[int]) -> None:
        rows: Sequence[_Sent] = batch.rows
        taken = [(row.key, row.version, row.record.department) for row in rows if row.key in done]
        if not taken:
            return
        keys, versions, departments = (list(column) for column in zip(*taken, strict=True))
        given = {"keys": keys, "versions": versions, "departments": departments}
        with connection.cursor() as cursor:
            cursor.execute(_ACKNOWLEDGE, {**given, "at": batch.at, "until": batch.claim.until})

    def _be_sure(self, batch: Batch, keys: Sequence[int]) -> None:
        # What an earlier lost answer left in doubt stays so.
        were_sure = {row.key for row in batch.rows if not row.was_in_doubt}
        if sure := [key for key in keys if key in were_sure]:
            still_ours(batch, sure).update(is_in_doubt=False)
