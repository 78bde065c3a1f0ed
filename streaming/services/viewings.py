"""Who watches what: told by hooks, corrected by the lists of the servers, limited, counted as peaks of a day."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from access.days import day_of
from access.models import Partner
from cameras.models import Camera
from cameras.models.cameras import stream_name
from protocol.errors import ForbiddenError
from protocol.play_urls import ORIGIN_UID
from streaming.choices import PeakKind, PushState, VideoType
from streaming.models import MediaServer, PushSession, ViewerLimit, ViewerPeak, Viewing
from streaming.selectors import camera_of_stream
from streaming.services.viewing_log import log_begin, log_ends
from streaming.uids import partner_in, partner_uid, staff_in

# A viewer may wait for a stream that long before its server counts them.
UNCOUNTED_SECONDS: Final = 10
# A stream that long away may still be back, and with it the viewers that its server kept.
AWAY_SECONDS: Final = 10
# Of the name of a connection, as it is kept.
CLIENT_LENGTH: Final = 64
# A player of HLS asks for a file every second or two.
HLS_GONE_SECONDS: Final = 30

# Every count anew, the higher one stays.
_NOTE_PEAKS: Final = f"""
INSERT INTO streaming_viewerpeak AS old (day, kind, subject_id, peak, at)
SELECT %s, kind, subject_id, peak, %s FROM (
    SELECT {PeakKind.ALL:d} AS kind, 0::bigint AS subject_id, count(*) AS peak FROM streaming_viewing
    UNION ALL SELECT {PeakKind.CAMERA:d}, camera_id, count(*) FROM streaming_viewing GROUP BY camera_id
    UNION ALL SELECT CASE left(uid, 1) WHEN 'p' THEN {PeakKind.PARTNER:d} ELSE {PeakKind.STAFF:d} END,
        substr(uid, 2)::bigint, count(*) FROM streaming_viewing WHERE uid ~ '^[pu][0-9]{{1,18}}$' GROUP BY uid
) counted WHERE peak > 0
ON CONFLICT (day, kind, subject_id) DO UPDATE SET peak = excluded.peak, at = excluded.at
WHERE excluded.peak > old.peak
"""  # noqa: S608 - numbers of our own


@dataclass(frozen=True, slots=True)
class Viewer:
    """`client` is the connection or session, `uid` whom the play address was made for.

    `is_session`: nothing tells of its end; `still_watching` has to be called meanwhile.
    """

    uid: str
    client: str
    address: str | None = None
    protocol: str = ""
    is_session: bool = False


def viewer_came(*, server: MediaServer, stream: str, viewer: Viewer) -> None:
    """Somebody opens a stream: keep a high one wanted, log who watches what; ForbiddenError over a limit."""
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    _count(server, camera, video_type, viewer)
    if video_type == VideoType.HIGH:
        sessions = PushSession.objects.filter(camera=camera, video_type=video_type)
        sessions.update(needed_at=timezone.now(), is_wanted=True)
    if log_begin(
        uid=viewer.uid,
        address=viewer.address,
        protocol=viewer.protocol,
        camera=camera,
        video_type=video_type,
    ):
        Viewing.objects.filter(media_server=server, client=viewer.client[:CLIENT_LENGTH]).update(
            is_logged=True
        )


def viewer_left(*, server: MediaServer, stream: str, client: str) -> None:
    """Somebody, or without a `client` everybody, closed a stream: from here on a high one may be idle."""
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    gone = Viewing.objects.filter(media_server=server, camera=camera, video_type=video_type, alive_until=None)
    _end(gone.filter(client=client[:CLIENT_LENGTH]) if client else gone)
    _note_need(camera, video_type)


def still_watching(*, server: MediaServer, stream: str, viewer: Viewer) -> None:
    """A session goes on: a high stream is needed, and the viewer counts a while longer.

    One that paused for so long that it does not count any more is judged again: ForbiddenError over a limit.
    """
    found = camera_of_stream(stream)
    if found is None:
        return
    row = Viewing.objects.filter(media_server=server, client=viewer.client[:CLIENT_LENGTH])
    if not row.update(alive_until=_gone_at()):
        _count(server, *found, viewer)
    _note_need(*found)


def settle(*, server: MediaServer, watched: Mapping[str, int], asked_at: datetime) -> None:
    """Drop viewers whose leaving nobody told: where a server counts fewer than we do, those who came first.

    Servers do not list a stream whose publisher reconnects; of its viewers they say nothing meanwhile.
    """
    here = Viewing.objects.filter(media_server=server)
    _end(here.filter(alive_until__lt=asked_at))
    counted = here.filter(alive_until=None, began_at__lt=asked_at - timedelta(seconds=UNCOUNTED_SECONDS))
    lately = Q(state=PushState.LIVE) | Q(ended_at__gte=asked_at - timedelta(seconds=AWAY_SECONDS))
    pushes = PushSession.objects.filter(lately, camera=OuterRef("camera"), video_type=OuterRef("video_type"))
    newest_first = counted.order_by("-began_at", "-pk")
    rows = newest_first.values_list("pk", "camera__number_key", "video_type", Exists(pushes))
    ours: Counter[str] = Counter()
    gone = []
    for pk, number_key, video_type, was_there_lately in rows:
        stream = stream_name(number_key, video_type)
        if was_there_lately and stream not in watched:
            continue
        ours[stream] += 1
        if ours[stream] > watched.get(stream, 0):
            gone.append(pk)
    if gone:
        _end(here.filter(pk__in=gone))


def forget(*, servers: QuerySet[MediaServer]) -> None:
    """Nobody watches at servers that are gone."""
    _end(Viewing.objects.filter(media_server__in=servers))
    servers.exclude(egress_kbps=0).update(egress_kbps=0)


def end_withdrawn(pks: Collection[int]) -> int:
    """Those whose viewers were ended, or are not there any more; how many."""
    return _end(Viewing.objects.filter(pk__in=pks)) if pks else 0


def ensure_room(partner: Partner) -> None:
    """ForbiddenError while this partner watches as many streams as it may."""
    most = partner.most_viewers
    if most and Viewing.objects.filter(uid=partner_uid(partner.pk)).count() >= most:
        raise ForbiddenError(f"同时观看的路数已达上限（{most} 路），请先停止其他观看")


def note_peaks(*, now: datetime | None = None) -> None:
    """Keep the highest count of the day; called every few seconds, so that no event has to count."""
    at = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_PEAKS, [day_of(at), at])


def forget_old_peaks(*, now: datetime | None = None) -> int:
    """How many days' rows were dropped with VIEWER_PEAK_DAYS over."""
    oldest = day_of(now or timezone.now()) - timedelta(days=settings.VIEWER_PEAK_DAYS)
    return ViewerPeak.objects.filter(day__lt=oldest).delete()[0]


