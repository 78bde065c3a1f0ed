"""Which pushes are wanted: low streams always, high streams while somebody needs them (protocol.md section 4)."""

import logging
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from cameras.models import Camera
from streaming.choices import PushState, VideoType
from streaming.models import PushSession
from streaming.selectors import Placement, camera_of_stream, hot_hours
from streaming.services.orders import APPEAR_SECONDS, due_sessions

logger = logging.getLogger(__name__)

_MOST_NEW_SESSIONS = 5000


def _pushable_cameras() -> QuerySet[Camera]:
    return Camera.objects.filter(deleted_at=None, is_pending=False, gateway__is_active=True).exclude(
        gateway__base_url=""
    )


def plan_low_streams() -> int:
    """A wanted session for every live camera that a gateway can push, none for the others; how many are new."""
    pushable = _pushable_cameras().values("pk")
    wanted = PushSession.objects.filter(is_wanted=True)
    wanted.exclude(camera__in=pushable).update(is_wanted=False, next_attempt_at=None, attempts=0)
    placement = Placement()
    if not placement.has_server:
        return 0
    low = PushSession.objects.filter(video_type=VideoType.LOW)
    low.filter(is_wanted=False, camera__in=pushable).update(is_wanted=True, next_attempt_at=None, attempts=0)
    missing = _pushable_cameras().exclude(pk__in=low.values("camera")).order_by("pk")
    new = []
    for pk in missing.values_list("pk", flat=True)[:_MOST_NEW_SESSIONS]:
        server = placement.least_loaded()
        if server is None:
            break
        new.append(PushSession(camera_id=pk, video_type=VideoType.LOW, media_server=server, is_wanted=True))
    PushSession.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def want_high_stream(*, camera: Camera) -> PushSession | None:
    """Somebody asks for the high stream. Returns the session if its push has to be begun, else None.

    The caller hands a session to `orders.give_order` outside the request, so that the answer does not
    wait. Of many who ask at one moment several may get the session; only one of them gives the order.
    """
    if camera.gateway is None or not camera.gateway.can_push:
        return None
    now = timezone.now()
    session, is_new = PushSession.objects.get_or_create(
        camera=camera,
        video_type=VideoType.HIGH,
        defaults={"media_server": Placement().server_beside(camera), "is_wanted": True, "needed_at": now},
    )
    if not is_new:
        row = PushSession.objects.filter(pk=session.pk)
        # A back-off of earlier askers is over; an order that is being given stays claimed.
        turned = row.filter(is_wanted=False).update(
            is_wanted=True, needed_at=now, attempts=0, next_attempt_at=None
        )
        if not turned:
            row.update(needed_at=now)
    return due_sessions(now).filter(pk=session.pk).first()


def request_high_stream(*, camera: Camera) -> None:
    """Want the high stream and have its push begun by a worker; the asker is answered meanwhile."""
    session = want_high_stream(camera=camera)
    if session is None:
        return
    try:
        current_app.send_task("streaming.tasks.begin_push_now", args=[session.pk], expires=APPEAR_SECONDS)
    except OperationalError:
        # The addresses are still good for a stream that is there.
        logger.exception("no broker: the high stream of camera %d is not begun", camera.pk)


def keep_hot_streams() -> int:
    """Want the high streams of cameras whose hours these are, watched or not; how many were not wanted yet."""
    wanted = PushSession.objects.filter(video_type=VideoType.HIGH, is_wanted=True)
    hot = _pushable_cameras().filter(pk__in=hot_hours(timezone.now()).values("camera"))
    cold = list(hot.exclude(pk__in=wanted.values("camera")).select_related("gateway"))
    if not cold or not Placement().has_server:
        return 0
    for camera in cold:
        want_high_stream(camera=camera)
    return len(cold)


def is_coming(*, camera: Camera, video_type: VideoType) -> bool:
    """Whether a push of this absent stream was begun, so that waiting for it makes sense."""
    session = PushSession.objects.filter(camera=camera, video_type=video_type, is_wanted=True).first()
    if session is None:
        return False
    if session.state != PushState.FAILED:
        return True
    return due_sessions(timezone.now()).filter(pk=session.pk).exists()


def is_awaited(*, stream: str) -> bool:
    """Whether a viewer of this absent stream is to wait; a high one is begun by who opens it."""
    found = camera_of_stream(stream)
    if found is None:
        return False
    camera, video_type = found
    if video_type == VideoType.HIGH:
        request_high_stream(camera=camera)
    return is_coming(camera=camera, video_type=video_type)


def is_there_or_coming(*, stream: str) -> bool:
    """The same where a stream may be there already, as far as we were told."""
    found = camera_of_stream(stream)
    if found is None:
        return False
    live = PushSession.objects.filter(camera=found[0], video_type=found[1], state=PushState.LIVE)
    return live.exists() or is_awaited(stream=stream)


def release_high_stream(*, session_id: int) -> None:
    """Who asked for it is done with it and does not wait; the order that follows cuts off nobody else."""
    PushSession.objects.filter(pk=session_id, video_type=VideoType.HIGH, is_wanted=True).update(
        is_wanted=False, next_attempt_at=None, attempts=0
    )


def release_idle_high_streams() -> int:
    """Nobody needs them for HIGH_STREAM_IDLE_SECONDS; the order asks the server for viewers once more."""
    now = timezone.now()
    idle = timedelta(seconds=settings.HIGH_STREAM_IDLE_SECONDS)
    # One that is still on its way has somebody waiting.
    on_its_way = max(idle, timedelta(seconds=APPEAR_SECONDS))
    unneeded = (
        Q(needed_at=None)
        | Q(state=PushState.LIVE, needed_at__lt=now - idle)
        | Q(needed_at__lt=now - on_its_way)
    )
    high = PushSession.objects.filter(unneeded, video_type=VideoType.HIGH, is_wanted=True)
    return high.exclude(camera__in=hot_hours(now).values("camera")).update(
        is_wanted=False, next_attempt_at=None, attempts=0
    )
