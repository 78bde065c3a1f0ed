"""JSON of the road strip."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from cameras.selectors import cameras_visible_to
from console.answers import answer
from console.permissions import Kind, for_screens, requires
from console.roads import road_strip


@require_GET
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("GET")
def road(request: HttpRequest, user: User, name: str) -> JsonResponse:
    return answer(road_strip(cameras_visible_to(user), name))
