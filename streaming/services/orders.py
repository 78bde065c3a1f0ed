"""Orders to gateways: begin what is wanted and absent, finish what is there and not wanted.

A session is claimed before its order is given, so that begin and finish of one stream never overtake
each other, however many workers and askers there are.
"""

import logging
import random
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cameras.gateways import begin_push, finish_push
from cameras.models import Gateway
from protocol.codes import Code
from protocol.codes import VideoType as WireVideoType
from protocol.commands import HIGH_FORMAT, LOW_FORMAT, PushCommand
from protocol.errors import RemoteError
from protocol.play_urls import new_rand, sign_path
from streaming.choices import PushState, VideoType
from streaming.media import adapter_for
from streaming.models import PushSession, Viewing
from streaming.selectors import silent_servers

logger = logging.getLogger(__name__)

# A stream that was ordered has this long to appear before it is ordered again.
APPEAR_SECONDS = 12
LOOK_AGAIN_SECONDS = 5
# Longer than the time limits of every task that gives orders: what is claimed is given by one only.
CLAIM_SECONDS = 30
# Between two orders of a session that its gateway refuses.
LONGEST_BACKOFF_SECONDS = 300
# The same while somebody waits for a high stream, and for a gateway that does not answer at all.
SHORT_BACKOFF_SECONDS = 30
# One task of orders to one gateway ends after this and leaves the rest to the next, so that many
# gateways that come back at once do not hold all workers.
ORDERS_BUDGET_SECONDS = 2


def due_sessions(now: datetime) -> QuerySet[PushSession]:
    """Sessions for which an order may be given now."""
    # Nothing is pushed to a server that staff took out of use or that is gone, even while there is no other.
    begin = Q(is_wanted=True, media_server__is_active=True) & ~Q(state=PushState.LIVE)
    begin &= ~Q(media_server__in=silent_servers(now))
    finish = Q(is_wanted=False) & ~Q(state=PushState.IDLE)
    is_time = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return PushSession.objects.filter(begin | finish, is_time, is_free)


def gateways_with_due_orders() -> list[int]:
    rows = due_sessions(timezone.now()).exclude(camera__gateway=None)
    return list(rows.order_by().values_list("camera__gateway_id", flat=True).distinct())


def has_due_orders(*, gateway_id: int) -> bool:
    return due_sessions(timezone.now()).filter(camera__gateway_id=gateway_id).exists()


def give_due_orders(*, gateway_id: int) -> int:
    """Give one gateway its due orders at PUSH_ORDERS_PER_SECOND, high streams first; how many were given."""
    ends_at = time.monotonic() + ORDERS_BUDGET_SECONDS
    pause = 1 / settings.PUSH_ORDERS_PER_SECOND
    given = 0
    while (begun := time.monotonic()) < ends_at:
        session = _claim(Q(camera__gateway_id=gateway_id))
        if session is None:
            break
        given += 1
        if not _give(session):
            break
        time.sleep(max(0.0, pause - (time.monotonic() - begun)))
    return given


def give_order(*, session_id: int) -> bool:
    """Give the order of one session now; False when none is due or its gateway is silent."""
    session = _claim(Q(pk=session_id))
    return session is not None and _give(session)


def _claim(which: Q) -> PushSession | None:
    now = timezone.now()
    with transaction.atomic():
        session = (
            due_sessions(now)
            .filter(which)
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("camera__gateway__partner", "media_server")
            .order_by("-is_wanted", "-video_type", F("next_attempt_at").asc(nulls_first=True), "pk")
            .first()
        )
        if session is not None:
            session.claimed_until = now + timedelta(seconds=CLAIM_SECONDS)
            session.save(update_fields=["claimed_until"])
    return session


def _give(session: PushSession) -> bool:
    """False when the gateway did not answer at all, and further orders would only wait for it."""
    gateway = session.camera.gateway
    if gateway is None or not gateway.can_push:
        # Still wanted it would be due again at once; the plan wants it again when there is a way to tell.
        _row(session).update(state=PushState.IDLE, is_wanted=False, claimed_until=None)
        return True
    was_silent = bool(gateway.last_error)
    try:
        if session.is_wanted:
            _begin(session, gateway)
        else:
            _finish(session, gateway)
    except RemoteError as error:
        return _note_failure(session, gateway, error)
    if was_silent:
        _wake(gateway)
    return True


def _row(session: PushSession) -> QuerySet[PushSession]:
    return PushSession.objects.filter(pk=session.pk)


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


