"""Streams of media servers that are gone or out of use, moved to the others without a hand.

Nothing that runs is moved: a server that comes back gets new streams only.
"""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession
from streaming.selectors import Placement, silent_servers

logger = logging.getLogger(__name__)

# Every 2 seconds; the orders that follow keep the pace of each gateway besides.
_TICK_SECONDS = 2


def relocate_streams() -> int:
    """Give stranded streams another server, STREAM_MOVES_PER_SECOND; how many were moved.

    A session whose order is being given stays until the gateway has answered: moved under it, it would
    count as ordered where it was not.
    """
    now = timezone.now()
    lost = MediaServer.objects.filter(Q(is_active=False) | Q(pk__in=silent_servers(now)))
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    stranded = PushSession.objects.filter(free, media_server__in=lost)
    placement = Placement()
    most = max(1, int(settings.STREAM_MOVES_PER_SECOND * _TICK_SECONDS))
    with transaction.atomic():
        # Low streams first: a high one follows that of its camera.
        rows = list(
            stranded.select_for_update(of=("self",), skip_locked=True).order_by(
                "-is_wanted", "video_type", "pk"
            )[:most]
        )
        by_server = _choose(rows, placement)
        for server_id, ids in by_server.items():
            _move(PushSession.objects.filter(pk__in=ids), server_id)
    moved = sum(map(len, by_server.values()))
    if moved:
        logger.warning("%d streams of servers that are gone were given another", moved)
    return moved


def _choose(rows: list[PushSession], placement: Placement) -> dict[int, list[int]]:
    """Sessions by the server they go to."""
    cameras = [row.camera_id for row in rows if row.video_type == VideoType.HIGH]
    low = PushSession.objects.filter(camera__in=cameras, video_type=VideoType.LOW)
    beside = dict(low.values_list("camera", "media_server"))
    chosen: dict[int, list[int]] = {}
    for row in rows:
        server_id: int | None = beside.get(row.camera_id) if row.video_type == VideoType.HIGH else None
        if server_id is None or not placement.can_take(server_id):
            server = placement.least_loaded()
            if server is None:
                break
            server_id = server.pk
        beside[row.camera_id] = server_id
        chosen.setdefault(server_id, []).append(row.pk)
    return chosen


def _move(sessions: QuerySet[PushSession], server_id: int) -> None:
    now = timezone.now()
    # One that is wanted is ordered anew; of the others the gateway may still have to be told the end.
    sessions.filter(is_wanted=True).update(state=PushState.IDLE, attempts=0, next_attempt_at=None)
    sessions.update(media_server=server_id, moved_at=now, viewers=0)
