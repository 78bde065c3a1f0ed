"""Reads of streaming."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.utils import timezone

from access.days import ZONE
from access.models import BehaviourLog, Partner, User
from access.services.tokens import Companion, beside_token
from cameras.choices import OnlineStatus
from cameras.models import Camera, PtzGrant
from cameras.models.cameras import can_turn
from protocol.errors import InternalError
from protocol.fields import is_camera_num
from protocol.play_urls import CAPTURE_UID, new_rand, sign_path
from streaming.addresses import Outlet
from streaming.choices import VIEWING_VERB, Audience, PeakKind, PlayResult, PushState, VideoType
from streaming.media import MediaAdapter, adapter_for
from streaming.models import (
    HotHours,
    MediaServer,
    PlayCheck,
    PlayDomain,
    PushSession,
    ViewerPeak,
    Viewing,
)
from streaming.uids import partner_in, partner_uid, staff_in, staff_uid

# A capture opens its URL at once; a little slack for a busy machine.
CAPTURE_URL_SECONDS = 30
# A server that does not answer for this long has lost its streams.
SILENCE_SECONDS = 15
_CHUNK = 500
# Once may be a gateway that reconnects.
CONFIRMED_FAILURES = 2


def silent_servers(now: datetime) -> QuerySet[MediaServer]:
    """Servers that did not answer for so long that their streams are lost."""
    return MediaServer.objects.filter(silent_since__lte=now - timedelta(seconds=SILENCE_SECONDS))


class Placement:
    """Which media server carries which stream; loads the servers once."""

    def __init__(self) -> None:
        # As in `_PLAYABLE`: what is not placed is looked for at the first one that answers.
        servers = MediaServer.objects.filter(is_active=True).order_by(
            F("silent_since").asc(nulls_first=True), "pk"
        )
        self._adapters = {server.pk: adapter_for(server) for server in servers}
        self._outlets: dict[tuple[int | None, Audience | None], Outlet] = {}

    @property
    def has_server(self) -> bool:
        return bool(self._adapters)

    def adapter(self, server_id: int | None) -> MediaAdapter:
        """The adapter of that server, or of the default one; `InternalError` when there is none."""
        if server_id is not None and server_id in self._adapters:
            return self._adapters[server_id]
        return self._default()

    def outlet(self, server_id: int | None, audience: Audience | None) -> Outlet:
        """Where that audience plays what the server has; without an audience at the server itself."""
        outlet = self._outlets.get((server_id, audience))
        if outlet is None:
            adapter = self.adapter(server_id)
            outlet = Outlet(adapter, self._domain(adapter.server, audience) if audience else None)
            self._outlets[server_id, audience] = outlet
        return outlet

    def _domain(self, server: MediaServer, audience: Audience) -> PlayDomain | None:
        """One for this server before one for all, as in `_PLAYABLE`."""
        fitting = [
            domain
            for domain in self._domains
            if getattr(domain, audience.value) and domain.media_server_id in (server.pk, None)
        ]
        return min(fitting, key=lambda domain: (domain.media_server_id is None, domain.pk), default=None)

    @cached_property
    def _domains(self) -> list[PlayDomain]:
        return list(PlayDomain.objects.filter(is_active=True))

    def server_beside(self, camera: Camera) -> MediaServer:
        """For a high stream: where the low one is, and its addresses are issued until it is placed."""
        low = PushSession.objects.filter(camera=camera, video_type=VideoType.LOW)
        return self.adapter(low.values_list("media_server_id", flat=True).first()).server

    def can_take(self, server_id: int | None) -> bool:
        return server_id in self._answering

    def least_loaded(self) -> MediaServer | None:
        """For one more stream, which from now on counts; None while no server answers."""
        if not self._answering:
            return None
        server = min(self._answering.values(), key=lambda one: (self._loads[one.pk] / one.weight, one.pk))
        self._loads[server.pk] += 1
        return server

    @cached_property
    def _answering(self) -> dict[int, MediaServer]:
        servers = (adapter.server for adapter in self._adapters.values())
        return {server.pk: server for server in servers if server.silent_since is None}

    @cached_property
    def _loads(self) -> Counter[int]:
        wanted = PushSession.objects.filter(is_wanted=True).order_by().values_list("media_server")
        return Counter(dict(wanted.annotate(Count("pk"))))

    def _default(self) -> MediaAdapter:
        if not self._adapters:
            raise InternalError("没有启用的媒体服务器，请先登记（manage.py add_media_server）")
        return next(iter(self._adapters.values()))


class Playable(NamedTuple):
    """What the play addresses of one camera need."""

    number: str
    number_key: str
    name: str
    status: int
    camera_type: int
    ptz_override: bool | None
    is_opened: bool  # for PTZ, to the partner that asks
    server_id: int | None  # of the stream, if it was placed

    @property
    def is_online(self) -> bool:
        return self.status == OnlineStatus.ONLINE

    @property
    def is_controllable(self) -> bool:
        return self.is_opened and can_turn(self.camera_type, self.ptz_override)


_CAMERA_FIELDS = ("number", "number_key", "name", "status", "camera_type", "ptz_override")
# Not the secret: a raw read would bring it sealed. Whoever needs it has it loaded by the ORM.
_SERVER_FIELDS = [field.attname for field in MediaServer._meta.concrete_fields if field.attname != "secret"]
# Camera, grant and media server beside the token of who asks (protocol.md section 4). A stream's own
# server first, else that of the camera's other stream, else the first that answers. A department is read as in
# `organisations_named`, what is hidden from the partner as in cameras/visibility.py.
_PLAYABLE = beside_token(f"""
SELECT {", ".join(f'c."{name}" AS c_{name}' for name in _CAMERA_FIELDS)},
       EXISTS (SELECT 1 FROM cameras_ptzgrant g WHERE g.camera_id = c.id AND g.partner_id = presented.p_id),
       s.media_server_id, b.id, b.changed_at,
       {", ".join(f'm."{name}" AS m_{name}' for name in _SERVER_FIELDS)}
