"""What media servers tell us: streams that came and went, and what a lost hook did not tell."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Camera
from cameras.services.status import set_stream_presence
from protocol.errors import RemoteError
from streaming.choices import PushState, VideoType
from streaming.media import LiveStream, MediaAdapter, adapter_for
from streaming.models import MediaServer, PushSession
from streaming.selectors import Placement, camera_of_stream, silent_servers
from streaming.services import viewings

logger = logging.getLogger(__name__)

# A gateway reconnects by itself within this time; only then is its stream ordered anew.
RECONNECT_SECONDS = 2
# A refused encoding is tried again this late: somebody has to change the camera.
CODEC_RETRY_SECONDS = 60
# Part of a bit rate.
_NOTICEABLE = 0.2
# Empty: the server does not tell, or not yet.
_PLAYABLE_CODECS = ("", "H264")
_NO_SERVER_ALARM = "media-server:none"


def stream_appeared(*, server: MediaServer, stream: str, codec: str = "") -> None:
    """A publisher is there. Unknown streams are left to the reconciliation, which sends them away."""
    if codec not in _PLAYABLE_CODECS:
        _refuse(adapter_for(server), stream, codec)
        return
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    PushSession.objects.update_or_create(
        camera=camera,
        video_type=video_type,
        defaults={
            "media_server": server,
            "state": PushState.LIVE,
            "live_at": timezone.now(),
            "moved_at": None,
            "attempts": 0,
            "next_attempt_at": None,
            "last_error": "",
        },
    )
    if video_type == VideoType.LOW:
        set_stream_presence(present=[camera.pk])


def stream_vanished(*, server: MediaServer, stream: str) -> None:
    """The publisher is gone. Its gateway tries again by itself; we order anew a little later."""
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    now = timezone.now()
    sessions = PushSession.objects.filter(camera=camera, video_type=video_type)
    was_here = sessions.filter(media_server=server, state=PushState.LIVE).update(
        state=PushState.IDLE,
        ended_at=now,
        next_attempt_at=now + timedelta(seconds=RECONNECT_SECONDS),
        viewers=0,
    )
    # Another server may carry it by now.
    if video_type == VideoType.LOW and (was_here or not sessions.filter(state=PushState.LIVE).exists()):
        set_stream_presence(absent=[camera.pk])


def stream_refused(*, stream: str, codec: str) -> None:
    """The media server refused a stream that is not H.264; it is flagged by name (protocol.md section 4)."""
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    PushSession.objects.filter(camera=camera, video_type=video_type).update(
        state=PushState.FAILED,
        codec=codec[:16],
        last_error=f"视频编码为 {codec[:16]}，平台只接收 H.264",
        next_attempt_at=timezone.now() + timedelta(seconds=CODEC_RETRY_SECONDS),
    )


def codec_refused_lately(*, stream: str) -> str:
    """The encoding for which this stream was sent away and is not tried again yet, else an empty text."""
    found = camera_of_stream(stream)
    if found is None:
        return ""
    sessions = PushSession.objects.filter(
        camera=found[0], video_type=found[1], state=PushState.FAILED, next_attempt_at__gt=timezone.now()
    )
    return sessions.exclude(codec__in=_PLAYABLE_CODECS).values_list("codec", flat=True).first() or ""


def _refuse(adapter: MediaAdapter, stream: str, codec: str) -> None:
    """For servers that let in what we do not serve."""
    stream_refused(stream=stream, codec=codec)
    _end(adapter, stream, f"sends {codec}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database says of one stream."""

    pk: int
    camera_id: int
    video_type: int
    is_wanted: bool
    state: str
    codec: str
    width: int | None
    height: int | None
    bitrate_kbps: int | None
    gop_ms: int | None
    viewers: int
    number_key: str
    has_stream: bool
    deleted_at: datetime | None
    is_gateway_active: bool | None
    gateway_url: str | None

    @property
    def stream(self) -> str:
        return f"{self.number_key}_{self.video_type}"

    @property
    def may_stay(self) -> bool:
        """It is wanted, or there is a gateway that will be told to end it."""
        can_be_told = bool(self.is_gateway_active and self.gateway_url)
        return self.deleted_at is None and (self.is_wanted or can_be_told)


