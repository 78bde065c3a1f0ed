"""JSON of single cameras: cards, play addresses, snapshot strip."""

from typing import TypedDict

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from access.actors import person_of
from access.choices import Action
from access.models import User
from cameras.choices import OnlineStatus
from cameras.models import Camera
from cameras.selectors import cameras_visible_to
from console.answers import answer
from console.cards import CameraCard, cards_of, visible_camera
from console.params import body_of, ids_of, number_of, whole
from console.permissions import Kind, for_screens, reading, requires
from streaming.choices import Audience, PushState, VideoType
from streaming.models import PushSession
from streaming.services.play import play_urls
from streaming.services.pushes import want_high_stream
from streaming.tasks import begin_push_now
from streaming.uids import staff_uid

_MOST_CARDS = 25


class Playing(TypedDict):
    """Answer to play: the address to open within seconds, or none and the card says why."""

    card: CameraCard
    ws_url: str | None
    flv_url: str | None
    push_error: str


@require_GET
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("GET")
def cards(request: HttpRequest, user: User) -> JsonResponse:
    """Cards by `ids`, in that order and without those out of sight; or the `first` cameras for an empty wall."""
    visible = cameras_visible_to(user).select_related("organisation__parent")
    ids = ids_of(request, "ids", most=_MOST_CARDS)
    if ids:
        found = visible.in_bulk(ids)
        return answer({"cards": cards_of(user, [found[pk] for pk in ids if pk in found])})
    first = number_of(request, "first", low=1, high=_MOST_CARDS, default=9)
    # Those that play come first: an operator's very first wall shows pictures.
    online = visible.order_by("-has_stream", "road", "stake_m", "orientation", "pk")
    return answer({"cards": cards_of(user, online[:first])})


@require_GET
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("GET")
def card(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    camera = visible_camera(user, camera_id)
    push_error = _push_error(_session(camera, VideoType.LOW))
    return answer({"card": cards_of(user, [camera])[0], "push_error": push_error})


@reading
@require_POST
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("POST")
def play(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    """Issues play addresses; a high stream that is not there is begun and the media server lets the viewer wait.

    Who watched what is logged when the media server tells that the address was opened.
    """
    camera = visible_camera(user, camera_id)
    video_type = VideoType(whole(body_of(request).get("type", 0), "type", low=0, high=1))
    session = _session(camera, video_type)
    playing = Playing(
        card=cards_of(user, [camera])[0], ws_url=None, flv_url=None, push_error=_push_error(session)
    )
    if camera.raw_status != OnlineStatus.OFFLINE:
        if video_type == VideoType.HIGH:
            _begin_high_stream(camera)
            session = _session(camera, video_type)
        server_id = session.media_server_id if session else None
        urls = play_urls(camera, video_type, uid=staff_uid(person_of(request).pk), server_id=server_id, audience=Audience.STAFF)
        playing |= {"ws_url": urls.ws_url, "flv_url": urls.flv_url}
    return answer(playing)


def _session(camera: Camera, video_type: VideoType) -> PushSession | None:
    return PushSession.objects.filter(camera=camera, video_type=video_type).first()


def _push_error(session: PushSession | None) -> str:
    """Why the gateway does not push, in its own words."""
    if session is None or session.state != PushState.FAILED:
        return ""
    code = f"网关 {session.last_code}：" if session.last_code else ""
    return f"{code}{session.last_error}"


def _begin_high_stream(camera: Camera) -> None:
    session = want_high_stream(camera=camera)
    if session is not None:
        begin_push_now.delay(session.pk)
