"""What the page 操作审计 shows beside the acts themselves: its table, its verbs, and whether the log is whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from access.csv_rows import Cell
from access.days import ZONE
from access.models import LogAnchor, LogBlock, User
from access.services.log_chain import oldest_unsealed
from console.acts import AuditWanted, all_acts, verb_now
from ptz.choices import PTZ_VERB
from ptz.models import PtzOrder

# Anchors are written every hour, rows are sealed within seconds.
_ANCHOR_LATE: Final = timedelta(hours=2)
_SEAL_LATE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ChainState:
    """Whether what is written is sealed, and the seal told outside, in time."""

    head: LogBlock | None
    unsealed_since: datetime | None
    anchor: LogAnchor | None
    is_seal_late: bool
    is_anchor_late: bool


def audit_table(user: User, wanted: AuditWanted) -> Iterator[list[Cell]]:
    """Every row, newest first."""
    yield ["编号", "时间", "操作者类别", "操作者", "来源地址", "操作", "对象类别", "对象编号", "对象", "结果", "说明", "明细"]
    for act in all_acts(user, wanted):
        yield [
            *(act.number, f"{act.at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}", act.actor_kind, act.actor),
            *(act.address, act.verb, act.kind, act.thing_id, act.thing, act.outcome, act.reason),
            "；".join(f"{name}：{value}" for name, value in act.detail),
        ]


def verbs_logged() -> list[str]:
    """All verbs there are, from step to step in their index: the table has millions of rows and some dozens of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE step AS ("
            " (SELECT verb FROM access_behaviourlog ORDER BY verb LIMIT 1)"
            " UNION ALL SELECT (SELECT l.verb FROM access_behaviourlog l WHERE l.verb > s.verb"
            " ORDER BY l.verb LIMIT 1) FROM step s WHERE s.verb IS NOT NULL"
            ") SELECT verb FROM step WHERE verb IS NOT NULL"
        )
        found = {verb_now(verb) for (verb,) in cursor.fetchall()}
    if PtzOrder.objects.exists():
        found.add(PTZ_VERB)
    return sorted(found)


def chain_state() -> ChainState:
    now = timezone.now()
    head = LogBlock.objects.defer("entries").order_by("-number").first()
    unsealed_since = oldest_unsealed()
    anchor = LogAnchor.objects.order_by("-id").first()
    return ChainState(
        head=head,
        unsealed_since=unsealed_since,
        anchor=anchor,
        is_seal_late=unsealed_since is not None and now - unsealed_since > _SEAL_LATE,
        is_anchor_late=anchor is None or now - anchor.at > _ANCHOR_LATE or not anchor.places,
    )
