"""What media servers tell us: streams that came and went, viewers, and what a lost hook did not tell."""

import logging
from datetime import timedelta

from django.utils import timezone

from access.actors import Actor
from access.choices import ActorKind, Outcome
from access.models import Partner, User
from access.services.logs import record
from cameras.models import Camera
from cameras.services.status import set_stream_presence
from protocol.errors import RemoteError
from streaming.choices import PushState, VideoType
from streaming.media import LiveStream, adapter_for
from streaming.models import MediaServer, PushSession
from streaming.selectors import camera_of_stream

logger = logging.getLogger(__name__)


def stream_appeared(*, server: MediaServer, stream: str) -> None:
    """A publisher is there. Unknown streams are left to the reconciliation, which sends them away."""
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    now = timezone.now()
    PushSession.objects.update_or_create(
        camera=camera,
        video_type=video_type,
        defaults={
            "media_server": server,
            "state": PushState.LIVE,
            "live_at": now,
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
    PushSession.objects.filter(
        camera=camera, video_type=video_type, media_server=server, state=PushState.LIVE
    ).update(
        state=PushState.IDLE,
        ended_at=now,
        next_attempt_at=now + timedelta(seconds=2),
        viewers=0,
    )
    if video_type == VideoType.LOW:
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
        next_attempt_at=timezone.now() + timedelta(seconds=60),
    )


def viewer_came(*, stream: str, uid: str, address: str | None, protocol: str) -> None:
    """Somebody opened a stream: keep a high one wanted, and log who watches what."""
    found = camera_of_stream(stream)
    if found is None:
        return
    camera, video_type = found
    PushSession.objects.filter(camera=camera, video_type=video_type).update(needed_at=timezone.now())
    actor = _actor_of_uid(uid, address)
    if actor is not None:
        record(
            actor,
            "查看视频",
            object_kind="camera",
            object_id=str(camera.pk),
            object_name=camera.name,
            outcome=Outcome.DONE,
            detail={"码流": VideoType(video_type).label, "方式": protocol[:8]},
        )


def _actor_of_uid(uid: str, address: str | None) -> Actor | None:
    """The asker whom the play URL names: `u<user id>` or `p<partner id>`."""
    kind, number = uid[:1], uid[1:]
    if not number.isdigit():
        return None
    if kind == "u":
        user = User.objects.filter(pk=int(number)).first()
        return Actor(ActorKind.STAFF, user.pk, user.display_name, address) if user else None
    partner = Partner.objects.filter(pk=int(number)).first() if kind == "p" else None
    return Actor(ActorKind.PARTNER, partner.pk, partner.name, address) if partner else None


def reconcile(*, server: MediaServer) -> bool:
    """Compare a server's list with our sessions and repair both; False when it does not answer.

    A server that does not answer says nothing about its streams: the hooks and the capture do.
    """
    try:
        streams = {row.stream: row for row in adapter_for(server).list_streams()}
    except RemoteError as error:
        MediaServer.objects.filter(pk=server.pk).update(last_error=error.message[:200])
        return False
    now = timezone.now()
    MediaServer.objects.filter(pk=server.pk).update(last_seen_at=now, last_error="")
    sessions = {
        session.camera.stream_name(session.video_type): session
        for session in PushSession.objects.filter(
            media_server=server, camera__deleted_at=None
        ).select_related("camera")
    }
    _mark_gone([session for name, session in sessions.items() if name not in streams])
    _mark_live([(sessions[name], row) for name, row in streams.items() if name in sessions])
    for name in streams.keys() - sessions.keys():
        _adopt_or_kick(server, name)
    return True


def _mark_gone(sessions: list[PushSession]) -> None:
    lost = [session for session in sessions if session.state == PushState.LIVE]
    now = timezone.now()
    for session in lost:
        session.state, session.ended_at, session.viewers = PushState.IDLE, now, 0
        session.next_attempt_at = now
    PushSession.objects.bulk_update(lost, ["state", "ended_at", "viewers", "next_attempt_at"], batch_size=500)
    low = [session.camera_id for session in sessions if session.video_type == VideoType.LOW]
    set_stream_presence(absent=low)


def _mark_live(rows: list[tuple[PushSession, LiveStream]]) -> None:
    now = timezone.now()
    changed = []
    for session, row in rows:
        facts = (PushState.LIVE.value, row.codec, row.width, row.height, row.viewers)
        if row.viewers:
            session.needed_at = now
        elif facts == (session.state, session.codec, session.width, session.height, session.viewers):
            continue
        session.state, session.codec, session.width, session.height, session.viewers = facts
        session.bitrate_kbps = row.bitrate_kbps
        session.live_at = session.live_at or now
        session.attempts, session.next_attempt_at, session.last_error = 0, None, ""
        changed.append(session)
    fields = [
        "state",
        "codec",
        "width",
        "height",
        "viewers",
        "bitrate_kbps",
        "needed_at",
        "live_at",
        "attempts",
    ]
    PushSession.objects.bulk_update(changed, [*fields, "next_attempt_at", "last_error"], batch_size=500)
    set_stream_presence(
        present=[session.camera_id for session, _ in rows if session.video_type == VideoType.LOW]
    )


def _adopt_or_kick(server: MediaServer, stream: str) -> None:
    if camera_of_stream(stream) is not None:
        stream_appeared(server=server, stream=stream)
        return
    try:
        adapter_for(server).kick(stream)
        logger.warning("stream %s belongs to no camera and was ended on %s", stream, server.name)
    except RemoteError as error:
        logger.info("stream %s could not be ended: %s", stream, error.message)


def live_cameras() -> int:
    return Camera.objects.filter(deleted_at=None, has_stream=True).count()
