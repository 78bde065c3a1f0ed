"""What `ministry.services.deliver` needs to know of a verb, and what the verbs share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from ministry.choices import Interface
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.channel import words
from ministry.services.claims import Claim, Deliveries
from ministry.services.troubles import TroubleStore
from protocol.codes import ItemStatus
from protocol.envelope import Answer, parse_number

NO_VERDICT: Final = "上级平台未给出该摄像机的结果"
RESULTS: Final = "backResult"
# Of a delivery `d`, in a statement with `keys` and `until`: as `still_ours`. The planner, who takes the hundred of a
# claim for one or none, would read the whole table instead: so the time is wrapped, and the keys are named once more.
STILL_OURS: Final = "d.id = ANY(%(keys)s) AND COALESCE(d.claimed_until = %(until)s, FALSE)"


@dataclass(frozen=True, slots=True)
class Batch:
    """Claimed deliveries as they are now; `about` is by key what is sent of each, `body` what all become."""

    claim: Claim
    rows: Sequence[Any]
    about: Mapping[int, str]
    body: object
    department: str | None = None
    at: datetime = field(default_factory=timezone.now)

    @property
    def keys(self) -> list[int]:
        return list(self.about)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Of a batch answered with success: who was taken, who was refused and why, who was passed over."""

    done: Sequence[int]
    refused: Mapping[int, str] = field(default_factory=dict)
    silent: Sequence[int] = ()


class Report:
    """One interface of the document."""

    interface: Interface
    model: Deliveries = CameraDelivery
    verb = ""
    # A list that an answer of success must have; without it the answer is unreadable.
    results: str | None = None
    troubles: TroubleStore

    def verbs(self, platform: UpperPlatform) -> Sequence[str]:
        """The verb, and what else to try when it is answered 404."""
        return (self.verb,)

    def prefer(self, platform: UpperPlatform, verb: str) -> None:
        """It was this one of `verbs` that was answered with success."""

    def load(self, platform: UpperPlatform, held: Claim, department: str) -> Batch | None:
        """Those of the claim of which it is still owed under that department, as they are now."""
        raise NotImplementedError

    def begin(self, batch: Batch) -> None:
        """Just before it is sent."""

    def undo(self, batch: Batch) -> None:
        """It was sent and surely had no effect."""

    def accept(self, batch: Batch, answer: Answer) -> Verdicts:
        """Store what is acknowledged by success, and let go of it."""
        raise NotImplementedError

    # A whole batch is answered 404 because of one of its cameras.
    is_unknown_for_one = False

    def deny(self, batch: Batch, answer: Answer) -> Sequence[int]:
        """Answered 404: those whose acknowledgement is disproved by it, and which need no further trouble."""
        return ()


def still_ours(batch: Batch, keys: Sequence[int]) -> QuerySet[CameraDelivery]:
    """An answer that comes after the claim ran out is worth nothing: others may have sent since."""
    return CameraDelivery.objects.filter(pk__any_of=list(keys), claimed_until=batch.claim.until)


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    is_done: bool
    info: str


def item_verdicts(answer: Answer) -> dict[str, ItemVerdict]:
    """backResult by lower-case number."""
    return {
        str(entry.get("cameraNum", "")).strip().lower(): ItemVerdict(
            parse_number(entry.get("status")) == ItemStatus.DONE, words(entry.get("info")) or "未说明原因"
        )
        for entry in answer.body[RESULTS]
        if isinstance(entry, dict)
    }
