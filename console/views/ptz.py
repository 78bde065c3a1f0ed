"""JSON of one PTZ order."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from access.actors import Actor, actor_of_user
from access.choices import Action
from access.models import User
from cameras.models import Camera
from console.answers import answer
from console.cards import unix, visible_camera
from console.control import control_of
from console.params import body_of, whole
from console.permissions import Kind, requires
from protocol.codes import PtzAction
from protocol.errors import ForbiddenError
from ptz.choices import PtzLevel, PtzOutcome
from ptz.services import move_ptz, note_refused_request


@require_POST
@requires(Action.WATCH, kind=Kind.JSON)
def order(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    """Gives one order with the province's rank; the answer says in words what came of it."""
    actor = actor_of_user(request)
    camera = _controllable(user, actor, camera_id)
    body = body_of(request)
    action = PtzAction(whole(body.get("action"), "action", low=min(PtzAction), high=max(PtzAction)))
    step = whole(body.get("step", 1), "step", low=1, high=8)
    result = move_ptz(camera=camera, action=action, step=step, level=PtzLevel.PROVINCE, actor=actor)
    return answer(
        {
            "is_done": result.outcome == PtzOutcome.DONE,
            "outcome": PtzOutcome(result.outcome).label,
            "message": result.message,
            "held_until": unix(result.held_until),
            "control": control_of(user, camera),
        }
    )


def _controllable(user: User, actor: Actor, camera_id: int) -> Camera:
    """A refusal leaves its row too (threats.md 16)."""
    try:
        return visible_camera(user, camera_id, Action.PTZ)
    except ForbiddenError as error:
        camera = visible_camera(user, camera_id)
        note_refused_request(actor=actor, camera_num=camera.number, reason=error.message)
        raise