def _begin(session: PushSession, gateway: Gateway) -> None:
    number, video_type = session.camera.number, WireVideoType(session.video_type)
    answer = begin_push(gateway, number, video_type, push_command(session))
    if answer.code == Code.ALREADY_PUSHING and (session.moved_at is not None or _was_pushing_in_vain(session)):
        # There are gateways that say so of any target, or of an encoder that stands still.
        finish_push(gateway, number, video_type)
        answer = begin_push(gateway, number, video_type, push_command(session))
    now = timezone.now()
    wait = min(APPEAR_SECONDS * (session.attempts + 1), _longest_backoff(session))
    # The stream may have come up, or nobody want it any more, while the gateway answered. `last_error`
    # stays until the stream is there: why it was refused last time is still the news.
    _row(session).exclude(state=PushState.LIVE).update(
        state=PushState.ORDERED,
        ordered_at=now,
        attempts=F("attempts") + 1,
        next_attempt_at=now + timedelta(seconds=wait),
    )
    _row(session).filter(is_wanted=False).update(next_attempt_at=None)
    _row(session).update(last_code=answer.code, claimed_until=None)


def _was_pushing_in_vain(session: PushSession) -> bool:
    """It said so the last time as well, and the stream has not come since."""
    return session.attempts > 0 and session.last_code == Code.ALREADY_PUSHING


def _finish(session: PushSession, gateway: Gateway) -> None:
    # The stream of a deleted camera ends whoever watches it; any other is never cut while watched.
    now = timezone.now()
    is_watched = False if session.camera.deleted_at else _is_watched(session)
    if is_watched is None:
        _row(session).update(next_attempt_at=now + timedelta(seconds=LOOK_AGAIN_SECONDS), claimed_until=None)
        return
    if is_watched:
        _row(session).update(is_wanted=True, needed_at=now, claimed_until=None)
        return
    finish_push(gateway, session.camera.number, WireVideoType(session.video_type))
    _row(session).update(
        state=PushState.IDLE,
        ended_at=now,
        viewers=0,
        attempts=0,
        next_attempt_at=None,
        claimed_until=None,
        last_error="",
    )
    # Somebody may have asked for it while it was being finished.
    give_order(session_id=session.pk)


def _is_watched(session: PushSession) -> bool | None:
    """As told by hooks, or by the server itself: a hook can be lost. None when it does not tell.

    SRS does not count who watches by HLS.
    """
    if session.video_type == VideoType.LOW:
        return False
    here = Viewing.objects.filter(
        media_server=session.media_server, camera=session.camera, video_type=session.video_type
    )
    if here.filter(Q(alive_until=None) | Q(alive_until__gt=timezone.now())).exists():
        return True
    name = session.camera.stream_name(session.video_type)
    try:
        streams = adapter_for(session.media_server).list_streams(only=name)
    except RemoteError:
        return None
    return any(stream.stream == name and stream.viewers for stream in streams)


def _longest_backoff(session: PushSession) -> int:
    return SHORT_BACKOFF_SECONDS if session.video_type == VideoType.HIGH else LONGEST_BACKOFF_SECONDS


def _note_failure(session: PushSession, gateway: Gateway, error: RemoteError) -> bool:
    """Back off; True when the gateway answered, if only with a refusal."""
    is_silent = error.remote_code is None and error.http_status is None
    longest = SHORT_BACKOFF_SECONDS if is_silent else _longest_backoff(session)
    wait = min(3 * 2 ** min(session.attempts, 8), longest) * random.uniform(0.8, 1.2)  # noqa: S311
    retry_at = timezone.now() + timedelta(seconds=max(wait, error.retry_after or 0))
    if session.is_wanted:
        _row(session).exclude(state=PushState.LIVE).update(state=PushState.FAILED)
    _row(session).update(
        attempts=F("attempts") + 1,
        next_attempt_at=retry_at,
        last_code=error.remote_code,
        last_error=error.message[:200],
        claimed_until=None,
    )
    if is_silent:
        # Each further camera would cost another time-out; they wait together.
        due = due_sessions(timezone.now()).filter(camera__gateway=gateway)
        due.filter(is_wanted=True).update(state=PushState.FAILED)
        due.update(next_attempt_at=retry_at, last_code=None, last_error=error.message[:200])
    logger.info(
        "gateway %s, stream %s_%d: %s", gateway.code, session.camera.number, session.video_type, error.message
    )
    return not is_silent


def _wake(gateway: Gateway) -> None:
    """It answers again: what waited for it does not wait any longer."""
    waiting = PushSession.objects.filter(camera__gateway=gateway, last_code=None, last_error__gt="")
    waiting.filter(next_attempt_at__gt=timezone.now()).update(next_attempt_at=timezone.now())
