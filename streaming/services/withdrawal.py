"""Viewings of those who lost the right: marked in a few reads for all of them, then ended at their media servers.

Nothing has to tell that a right ended: every few seconds what is watched is compared with what may be.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.staff_sessions import signed_in_among
from cameras.entitlement import partners_entitled, staff_entitled
from protocol.errors import RemoteError
from streaming.media import MediaAdapter, adapter_for
from streaming.models import MediaServer, Viewing
from streaming.services import hls, viewings
from streaming.uids import partner_in, partner_uid, staff_in, staff_uid

logger = logging.getLogger(__name__)

RIGHT_ENDED: Final = "观看权限已收回"
SIGNED_OUT: Final = "登录已结束"
SESSION_ENDED: Final = "登录会话被结束"
TOKENS_REVOKED: Final = "令牌已吊销"
# A run leaves the rest to the next one.
_BUDGET_SECONDS: Final = 8.0


class _Row(NamedTuple):
    pk: int
    uid: str
    camera_id: int


def end_viewings_without_right() -> int:
    """How many ends were noted here; some servers tell of them first. One that is silent is asked again by the next run."""
    mark_lost()
    return _end_marked()


def mark_lost() -> None:
    """Marks what nobody may watch any more; the number of reads does not depend on how many watch."""
    watching = Viewing.objects.filter(withdrawn="").order_by()
    rows = [_Row(*row) for row in watching.values_list(*_Row._fields)]
    for reason, pks in _lost(rows).items():
        if pks:
            _mark(Viewing.objects.filter(pk__in=pks), reason)


def signed_out(*, user_id: int, **_: object) -> None:
    """All of the person's, since an address does not tell from which browser it was asked for."""
    _mark(Viewing.objects.filter(uid=staff_uid(user_id), withdrawn=""), SESSION_ENDED)


def tokens_revoked(*, partner_id: int, **_: object) -> None:
    _mark(Viewing.objects.filter(uid=partner_uid(partner_id), withdrawn=""), TOKENS_REVOKED)


@transaction.atomic
def _mark(rows: QuerySet[Viewing], reason: str) -> None:
    # Locked in the order in which ends lock them: each would wait for the other, and one of them fail.
    locked = rows.order_by("pk").select_for_update().values("pk")
    Viewing.objects.filter(pk__in=locked).update(withdrawn=reason)


def _lost(rows: Iterable[_Row]) -> dict[str, list[int]]:
    """By reason. Who watches for nobody in particular has no right that could end."""
    by_staff: dict[_Row, tuple[int, int]] = {}
    by_partner: dict[_Row, tuple[int, int]] = {}
    for row in rows:
        if (user_id := staff_in(row.uid)) is not None:
            by_staff[row] = user_id, row.camera_id
        elif (partner_id := partner_in(row.uid)) is not None:
            by_partner[row] = partner_id, row.camera_id
    lost: dict[str, list[int]] = {RIGHT_ENDED: [], SIGNED_OUT: []}
    if by_partner:
        entitled = partners_entitled(set(by_partner.values()))
        lost[RIGHT_ENDED] += [row.pk for row, pair in by_partner.items() if pair not in entitled]
    if by_staff:
        entitled = staff_entitled(set(by_staff.values()))
        present = signed_in_among({user_id for user_id, _ in by_staff.values()})
        for row, pair in by_staff.items():
            if pair not in entitled:
                lost[RIGHT_ENDED].append(row.pk)
            elif pair[0] not in present:
                lost[SIGNED_OUT].append(row.pk)
    return lost


def _end_marked() -> int:
    marked = Viewing.objects.exclude(withdrawn="").select_related("media_server").order_by("pk")
    sessions = list(marked.exclude(alive_until=None).values_list("pk", "client"))
    # No server knows of these: their files are asked for through us.
    hls.ban(client for _, client in sessions)
    ended = viewings.end_withdrawn([pk for pk, _ in sessions])
    connected: dict[MediaServer, list[Viewing]] = {}
    # Of a silent server nothing is known; it must not hold up the others.
    for row in marked.filter(alive_until=None, media_server__silent_since=None):
        connected.setdefault(row.media_server, []).append(row)
    if not connected:
        return ended
    # Only asking is done by threads: one that used the database would leave its connection behind.
    with ThreadPoolExecutor(len(connected)) as crew:
        asked = [crew.submit(_ask_to_end, adapter_for(server), rows) for server, rows in connected.items()]
        return ended + sum(viewings.end_withdrawn(told.result()) for told in as_completed(asked))


def _ask_to_end(adapter: MediaAdapter, rows: Iterable[Viewing]) -> list[int]:
    """Of those that are over."""
    ends_at, over = time.monotonic() + _BUDGET_SECONDS, []
    settled = timezone.now() - timedelta(seconds=viewings.UNCOUNTED_SECONDS)
    for row in rows:
        if time.monotonic() > ends_at:
            break
        try:
            was_there = adapter.end_viewer(row.client)
        except RemoteError as error:
            logger.info("viewer %s could not be ended: %s", row.client, error.message)
            continue
        if was_there or _is_gone(row, settled):
            over.append(row.pk)
    return over


def _is_gone(row: Viewing, settled: datetime) -> bool:
    """One that is just coming may not be known yet to the server that asked us about it."""
    return row.began_at < settled
