"""Whether the behaviour log is still what was written: every row, block and anchor, and where it is not."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from access.models import BehaviourLog, LogBlock
from access.services.log_anchors import Anchor
from access.services.log_chain import (
    FEWEST_DAYS,
    FORGET_VERB,
    block_digest,
    entries_of,
    key_named,
    read_rows,
    row_digest,
)

_BLOCKS_AT_ONCE: Final = 50
# An anchor an hour, and time for one that failed.
_ANCHORED_WITHIN: Final = timedelta(hours=3)
# Rows named one by one; of more only their number is told.
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was sealed; `what` is a word for programs, `words` says where."""

    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was looked at."""

    blocks: int
    rows: int
    flaws: list[Flaw]
    head: int | None
    unsealed: int


def verify_log(anchors: Collection[Anchor] = ()) -> Verified:
    """The whole chain from the oldest block that is kept, and against the anchors from outside."""
    flaws: list[Flaw] = []
    rows = count = 0
    previous: LogBlock | None = None
    digests: dict[int, str] = {}
    for block in _blocks():
        flaws += _joined(previous, block)
        flaws += _sealed(previous, block)
        flaws += _rows(block)
        digests[block.number] = block.digest
        rows, count, previous = rows + block.rows, count + 1, block
    flaws += _against_anchors(anchors, digests)
    flaws += _unanchored(anchors)
    head = previous.last_id if previous else 0
    unsealed = BehaviourLog.objects.filter(id__gt=head).count()
    return Verified(count, rows, flaws, previous.number if previous else None, unsealed)


def _blocks() -> Iterator[LogBlock]:
    after = 0
    while batch := list(LogBlock.objects.filter(number__gt=after).order_by("number")[:_BLOCKS_AT_ONCE]):
        yield from batch
        after = batch[-1].number


# Blocks ---------------------------------------------------------------------------------------------


def _joined(previous: LogBlock | None, block: LogBlock) -> Iterator[Flaw]:
    """Whether the block follows on the one before, or is the oldest that retention left."""
    if previous is None:
        yield from _begun(block)
        return
    if block.number != previous.number + 1:
        lost = f"封存块 {previous.number + 1} 至 {block.number - 1} 缺失"
        yield Flaw("block-missing", f"{lost}：编号 {previous.last_id + 1} 至 {block.first_id - 1} 的日志无从核对")
    elif block.first_id != previous.last_id + 1:
        yield Flaw("block-altered", f"封存块 {block.number} 不接在前一块之后")


def _begun(block: LogBlock) -> Iterator[Flaw]:
    forgotten = _forgotten()
    expected = int(forgotten["through_block"]) + 1 if forgotten else 1
    if block.number != expected:
        yield Flaw("block-missing", f"封存块 {expected} 至 {block.number - 1} 缺失，且不是按保留天数清理的")
    older = BehaviourLog.objects.filter(id__lt=block.first_id).count()
    if older:
        yield Flaw("row-inserted", f"最早的封存块之前多出 {older} 行日志")


def _forgotten() -> dict[str, Any] | None:
    """What retention said when it last dropped blocks; that row is sealed itself."""
    row = BehaviourLog.objects.filter(verb=FORGET_VERB, actor_kind="system").order_by("-id").first()
    return row.detail if row is not None and "through_block" in row.detail else None


def _sealed(previous: LogBlock | None, block: LogBlock) -> Iterator[Flaw]:
    key = key_named(block.key_name)
    if key is None:
        yield Flaw("key-missing", f"封存块 {block.number} 的密钥不在 LOG_CHAIN_KEY 与 LOG_CHAIN_OLD_KEYS 之中")
        return
    if previous is not None and previous.number == block.number - 1:
        before = previous.digest
    else:
        forgotten = _forgotten() or {}
        is_next = forgotten.get("through_block") == block.number - 1
        before = str(forgotten.get("digest", "")) if is_next else ""
        if block.number > 1 and not is_next:
            # Its predecessor is gone, which was told; its own seal cannot be judged without.
            return
    if block_digest(key, block, before) != block.digest:
        yield Flaw("block-altered", f"封存块 {block.number}（{_when(block)}）被改动，或与前一块不衔接")


# Rows -----------------------------------------------------------------------------------------------


def _rows(block: LogBlock) -> Iterator[Flaw]:
    key = key_named(block.key_name)
    if key is None:
        return
    sealed = entries_of(block)
    found = {int(str(row[0])): row for row in read_rows(block.first_id - 1, block.last_id)}
    where = f"封存块 {block.number}（{_when(block)}）"
    lost = sorted(sealed.keys() - found.keys())
    new = sorted(found.keys() - sealed.keys())
    edited = [pk for pk in sealed.keys() & found.keys() if row_digest(key, found[pk]) != sealed[pk]]
    for what, ids, words in (
        ("row-deleted", lost, "被删除"),
        ("row-inserted", new, "是事后插入的"),
        ("row-edited", sorted(edited), "被改动"),
    ):
        if ids:
            named = "、".join(map(str, ids[:_MOST_NAMED]))
            more = f" 等共 {len(ids)} 行" if len(ids) > _MOST_NAMED else ""
            yield Flaw(what, f"{where}：日志 {named}{more} {words}")


def _when(block: LogBlock) -> str:
    return f"{timezone.localtime(block.sealed_at):%Y-%m-%d %H:%M:%S} 封存"


# Anchors --------------------------------------------------------------------------------------------


def _unanchored(anchors: Collection[Anchor]) -> Iterator[Flaw]:
    """Whoever cuts the tail of the log cuts the anchors of it as well."""
    since = timezone.now() - _ANCHORED_WITHIN
    newest = max((datetime.fromisoformat(anchor.at) for anchor in anchors), default=None)
    is_due = LogBlock.objects.filter(sealed_at__lt=since).exists()
    if is_due and (newest is None or newest < since):
        last = "没有锚点" if newest is None else f"最新的锚点是 {newest:%Y-%m-%d %H:%M}"
        yield Flaw("anchor-missing", f"{last}：每小时应有一个，缺失期间尾部被截断无法发现")


def _against_anchors(anchors: Iterable[Anchor], digests: dict[int, str]) -> Iterator[Flaw]:
    """A head that was told outside has to be there still, unless it is older than the log is kept."""
    oldest, newest = min(digests, default=0), max(digests, default=0)
    kept_since = timezone.now() - timedelta(days=max(settings.LOG_KEEP_DAYS, FEWEST_DAYS))
    cut: Anchor | None = None
    for anchor in anchors:
        if anchor.number > newest:
            cut = cut or anchor
        elif anchor.number >= oldest and digests.get(anchor.number) != anchor.digest:
            yield Flaw("anchor-differs", f"锚点 {anchor.at} 的封存块 {anchor.number} 与库中不同：其后的日志可能被重写")
        elif anchor.number < oldest and datetime.fromisoformat(anchor.at) > kept_since:
            yield Flaw("head-cut", f"锚点 {anchor.at} 的封存块 {anchor.number} 未到保留期限而不在库中")
    if cut is not None:
        yield Flaw("tail-cut", f"尾部被截断：锚点 {cut.at} 已到封存块 {cut.number}，库中只到 {newest}")
