"""Pushes: low streams stand always, high streams while somebody wants them (protocol.md section 4)."""

import logging
import random
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cameras.gateways import begin_push, finish_push
from cameras.models import Camera
from protocol.codes import VideoType as WireVideoType
from protocol.commands import HIGH_FORMAT, LOW_FORMAT, PushCommand
from protocol.errors import RemoteError
from protocol.play_urls import new_rand, sign_path
from streaming.choices import PushState, VideoType
from streaming.media import adapter_for
from streaming.models import PushSession
from streaming.selectors import Placement

logger = logging.getLogger(__name__)

# A stream that was ordered has this long to appear before it is ordered again.
APPEAR_SECONDS = 12
# Longer than one order can take, so that nobody else gives it meanwhile.
ORDER_LEASE_SECONDS = 30
LONGEST_BACKOFF_SECONDS = 300
# One task of orders to one gateway ends after this and leaves the rest to the next.
ORDERS_BUDGET_SECONDS = 20


def plan_low_streams() -> int:
    """A wanted session for every live camera that a gateway can push; none for the others."""
    pushable = Q(camera__deleted_at=None, camera__gateway__is_active=True) & ~Q(camera__gateway__base_url="")
    PushSession.objects.filter(~pushable, is_wanted=True).update(is_wanted=False)
    PushSession.objects.filter(pushable, video_type=VideoType.LOW, is_wanted=False).update(
        is_wanted=True, next_attempt_at=None, attempts=0
    )
    missing = list(
        Camera.objects.filter(deleted_at=None, gateway__is_active=True)
        .exclude(gateway__base_url="")
        .exclude(push_sessions__video_type=VideoType.LOW)
        .values_list("pk", flat=True)[:5000]
    )
    if missing:
        server = Placement().default_server()
        PushSession.objects.bulk_create(
            [
                PushSession(camera_id=pk, video_type=VideoType.LOW, media_server=server, is_wanted=True)
                for pk in missing
            ],
            ignore_conflicts=True,
        )
    return len(missing)


def _due(now: datetime) -> QuerySet[PushSession]:
    return (
        PushSession.objects.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now), is_wanted=True)
        .exclude(state=PushState.LIVE)
        .filter(camera__deleted_at=None)
    )


def gateways_with_due_pushes() -> list[int]:
    rows = _due(timezone.now()).exclude(camera__gateway=None).values_list("camera__gateway_id", flat=True)
    return sorted({gateway_id for gateway_id in rows if gateway_id is not None})


def order_due_pushes(*, gateway_id: int) -> int:
    """Give one gateway its due orders, high streams first, at PUSH_ORDERS_PER_SECOND; how many were given."""
    begun = time.monotonic()
    pause = 1 / settings.PUSH_ORDERS_PER_SECOND
    given = 0
    while time.monotonic() - begun < ORDERS_BUDGET_SECONDS:
        session = _claim(Q(camera__gateway_id=gateway_id))
        if session is None:
            break
        is_reachable = _order(session)
        given += 1
        if not is_reachable:
            # A silent gateway would cost a time-out for each of its cameras.
            break
        time.sleep(pause)
    return given


def order_push(*, session_id: int) -> bool:
    """Give the order of one session now, if it is due."""
    session = _claim(Q(pk=session_id))
    return session is not None and _order(session)


def _claim(which: Q) -> PushSession | None:
    now = timezone.now()
    with transaction.atomic():
        session = (
            _due(now)
            .filter(which)
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("camera__gateway__partner", "media_server")
            .order_by("-video_type", F("next_attempt_at").asc(nulls_first=True), "pk")
            .first()
        )
        if session is not None:
            session.next_attempt_at = now + timedelta(seconds=ORDER_LEASE_SECONDS)
            session.save(update_fields=["next_attempt_at"])
    return session


def push_command(session: PushSession) -> PushCommand:
    """Where and how the gateway is to push this stream."""
    adapter = adapter_for(session.media_server)
    host, port = adapter.publish_target()
    path = adapter.publish_path(session.camera.stream_name(session.video_type))
    expires = int(time.time()) + settings.PUBLISH_AUTH_SECONDS
    auth_key = sign_path(path, settings.MEDIA_PUBLISH_KEY, timestamp=expires, rand=new_rand())
    video = HIGH_FORMAT if session.video_type == VideoType.HIGH else LOW_FORMAT
    return PushCommand(
        server_ip=host, server_port=port, pub_name=path, auth_info=f"auth_key={auth_key}", video=video
    )


