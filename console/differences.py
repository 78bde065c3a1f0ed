"""The newest comparison of what they hold with what we hold, kind by kind."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db.models import Count

from console.cards import CameraRow, row_of
from ministry.choices import DifferenceKind
from ministry.models import LedgerCheck, LedgerDifference, UpperPlatform
from ministry.selectors.overview import differences_of, listed_strangers, newest_check

_MOST_ROWS: Final = 50
# A check that has not come back by then will not.
_CHECKING_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    number: str
    name: str
    detail: str
    camera: CameraRow | None
    repaired_at: datetime | None


@dataclass(frozen=True, slots=True)
class DifferenceGroup:
    """The differences of one kind; repairing strangers deletes something that was never ours."""

    kind: DifferenceKind
    count: int
    open_count: int
    rows: list[DifferenceRow]

    @property
    def is_deletion(self) -> bool:
        return self.kind == DifferenceKind.STRANGER

    @property
    def listed_count(self) -> int:
        """Those of the list that are not repaired yet."""
        return sum(row.repaired_at is None for row in self.rows)

    @property
    def repaired_count(self) -> int:
        return self.count - self.open_count

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class CheckView:
    check: LedgerCheck | None
    is_running: bool
    groups: list[DifferenceGroup]

    @property
    def is_clean(self) -> bool:
        """It came to its end and found nothing."""
        return self.check is not None and not self.check.differences and not self.check.error

    @property
    def figures(self) -> list[tuple[str, str]]:
        """Who holds how many."""
        if self.check is None:
            return []
        told = (("我方", self.check.ours), ("对方", self.check.theirs), ("已比对", self.check.compared))
        return [(title, f"{figure:,}") for title, figure in told]

    @property
    def open_count(self) -> int:
        return sum(group.open_count for group in self.groups)

    @property
    def mendable_count(self) -> int:
        """Those that are repaired without deleting what was never ours."""
        return sum(group.open_count for group in self.groups if not group.is_deletion)


def check_view(platform: UpperPlatform) -> CheckView:
    check = newest_check(platform)
    if check is None:
        return CheckView(None, _is_running(platform, None), [])
    groups = _groups(check) if check.differences else []
    return CheckView(check, _is_running(platform, check), groups)


def note_check_asked(platform: UpperPlatform) -> None:
    """From now on the page says that a check is under way, until one ends that began later."""
    cache.set(_key(platform), time.time(), _CHECKING_SECONDS)


def _is_running(platform: UpperPlatform, newest: LedgerCheck | None) -> bool:
    asked = cache.get(_key(platform))
    if not isinstance(asked, float):
        return False
    return newest is None or newest.began_at.timestamp() < asked


def _key(platform: UpperPlatform) -> str:
    return f"upper-check:{platform.pk}"


def _groups(check: LedgerCheck) -> list[DifferenceGroup]:
    found = differences_of(check).order_by("kind")
    counted = found.values("kind").annotate(count=Count("pk"), repaired=Count("repaired_at"))
    return [
        _group(check, DifferenceKind(kind), count, count - repaired)
        for kind, count, repaired in counted.values_list("kind", "count", "repaired")
    ]


def _group(check: LedgerCheck, kind: DifferenceKind, count: int, open_count: int) -> DifferenceGroup:
    is_deletion = kind == DifferenceKind.STRANGER
    rows = listed_strangers(check) if is_deletion else differences_of(check, kind)[:_MOST_ROWS]
    return DifferenceGroup(kind, count, open_count, [_row(row) for row in rows])


def _row(row: LedgerDifference) -> DifferenceRow:
    # One that was deleted here is nowhere to be looked at.
    camera = row_of(row.camera) if row.camera is not None and row.camera.deleted_at is None else None
    return DifferenceRow(row.number, row.name, row.detail, camera, row.repaired_at)
