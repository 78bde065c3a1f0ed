"""Deletions (document 1.1 b): cameras they hold, or may hold, though we deleted them or took them out of their scope."""

from collections.abc import Sequence

from django.db.models import Q

from ministry.choices import Interface
from ministry.models import CameraDelivery, UpperPlatform
from ministry.selectors.scope import in_scope
from ministry.services.channel import words
from ministry.services.claims import Claim
from ministry.services.reports.base import (
    RESULTS,
    Batch,
    ItemVerdict,
    Report,
    Verdicts,
    item_verdicts,
    still_ours,
)
from ministry.services.troubles import CameraTroubles
from protocol.envelope import Answer

# What an earlier deletion with a lost answer leaves behind.
_ABSENT = "不存在"


class Deletions(Report):
    interface = Interface.DELETE
    verb = "VideoInformationDel"
    results = RESULTS
    is_unknown_for_one = True

    def __init__(self) -> None:
        self.troubles = CameraTroubles(self.interface)

    def load(self, platform: UpperPlatform, held: Claim, department: str) -> Batch | None:
        owed = CameraDelivery.objects.filter(
            ~in_scope(platform, "camera"), Q(version__gt=0) | Q(is_in_doubt=True), pk__any_of=list(held.keys)
        )
        rows = list(owed.order_by("pk").values_list("pk", "camera__number", "camera__number_key"))
        if not rows:
            return None
        body = {"cameras": [number for _, number, _ in rows]}
        return Batch(held, rows, {key: "" for key, _, _ in rows}, body)

    def begin(self, batch: Batch) -> None:
        # If the answer is lost and the camera comes back, it has to be registered there anew, and its states told:
        # whoever deletes a camera drops what was known of it.
        still_ours(batch, batch.keys).update(version=0, is_in_doubt=True, status=None, quality=None)

    def accept(self, batch: Batch, answer: Answer) -> Verdicts:
        verdicts = item_verdicts(answer)
        by_key = {key: verdicts.get(number_key) for key, _, number_key in batch.rows}
        done = [key for key, verdict in by_key.items() if is_gone_there(verdict)]
        refused = {
            key: verdict.info for key, verdict in by_key.items() if verdict is not None and key not in done
        }
        still_ours(batch, done).delete()
        return Verdicts(done, refused, [key for key, verdict in by_key.items() if verdict is None])

    def deny(self, batch: Batch, answer: Answer) -> Sequence[int]:
        """The only one of its batch is not there: that is what was wanted."""
        if len(batch.about) > 1 or _ABSENT not in words(answer.msg):
            return ()
        still_ours(batch, batch.keys).delete()
        return batch.keys


def is_gone_there(verdict: ItemVerdict | None) -> bool:
    return verdict is not None and (verdict.is_done or _ABSENT in verdict.info)