FROM cameras_camera c
JOIN access_organisation o ON o.id = c.organisation_id
LEFT JOIN LATERAL (
    SELECT media_server_id FROM streaming_pushsession p WHERE p.camera_id = c.id
    ORDER BY (p.video_type = %s) DESC LIMIT 1
) s ON true
JOIN LATERAL (
    SELECT * FROM streaming_mediaserver m WHERE m.is_active
    ORDER BY (m.id = s.media_server_id) DESC NULLS LAST, m.silent_since ASC NULLS FIRST, m.id LIMIT 1
) m ON true
LEFT JOIN LATERAL (
    SELECT id, changed_at FROM streaming_playdomain b
    WHERE b.is_active AND b.is_for_partners AND (b.media_server_id = m.id OR b.media_server_id IS NULL)
    ORDER BY b.media_server_id NULLS LAST, b.id LIMIT 1
) b ON true
WHERE c.number_key = %s AND c.deleted_at IS NULL AND NOT c.is_pending AND starts_with(o.path, presented.o_path)
  AND NOT EXISTS (
    SELECT 1 FROM cameras_cameraexception x
    WHERE x.partner_id = presented.p_id AND x.is_denied
      AND (x.valid_from IS NULL OR x.valid_from <= now()) AND (x.valid_until IS NULL OR x.valid_until > now())
      AND (x.camera_id = c.id OR EXISTS (
        SELECT 1 FROM cameras_groupmember g WHERE g.group_id = x.group_id AND g.camera_id = c.id)))
  AND (%s::text IS NULL OR EXISTS (
    SELECT 1 FROM access_organisation d
    WHERE d.name = %s AND starts_with(d.path, presented.o_path) AND starts_with(o.path, d.path) AND NOT EXISTS (
      SELECT 1 FROM access_organisation e
      WHERE e.name = d.name AND e.kind < d.kind AND starts_with(e.path, presented.o_path))))
