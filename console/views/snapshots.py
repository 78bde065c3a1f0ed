"""JSON of the snapshot strip."""

from datetime import date

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from console.answers import answer
from console.cards import visible_camera
from console.params import text_of
from console.permissions import Kind, requires
from console.pictures import day_strip_of, recent_strip_of
from protocol.errors import MalformedError, shorten


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def strip(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    """Slots of `day`, or without it of the last hours up to now; gaps with their reason."""
    camera = visible_camera(user, camera_id, Action.SNAPSHOT)
    text = text_of(request, "day", longest=20)
    if not text:
        return answer(recent_strip_of(camera, timezone.now()))
    return answer(day_strip_of(camera, _day(text)))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # At the ends of the calendar there is no day before or after.
    if day is None or not 2000 <= day.year <= 2100:
        raise MalformedError(f"day 的值“{shorten(text)}”应形如 2026-11-22")
    return day
