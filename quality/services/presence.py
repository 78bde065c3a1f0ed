"""Flag 0, offline: it follows the reported status, which ignores blips, and not the round of the pictures."""

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce, Substr
from django.utils import timezone

from cameras.choices import OnlineStatus
from cameras.models import Camera
from quality.choices import NOTHING_SAID, UNSAID, QualityFlag
from quality.services.rows import keep_rows, lock_rows, say_flag
from snapshots.slots import unix_slot

# A batch is one transaction: a province that goes away at once must not keep the pictures waiting.
_BATCH: Final = 2000
_WORD: Final = Case(
    When(status=OnlineStatus.ONLINE, then=Value("0")),
    When(status_at__isnull=False, then=Value("1")),
    default=Value(UNSAID),
)
_SAID: Final = Substr(Coalesce("diagnosis__flags", Value(NOTHING_SAID)), QualityFlag.OFFLINE + 1, 1)


def offline_words(camera_ids: Collection[int]) -> dict[int, str]:
    """Flag 0 of those that are in the ledger; unsaid while the status is unknown."""
    cameras = Camera.objects.filter(pk__in=camera_ids, deleted_at=None, is_pending=False)
    return dict(cameras.annotate(word=_WORD).values_list("pk", "word"))


def follow_statuses() -> int:
    """Say of every camera whose status has changed that it is offline, or no longer; of how many that changed.

    The state is compared, no event is awaited: nothing that happened meanwhile is lost.
    """
    stale = (
        Camera.objects.filter(deleted_at=None, is_pending=False)
        .annotate(word=_WORD, said=_SAID)
        .exclude(said=F("word"))
        .order_by("pk")
    )
    ids = list(stale.values_list("pk", flat=True))
    return sum(_follow(ids[begin : begin + _BATCH]) for begin in range(0, len(ids), _BATCH))


def _follow(camera_ids: Collection[int]) -> int:
    with transaction.atomic():
        # Who judges a picture or a burst says the flag too, or leaves it to the next look.
        rows = lock_rows(camera_ids, skip_locked=True)
        before = {pk: row.flags for pk, row in rows.items()}
        slot = unix_slot(timezone.now())
        for pk, word in offline_words(rows).items():
            say_flag(rows[pk], QualityFlag.OFFLINE, word, slot)
        return keep_rows([row for pk, row in rows.items() if row.flags != before[pk]], before)
