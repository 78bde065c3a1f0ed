"""The chain over the behaviour log: rows are sealed in blocks within seconds, never while they are written.

Whoever writes a row waits for nobody. Ids are given before rows are committed, so a block ends at an id of which is
known that every transaction that could still bring a smaller one is over (`_settled_id`).
"""

import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from access.actors import SYSTEM
from access.locks import Work, try_lock
from access.models import BehaviourLog, LogBlock
from access.services.alarms import close_alarm, raise_alarm
from access.services.logs import record
from protocol.sm2 import hmac_sm3, sm3

MOST_ROWS: Final = 1000
# Blocks sealed in one run, and dropped in one transaction.
_MOST_BLOCKS: Final = 200
_MOST_AT_ONCE: Final = timedelta(days=2)
_BLOCKS_AT_ONCE: Final = 20
# Rows younger than this are dropped under no setting (law on cybersecurity, article 21).
FEWEST_DAYS: Final = 180
FORGET_VERB: Final = "清理行为日志"
_MARK_KEY: Final = "log-chain:mark"
_LAG_ALARM: Final = "log-chain:lag"
# A transaction that is open for longer holds the chain up; somebody has to look.
_MOST_LAG: Final = timedelta(minutes=30)
_ENTRY: Final = struct.Struct(">q16s")
FIELDS: Final = (
    *("id", "at", "actor_kind", "actor_id", "actor_name", "verb", "object_kind", "object_id", "object_name"),
    *("address", "outcome", "reason", "detail"),
)
Row = tuple[object, ...]


# Digests --------------------------------------------------------------------------------------------


def key_named(name: str) -> bytes | None:
    """One of the keys of the chain; None when it is not configured any more."""
    keys = [settings.LOG_CHAIN_KEY, *settings.LOG_CHAIN_OLD_KEYS]
    return next((_secret(key) for key in keys if _name(key) == name), None)