@transaction.atomic
def _count(server: MediaServer, camera: Camera, video_type: VideoType, viewer: Viewer) -> None:
    # Staff are never refused; a CDN counts its own viewers.
    if staff_in(viewer.uid) is None and viewer.uid != ORIGIN_UID:
        _ensure_room_beside_others(server, camera, viewer)
    _keep(server, camera, video_type, viewer)


def _ensure_room_beside_others(server: MediaServer, camera: Camera, viewer: Viewer) -> None:
    others = Viewing.objects.exclude(media_server=server, client=viewer.client[:CLIENT_LENGTH])
    limits: list[tuple[int, QuerySet[Viewing], str]] = []
    # Locked, always in this order: a wall opens all its tiles at the same moment.
    if (partner_id := partner_in(viewer.uid)) is not None:
        partners = Partner.objects.filter(pk=partner_id, most_viewers__gt=0)
        for partner in partners.select_for_update(no_key=True):
            limits.append((partner.most_viewers, others.filter(uid=viewer.uid), "接入方"))
    cameras = ViewerLimit.objects.filter(camera=camera, most_viewers__gt=0)
    for limit in cameras.select_for_update(no_key=True):
        limits.append((limit.most_viewers, others.filter(camera=camera), "摄像机"))
    for most, watching, whose in limits:
        if watching.count() >= most:
            raise ForbiddenError(f"{whose}的同时观看数已达上限（{most}）")


def _keep(server: MediaServer, camera: Camera, video_type: VideoType, viewer: Viewer) -> None:
    if not viewer.client:
        return
    alive_until = _gone_at() if viewer.is_session else None
    named = {"media_server": server, "client": viewer.client[:CLIENT_LENGTH]}
    who = {"camera": camera, "video_type": video_type, "uid": viewer.uid[:64]}
    # A server that was restarted counts its connections anew: this is somebody else, whom nothing of the old concerns.
    _end(Viewing.objects.filter(**named).exclude(**who))
    Viewing.objects.update_or_create(
        **named,
        defaults={"alive_until": alive_until},
        create_defaults={
            **who,
            "alive_until": alive_until,
            "protocol": viewer.protocol[:8],
            "address": viewer.address,
            "began_at": timezone.now(),
        },
    )


def _gone_at() -> datetime:
    """When a session that asks for nothing more is over."""
    return timezone.now() + timedelta(seconds=HLS_GONE_SECONDS)


@transaction.atomic
def _end(gone: QuerySet[Viewing]) -> int:
    """Drop viewings and log their ends; locked, since a leaving may be told and found out at the same moment."""
    now = timezone.now()
    rows = list(gone.select_for_update(of=("self",)).select_related("camera").order_by("pk"))
    if not rows:
        return 0
    Viewing.objects.filter(pk__in=[row.pk for row in rows]).delete()
    asked_before = timedelta(seconds=HLS_GONE_SECONDS)
    log_ends((row, row.alive_until - asked_before if row.alive_until else now) for row in rows)
    return len(rows)


def _note_need(camera: Camera, video_type: VideoType) -> None:
    if video_type == VideoType.HIGH:
        PushSession.objects.filter(camera=camera, video_type=video_type).update(needed_at=timezone.now())