""")  # noqa: S608 - column names of our own models


def playable_beside_token(camera_num: str, department: str | None, video_type: VideoType) -> Companion | None:
    """The hot read of GetCameraPlayURL, for the one camera asked for; None when no camera has such a number."""
    key = camera_num.strip().lower()
    if not is_camera_num(key, uuid4=False):
        return None
    return Companion(_PLAYABLE, (int(video_type), key, department, department))


def found_playable(row: tuple[Any, ...]) -> tuple[Playable, Outlet]:
    """What `playable_beside_token` found."""
    width = len(Playable._fields)
    domain, changed_at, *server = row[width:]
    return Playable(*row[:width]), Outlet(
        _adapter(tuple(server)), _domain(domain, changed_at) if domain else None
    )


def playables(partner: Partner, cameras: QuerySet[Camera], video_type: VideoType) -> Iterator[Playable]:
    """The same for many, read in pieces."""
    sessions = PushSession.objects.filter(camera=OuterRef("pk"))
    own_first = sessions.order_by(Case(When(video_type=video_type, then=0), default=1))
    rows = cameras.values_list(
        *_CAMERA_FIELDS,
        Exists(PtzGrant.objects.filter(camera=OuterRef("pk"), partner=partner)),
        Subquery(own_first.values("media_server_id")[:1]),
    )
    return map(Playable._make, rows.iterator(chunk_size=_CHUNK))


@lru_cache(maxsize=64)
def _adapter(row: tuple[Any, ...]) -> MediaAdapter:
    """Kept by all that is stored of a server: a changed row is another key."""
    return adapter_for(MediaServer.from_db("default", _SERVER_FIELDS, row))


@lru_cache(maxsize=64)
def _domain(pk: int, changed_at: datetime) -> PlayDomain | None:
    """Kept until it is changed; its keys are unsealed once."""
    return PlayDomain.objects.filter(pk=pk).first()


@dataclass(frozen=True)
class CaptureTarget:
    """Where the picture of a camera is to be had; `url` is None without a stream.

    `is_server_away`: the stream is lost because its media server is, so that nothing is known of the camera.
    """

    camera_id: int
    has_stream: bool
    url: str | None
    codec: str
    ca_file: str = ""
    is_server_away: bool = False


def capture_targets(camera_ids: Iterable[int]) -> list[CaptureTarget]:
    """Signed internal FLV addresses of the low streams, good for 30 s: sign right before use."""
    ids = list(camera_ids)
    placement = Placement()
    sessions = {
        session.camera_id: session
        for session in PushSession.objects.filter(camera_id__in=ids, video_type=VideoType.LOW)
    }
    silent = set(silent_servers(timezone.now()).values_list("pk", flat=True))
    targets = []
    cameras = Camera.objects.filter(pk__in=ids, deleted_at=None).only("number_key", "has_stream")
    for camera in cameras.order_by("pk"):
        session = sessions.get(camera.pk)
        url, ca_file = None, ""
        # Without a server in use a stream that is still believed is none; the round writes a gap.
        has_stream = camera.has_stream and placement.has_server
        if has_stream:
            adapter = placement.adapter(session.media_server_id if session else None)
            url = internal_address(adapter, camera.stream_name(VideoType.LOW))
            ca_file = adapter.server.ca_file
        codec = session.codec if session else ""
        is_away = not placement.has_server or (session is not None and session.media_server_id in silent)
        targets.append(
            CaptureTarget(camera.pk, has_stream, url, codec, ca_file, is_away and not has_stream)
        )
    return targets


def internal_address(adapter: MediaAdapter, stream: str) -> str:
    """Where the platform itself reads a stream by HTTP-FLV, good for 30 s."""
    path = adapter.play_paths(stream).flv
    expires = int(time.time()) + CAPTURE_URL_SECONDS
    auth_key = sign_path(path, settings.PLAY_URL_KEYS[0], timestamp=expires, rand=new_rand(), uid=CAPTURE_UID)
    return f"{adapter.internal_url(path)}?auth_key={auth_key}"


def unplayable(cameras: QuerySet[Camera]) -> QuerySet[PlayCheck]:
    """Of cameras that we call online: those that could not be played twice running, the longest so first."""
    checks = PlayCheck.objects.filter(
        camera__in=cameras.filter(deleted_at=None, is_pending=False, status=OnlineStatus.ONLINE),
        failures__gte=CONFIRMED_FAILURES,
    )
    return checks.exclude(result=PlayResult.PLAYABLE).select_related("camera").order_by("-failures", "camera")


def hot_hours(now: datetime) -> QuerySet[HotHours]:
    """The rows whose time of day it is; those that end before they begin go over midnight."""
    time_there = now.astimezone(ZONE).time()
    begun, lasts = Q(begins__lte=time_there), Q(ends__gt=time_there)
    return HotHours.objects.filter(
        Q(begun, lasts, begins__lt=F("ends")) | Q(begun | lasts, begins__gte=F("ends"))
    )


class StreamCounts(NamedTuple):
    """Streams of some cameras at one media server."""

    low: int = 0
    low_wanted: int = 0
    high: int = 0


_LIVE_LOW = Q(video_type=VideoType.LOW, state=PushState.LIVE)
_WANTED_LOW = Q(video_type=VideoType.LOW, is_wanted=True)


def stream_counts(cameras: QuerySet[Camera]) -> dict[int, StreamCounts]:
    """By media server."""
    sessions = PushSession.objects.filter(camera__in=cameras).order_by().values_list("media_server")
    rows = sessions.annotate(
        low=Count("pk", filter=_LIVE_LOW),
        low_wanted=Count("pk", filter=_WANTED_LOW),
        high=Count("pk", filter=Q(video_type=VideoType.HIGH, state=PushState.LIVE)),
    )
    return {server_id: StreamCounts(*counts) for server_id, *counts in rows}


def low_stream_counts(cameras: QuerySet[Camera]) -> dict[int, StreamCounts]:
    """By gateway."""
    sessions = PushSession.objects.filter(camera__in=cameras).exclude(camera__gateway=None)
    rows = sessions.order_by().values_list("camera__gateway")
    counted = rows.annotate(
        low=Count("pk", filter=_LIVE_LOW), low_wanted=Count("pk", filter=_WANTED_LOW)
    )
    return {gateway_id: StreamCounts(*counts) for gateway_id, *counts in counted}


def viewers_by(field: str, cameras: QuerySet[Camera]) -> Counter[Any]:
    """How many watch these cameras now, by a field of `Viewing`."""
    rows = Viewing.objects.filter(camera__in=cameras).order_by(field).values_list(field)
    return Counter(dict(rows.annotate(Count("pk"))))


def peaks_of(kind: PeakKind, day: date, subject_ids: Iterable[int]) -> dict[int, ViewerPeak]:
    rows = ViewerPeak.objects.filter(kind=kind, day=day, subject_id__in=list(subject_ids))
    return {row.subject_id: row for row in rows}


def camera_of_stream(stream: str) -> tuple[Camera, VideoType] | None:
    """Camera and type of a stream name; None when it is not one of ours."""
    number_key, _, suffix = stream.rpartition("_")
    if suffix not in {"0", "1"} or not is_camera_num(number_key, uuid4=False):
        return None
    cameras = Camera.objects.filter(number_key=number_key, deleted_at=None)
    camera = cameras.select_related("gateway").first()
    return (camera, VideoType(int(suffix))) if camera else None


def viewings_between(cameras: QuerySet[Camera], begin: datetime, end: datetime) -> list[tuple[int, str, int]]:
    """Office, road and how often somebody began to watch there in this time, by the behaviour log."""
    rows = BehaviourLog.objects.filter(
        at__gte=begin, at__lt=end, verb=VIEWING_VERB, object_kind="camera", object_id__regex=r"^\d{1,18}$"
    )
    counts = {int(pk): count for pk, count in rows.order_by().values_list("object_id").annotate(Count("pk"))}
    places = cameras.filter(pk__in=list(counts)).order_by().values_list("pk", "organisation_id", "road")
    return [(organisation_id, road, counts[pk]) for pk, organisation_id, road in places]


def viewer_names(uids: Iterable[str]) -> dict[str, str]:
    """What those are called to whom addresses were issued; nothing of those who are nobody in particular."""
    told = set(uids)
    partners = Partner.objects.in_bulk({partner_in(uid) for uid in told} - {None})
    staff = User.objects.in_bulk({staff_in(uid) for uid in told} - {None})
    return {
        **{partner_uid(pk): partner.name for pk, partner in partners.items()},
        **{staff_uid(pk): user.display_name for pk, user in staff.items()},
    }