_COLUMNS = (
    "pk",
    "camera_id",
    "video_type",
    "is_wanted",
    "state",
    "codec",
    "width",
    "height",
    "bitrate_kbps",
    "gop_ms",
    "viewers",
    "camera__number_key",
    "camera__has_stream",
    "camera__deleted_at",
    "camera__gateway__is_active",
    "camera__gateway__base_url",
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one server said when it was asked for its streams."""

    adapter: MediaAdapter
    asked_at: datetime
    streams: list[LiveStream]
    error: RemoteError | None = None


def _ask(adapter: MediaAdapter) -> _Told:
    asked_at = timezone.now()
    try:
        return _Told(adapter, asked_at, adapter.list_streams())
    except RemoteError as error:
        return _Told(adapter, asked_at, [], error)


def reconcile_all() -> None:
    """All servers in use, asked at the same time; each is compared as soon as it has answered."""
    adapters = [adapter_for(server) for server in MediaServer.objects.filter(is_active=True)]
    if not adapters:
        return
    # Only asking is done by threads: one that used the database would leave its connection behind.
    with ThreadPoolExecutor(len(adapters)) as crew:
        for told in as_completed([crew.submit(_ask, adapter) for adapter in adapters]):
            _compare(told.result())


def reconcile(*, server: MediaServer) -> bool:
    """Compare a server's list with our sessions and repair both; False when it does not answer."""
    return _compare(_ask(adapter_for(server)))


def _compare(told: _Told) -> bool:
    adapter, asked_at = told.adapter, told.asked_at
    server = adapter.server
    if told.error is not None:
        _note_silence(server, told.error)
        return False
    live = {row.stream: row for row in told.streams}
    _note_answer(server, egress_kbps=sum(row.bitrate_kbps * row.viewers for row in live.values()))
    viewings.settle(
        server=server, watched={name: row.viewers for name, row in live.items()}, asked_at=asked_at
    )
    known = _known_streams(server)
    for row in [row for row in live.values() if row.codec not in _PLAYABLE_CODECS]:
        _refuse(adapter, row.stream, row.codec)
        del live[row.stream]
    _mark_gone([row for name, row in known.items() if name not in live], asked_at)
    _mark_live([(known[name], row) for name, row in live.items() if name in known], asked_at)
    for name in live:
        _judge_publisher(adapter, name, known.get(name))
    return True


def forget_servers_out_of_use() -> None:
    """Nobody asks them any more, so their streams count as gone; an alarm stands while no server is in use."""
    asked_at = timezone.now()
    viewings.forget(servers=MediaServer.objects.filter(is_active=False))
    believed = Q(state=PushState.LIVE) | Q(video_type=VideoType.LOW, camera__has_stream=True)
    sessions = PushSession.objects.filter(believed, media_server__is_active=False)
    for server in MediaServer.objects.filter(pk__in=sessions.order_by().values("media_server")):
        _mark_gone(list(_known_streams(server).values()), asked_at)
    if Placement().has_server or not PushSession.objects.exists():
        close_alarm(key=_NO_SERVER_ALARM)
        return
    raise_alarm(
        key=_NO_SERVER_ALARM,
        title="没有启用的媒体服务器",
        message="摄像机无法推流，也无法观看与截图，请在管理后台启用或登记媒体服务器",
        severity=Severity.CRITICAL,
    )


def _known_streams(server: MediaServer) -> dict[str, _Known]:
    rows = PushSession.objects.filter(media_server=server).values_list(*_COLUMNS)
    sessions = (_Known(*row) for row in rows.iterator(chunk_size=5000))
    return {session.stream: session for session in sessions}


def _note_answer(server: MediaServer, *, egress_kbps: int) -> None:
    row = MediaServer.objects.filter(pk=server.pk)
    row.update(last_seen_at=timezone.now(), last_error="", egress_kbps=egress_kbps)
    if row.exclude(silent_since=None).update(silent_since=None):
        close_alarm(key=_alarm_key(server))


def _note_silence(server: MediaServer, error: RemoteError) -> None:
    """Short silence says nothing of the streams; a server that is gone took them along."""
    now = timezone.now()
    row = MediaServer.objects.filter(pk=server.pk)
    row.update(last_error=error.message[:200], silent_since=Coalesce("silent_since", Value(now)))
    if not silent_servers(now).filter(pk=server.pk).exists():
        return
    _mark_gone(list(_known_streams(server).values()), now)
    viewings.forget(servers=row)
    raise_alarm(
        key=_alarm_key(server),
        title=f"媒体服务器 {server.name} 无应答",
        message=error.message,
        severity=Severity.CRITICAL,
    )


def _alarm_key(server: MediaServer) -> str:
    return f"media-server:{server.pk}"


def _mark_gone(absent: list[_Known], asked_at: datetime) -> None:
    # What came or went after the list was asked for was told by a hook, which knows better.
    lost = [row.pk for row in absent if row.state == PushState.LIVE]
    PushSession.objects.filter(Q(live_at=None) | Q(live_at__lt=asked_at), pk__in=lost).filter(
        state=PushState.LIVE
    ).update(state=PushState.IDLE, ended_at=asked_at, viewers=0, next_attempt_at=asked_at)
    dark = [row.camera_id for row in absent if row.video_type == VideoType.LOW and row.has_stream]
    set_stream_presence(absent=_unchanged_since(dark, asked_at))


def _unchanged_since(camera_ids: list[int], asked_at: datetime) -> Iterable[int]:
    if not camera_ids:
        return ()
    changed = Camera.objects.filter(pk__in=camera_ids, has_stream_at__gte=asked_at)
    return set(camera_ids).difference(changed.values_list("pk", flat=True))


def _mark_live(rows: list[tuple[_Known, LiveStream]], asked_at: datetime) -> None:
    came = [known.pk for known, _ in rows if known.state != PushState.LIVE]
    settled = Q(ended_at=None) | Q(ended_at__lt=asked_at)
    PushSession.objects.filter(settled, pk__in=came).exclude(state=PushState.LIVE).update(
        state=PushState.LIVE, live_at=asked_at, moved_at=None, attempts=0, next_attempt_at=None, last_error=""
    )
    _write_facts([(known.pk, row) for known, row in rows if _is_news(known, row)])
    watched = [known.pk for known, row in rows if row.viewers and known.video_type == VideoType.HIGH]
    if watched:
        newest = Greatest(F("needed_at"), Value(asked_at))
        PushSession.objects.filter(pk__in=watched).update(needed_at=newest, is_wanted=True)
    dark = [
        known.camera_id for known, _ in rows if known.video_type == VideoType.LOW and not known.has_stream
    ]
    set_stream_presence(present=_unchanged_since(dark, asked_at))


def _is_news(known: _Known, row: LiveStream) -> bool:
    """Bit rate and key frames are never quite the same; only what differs noticeably is worth a write."""
    return (
        _facts(known) != _facts(row)
        or _differs(row.bitrate_kbps, known.bitrate_kbps or 0)
        or _differs(row.gop_ms, known.gop_ms or 0)
    )


def _differs(now: int, before: int) -> bool:
    return abs(now - before) > _NOTICEABLE * before


def _facts(row: _Known | LiveStream) -> tuple[str, int | None, int | None, int]:
    return row.codec, row.width, row.height, row.viewers


def _write_facts(changed: list[tuple[int, LiveStream]]) -> None:
    # After a restart these are all streams of a province: one statement, where bulk_update takes minutes.
    if not changed:
        return
    columns = [
        (pk, row.codec, row.width, row.height, row.viewers, row.bitrate_kbps, row.gop_ms)
        for pk, row in changed
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE streaming_pushsession s SET codec = v.codec, width = v.width, height = v.height,"
            " viewers = v.viewers, bitrate_kbps = v.kbps, gop_ms = v.gop FROM unnest(%s::bigint[], %s::text[],"
            " %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])"
            " AS v (id, codec, width, height, viewers, kbps, gop)"
            " WHERE s.id = v.id",
            [list(column) for column in zip(*columns, strict=True)],
        )


def _judge_publisher(adapter: MediaAdapter, stream: str, known: _Known | None) -> None:
    """Take in a stream whose hook was lost; end one that nobody may be told to end."""
    if known is not None and known.may_stay:
        return
    found = camera_of_stream(stream) if known is None else None
    if found is not None:
        sessions = PushSession.objects.filter(camera=found[0], video_type=found[1], state=PushState.LIVE)
        if sessions.exclude(media_server=adapter.server).filter(media_server__silent_since=None).exists():
            _end(adapter, stream, "is carried by another server")
        else:
            stream_appeared(server=adapter.server, stream=stream)
        return
    _end(adapter, stream, "is no camera of ours")


def _end(adapter: MediaAdapter, stream: str, why: str) -> None:
    try:
        adapter.kick(stream)
        logger.warning("stream %s %s and was ended on %s", stream, why, adapter.server.name)
    except RemoteError as error:
        logger.info("stream %s could not be ended: %s", stream, error.message)
