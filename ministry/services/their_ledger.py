"""What an upper platform says it holds: its ledger verbs, page by page (protocol.md section 4).

Nothing of it is trusted: pages, entries and time are bounded, and a total that its pages do not bear out is an error.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from ministry.services.channel import Channel
from ministry.services.slots import slot_within
from protocol.codes import Code
from protocol.envelope import Answer, parse_number
from protocol.errors import RemoteError
from protocol.fields import LONGEST_CAMERA_NUM

PAGE_SIZE: Final = 500
LONGEST_SECONDS: Final = 240
# Two and a half times what the platform is made for.
MOST_CAMERAS: Final = 100_000
_MOST_PAGES: Final = 1000

Page = dict[str, dict[str, Any]]
"""Entries by lower-case number."""


@dataclass(frozen=True, slots=True)
class LedgerVerb:
    name: str
    list_key: str


CAMERAS: Final = LedgerVerb("GetDepartmentVideoInfo", "videoInfo")
STATUSES: Final = LedgerVerb("GetCameraStatus", "cameraStatus")


class TheirLedger:
    """One reading, of as many verbs as time allows."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._ends_at = time.monotonic() + LONGEST_SECONDS

    def pages(self, verb: LedgerVerb) -> Iterator[Page]:
        """Each number once. RemoteError, with words for staff, when it cannot be read to its end."""
        reading = _Reading(verb)
        for number in count(1):
            answer = self._ask(verb, number, reading)
            if answer is None:
                break
            fresh, is_last = reading.take(number, answer)
            if fresh:
                yield fresh
            if is_last:
                break
        reading.finish()

    def _ask(self, verb: LedgerVerb, number: int, reading: "_Reading") -> Answer | None:
        """None: a page beyond the last one was refused."""
        if number > _MOST_PAGES:
            raise RemoteError(f"{verb.name}：超过 {_MOST_PAGES} 页仍未读完")
        if time.monotonic() > self._ends_at:
            raise RemoteError(f"{verb.name}：{LONGEST_SECONDS} 秒内未读完，停在第 {number} 页")
        self._channel.pace()
        try:
            with slot_within(self._channel.platform, self._ends_at - time.monotonic()):
                return self._channel.ask(verb.name, {"currPage": number, "pageSize": PAGE_SIZE})
        except RemoteError as error:
            if error.remote_code is not None and reading.is_complete:
                return None
            raise


@dataclass(slots=True)
class _Reading:
    verb: LedgerVerb
    seen: set[str] = field(default_factory=set)
    fewest: int = MOST_CAMERAS
    most: int = 0
    newest: int = -1

    @property
    def is_complete(self) -> bool:
        return len(self.seen) == self.newest

    @property
    def _change(self) -> int:
        """How far the total moved while it was read: others register and delete at the same time."""
        return self.most - self.fewest

    def take(self, number: int, answer: Answer) -> tuple[Page, bool]:
        """What is new on this page, and whether it is the last one."""
        total = parse_number(answer.body.get("total"))
        if total is None or not 0 <= total <= MOST_CAMERAS:
            raise RemoteError(f"{self.verb.name}：第 {number} 页的 total 应为 0 至 {MOST_CAMERAS} 的整数")
        self.newest = total
        self.fewest, self.most = min(self.fewest, total), max(self.most, total)
        page = _entries(self.verb, number, answer)
        fresh = {key: entry for key, entry in page.items() if key not in self.seen}
        self.seen.update(fresh)
        if len(self.seen) > self.most + self._change:
            raise self._lie()
        # A page asked beyond the end is empty, or the last one once more.
        return fresh, not fresh or (len(page) < PAGE_SIZE and self.is_complete)

    def finish(self) -> None:
        if len(self.seen) < self.fewest - self._change:
            raise self._lie()

    def _lie(self) -> RemoteError:
        return RemoteError(
            f"{self.verb.name}：对方称共有 {self.newest} 个点位，实际给出 {len(self.seen)} 个，与总数不符"
        )


def is_absent(error: RemoteError) -> bool:
    """They do not have the verb."""
    return Code.NOT_FOUND in (error.remote_code, error.http_status)


def _entries(verb: LedgerVerb, number: int, answer: Answer) -> Page:
    given = answer.body.get(verb.list_key)
    if not isinstance(given, list):
        raise RemoteError(f"{verb.name}：第 {number} 页缺少列表 {verb.list_key}")
    page: Page = {}
    for place, entry in enumerate(given, 1):
        num = entry.get("cameraNum") if isinstance(entry, dict) else None
        key = num.strip().lower() if isinstance(num, str) else ""
        if not 0 < len(key) <= LONGEST_CAMERA_NUM or not key.isprintable():
            raise RemoteError(f"{verb.name}：第 {number} 页第 {place} 项没有可识别的 cameraNum")
        page[key] = entry
    return page