def _order(session: PushSession) -> bool:
    """False when the gateway did not answer at all."""
    camera, gateway = session.camera, session.camera.gateway
    if gateway is None:
        return True
    try:
        answer = begin_push(gateway, camera.number, WireVideoType(session.video_type), push_command(session))
    except RemoteError as error:
        _note_failure(session, error)
        return error.remote_code is not None
    now = timezone.now()
    # A stream may have come up while the gateway answered: only a session still waiting is changed.
    PushSession.objects.filter(pk=session.pk).exclude(state=PushState.LIVE).update(
        state=PushState.ORDERED,
        ordered_at=now,
        attempts=F("attempts") + 1,
        next_attempt_at=now
        + timedelta(seconds=min(APPEAR_SECONDS * (session.attempts + 1), LONGEST_BACKOFF_SECONDS)),
        last_code=answer.code,
        last_error="",
    )
    return True


def _note_failure(session: PushSession, error: RemoteError) -> None:
    now = timezone.now()
    wait = min(3 * 2 ** min(session.attempts, 8), LONGEST_BACKOFF_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311
    PushSession.objects.filter(pk=session.pk).exclude(state=PushState.LIVE).update(
        state=PushState.FAILED,
        attempts=F("attempts") + 1,
        next_attempt_at=now + timedelta(seconds=wait),
        last_code=error.remote_code,
        last_error=error.message[:200],
    )
    logger.info("push of %s refused or failed: %s", session.camera.number, error.message)


def want_high_stream(*, camera: Camera) -> PushSession | None:
    """Somebody asks for the high stream. Returns the session if it has to be begun, else None.

    The caller hands a session to `order_push` outside the request, so that the answer does not wait.
    """
    if camera.gateway is None or not camera.gateway.can_push:
        return None
    now = timezone.now()
    session, is_new = PushSession.objects.get_or_create(
        camera=camera,
        video_type=VideoType.HIGH,
        defaults={"media_server": Placement().default_server(), "is_wanted": True, "needed_at": now},
    )
    if is_new:
        return session
    # Two who ask at the same moment: only the one that turns the row begins the push.
    turned = PushSession.objects.filter(pk=session.pk, is_wanted=False).update(
        is_wanted=True, needed_at=now, attempts=0, next_attempt_at=None, state=PushState.IDLE
    )
    if turned:
        return session
    PushSession.objects.filter(pk=session.pk).update(needed_at=now)
    is_waiting = session.state in (PushState.IDLE, PushState.FAILED)
    return session if is_waiting else None


def finish_idle_high_streams() -> int:
    """End high streams nobody has watched for HIGH_STREAM_IDLE_SECONDS; never one that has a viewer."""
    idle_since = timezone.now() - timedelta(seconds=settings.HIGH_STREAM_IDLE_SECONDS)
    finished = 0
    idle = Q(needed_at=None) | Q(needed_at__lt=idle_since)
    running = Q(is_wanted=True) | Q(state=PushState.LIVE)
    for session in PushSession.objects.filter(idle, running, video_type=VideoType.HIGH).select_related(
        "camera__gateway__partner", "media_server"
    ):
        finished += _finish(session)
    return finished


def _finish(session: PushSession) -> bool:
    name = session.camera.stream_name(session.video_type)
    try:
        live = {stream.stream: stream for stream in adapter_for(session.media_server).list_streams()}
        if name in live and live[name].viewers > 0:
            PushSession.objects.filter(pk=session.pk).update(needed_at=timezone.now())
            return False
        # Whoever asks from here on turns it back; the condition loses against an asker of this moment.
        released = PushSession.objects.filter(pk=session.pk, needed_at=session.needed_at).update(
            is_wanted=False, state=PushState.IDLE, ended_at=timezone.now()
        )
        if not released or session.camera.gateway is None:
            return False
        finish_push(session.camera.gateway, session.camera.number, WireVideoType(session.video_type))
    except RemoteError as error:
        logger.warning("high stream of %s could not be finished: %s", session.camera.number, error.message)
        return False
    return True


def finish_unwanted_low_streams() -> int:
    """Tell gateways to end the pushes of deleted cameras; how many orders were given."""
    sessions = list(
        PushSession.objects.filter(video_type=VideoType.LOW, is_wanted=False)
        .exclude(state=PushState.IDLE)
        .select_related("camera__gateway__partner")[:100]
    )
    for session in sessions:
        # Told once: a gateway that missed it is refused when it publishes again.
        PushSession.objects.filter(pk=session.pk).update(state=PushState.IDLE, ended_at=timezone.now())
        if session.camera.gateway is None:
            continue
        try:
            finish_push(session.camera.gateway, session.camera.number, WireVideoType(session.video_type))
        except RemoteError as error:
            logger.info("push of %s could not be finished: %s", session.camera.number, error.message)
    return len(sessions)