def row_digest(key: bytes, row: Row) -> bytes:
    """16 bytes over all columns of a row as they are read back."""
    columns = [each.astimezone(UTC).isoformat() if isinstance(each, datetime) else each for each in row]
    text = json.dumps(columns, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac_sm3(key, text.encode("utf-8", "surrogatepass"))[:16]


def block_digest(key: bytes, block: LogBlock, previous: str) -> str:
    """Over everything in the block and the digest of the block before."""
    head = json.dumps(
        [
            *(previous, block.number, block.first_id, block.last_id, block.rows, block.key_name),
            *(block.newest_at.astimezone(UTC).isoformat(), block.sealed_at.astimezone(UTC).isoformat()),
        ]
    )
    return hmac_sm3(key, head.encode() + b"\n" + bytes(block.entries)).hex()


def entries_of(block: LogBlock) -> dict[int, bytes]:
    """The digest of each row by its id."""
    return dict(_ENTRY.iter_unpack(bytes(block.entries)))


def _secret(key: str) -> bytes:
    return sm3(f"log-chain|{key}".encode())


def _name(key: str) -> str:
    return sm3(f"log-chain-name|{key}".encode()).hex()[:8]


# Sealing --------------------------------------------------------------------------------------------


def seal_log() -> int:
    """Seals what is settled; the number of blocks. Nothing when another process is at it."""
    with try_lock(Work.LOG_CHAIN) as is_ours:
        if not is_ours:
            return 0
        settled = _settled_id()
        sealed = seal_through(settled) if settled is not None else 0
        _judge_lag()
    return sealed


def seal_through(last_id: int) -> int:
    """Blocks over all rows up to `last_id` that are not sealed yet."""
    for count in range(_MOST_BLOCKS):
        previous = LogBlock.objects.order_by("-number").first()
        after = previous.last_id if previous else 0
        rows = read_rows(after, last_id, MOST_ROWS)
        if not rows:
            return count
        # Up to the end of what is settled where the rows end: nothing can be slipped in behind them.
        through = last_id if len(rows) < MOST_ROWS else _id(rows[-1])
        _seal(rows, after + 1, through, previous)
    return _MOST_BLOCKS


def read_rows(after: int, last_id: int, most: int | None = None) -> Sequence[Row]:
    found = BehaviourLog.objects.filter(id__gt=after, id__lte=last_id).order_by("id").values_list(*FIELDS)
    return list(found[:most])


def _seal(rows: Sequence[Row], first_id: int, last_id: int, previous: LogBlock | None) -> None:
    key = _secret(settings.LOG_CHAIN_KEY)
    block = LogBlock(
        number=previous.number + 1 if previous else 1,
        first_id=first_id,
        last_id=last_id,
        rows=len(rows),
        entries=b"".join(_ENTRY.pack(_id(row), row_digest(key, row)) for row in rows),
        newest_at=max(_at(row) for row in rows),
        sealed_at=timezone.now(),
        key_name=_name(settings.LOG_CHAIN_KEY),
    )
    block.digest = block_digest(key, block, previous.digest if previous else "")
    block.save(force_insert=True)


def _settled_id() -> int | None:
    """The largest id that was there when every transaction that is still open had not begun to write.

    In three looks, seconds apart: the largest id; then the newest transaction, as an id may be drawn a moment
    before its transaction has a number; then whether all of those are over.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint,"
            " (SELECT max(id) FROM access_behaviourlog)"
        )
        oldest_open, next_one, largest = cursor.fetchone() or (0, 0, None)
    mark = cache.get(_MARK_KEY)
    if largest is None:
        return None
    if mark is None:
        cache.set(_MARK_KEY, {"id": largest, "next": None}, None)
        return None
    mark["next"] = mark["next"] or next_one
    if oldest_open < mark["next"]:
        cache.set(_MARK_KEY, mark, None)
        return None
    cache.set(_MARK_KEY, {"id": largest, "next": None}, None)
    # A database out of a backup has fewer rows than were noted.
    settled: int = min(mark["id"], largest)
    return settled


def oldest_unsealed() -> datetime | None:
    head = LogBlock.objects.order_by("-number").values_list("last_id", flat=True).first() or 0
    return BehaviourLog.objects.filter(id__gt=head).order_by("id").values_list("at", flat=True).first()


def _judge_lag() -> None:
    oldest = oldest_unsealed()
    if oldest is None or timezone.now() - oldest < _MOST_LAG:
        close_alarm(key=_LAG_ALARM)
    else:
        raise_alarm(
            key=_LAG_ALARM,
            title="行为日志未及时封存",
            message=f"{oldest:%Y-%m-%d %H:%M} 起的行为日志尚未封存，可能有事务长时间未结束",
        )


# Retention ------------------------------------------------------------------------------------------


def forget_old_rows(now: datetime | None = None) -> int:
    """Drops whole blocks of which every row is older than LOG_KEEP_DAYS, oldest first; the number of rows.

    What was dropped is said in the log itself, so that the chain can be followed from the oldest block that is left.
    """
    before = (now or timezone.now()) - timedelta(days=max(settings.LOG_KEEP_DAYS, FEWEST_DAYS))
    oldest = LogBlock.objects.order_by("number").values_list("newest_at", flat=True).first()
    if oldest is not None:
        # A clock that was set forward takes two days of the log at a time with it, not all of it.
        before = min(before, oldest + _MOST_AT_ONCE)
    dropped = 0
    while count := _forget_some(before):
        dropped += count
    return dropped


@transaction.atomic
def _forget_some(before: datetime) -> int:
    blocks = list(LogBlock.objects.defer("entries").order_by("number")[: _BLOCKS_AT_ONCE + 1])
    # The last block of all stays: the next one is chained to it.
    old = list(takewhile(lambda block: block.newest_at < before, blocks[:-1]))
    if not old:
        return 0
    last = old[-1]
    LogBlock.objects.filter(number__lte=last.number).delete()
    count, _ = BehaviourLog.objects.filter(id__lte=last.last_id).delete()
    detail = {"through_block": last.number, "through_id": last.last_id, "digest": last.digest}
    record(SYSTEM, FORGET_VERB, object_kind="log", reason=f"{count} 行", detail=detail)
    return max(count, 1)


def _id(row: Row) -> int:
    assert isinstance(row[0], int)  # noqa: S101 - for the type checker
    return row[0]


def _at(row: Row) -> datetime:
    assert isinstance(row[1], datetime)  # noqa: S101 - for the type checker
    return row[1]

