"""截图回看: the page, the days of a camera, a day as ZIP; and the strip of the main screen."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.actors import actor_of_user
from access.choices import Action
from access.csv_rows import attachment
from access.days import day_of
from access.models import User
from console.answers import answer
from console.cards import visible_camera
from console.frame import frame_of
from console.params import day_in, text_of
from console.permissions import Kind, requires
from console.pictures import day_strip_of, recent_strip_of
from console.playback import playback_of
from snapshots.services.archives import pack_day


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def playback(request: HttpRequest, user: User) -> HttpResponse:
    """Everything in it is fetched by its modules; the address says which camera and which time (`camera`, `at`)."""
    context = {**frame_of(user, "snapshots"), "snapshot_days": settings.SNAPSHOT_RETENTION_DAYS}
    return render(request, "console/snapshots.html", context)


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def days(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    """A week of slots up to the day `until`, by default today."""
    camera = visible_camera(user, camera_id, Action.SNAPSHOT)
    now = timezone.now()
    text = text_of(request, "until", longest=20)
    return answer(playback_of(user, camera, day_in(text, "until") if text else day_of(now), now=now))


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def day_archive(request: HttpRequest, user: User, camera_id: int, day: str) -> StreamingHttpResponse:
    camera = visible_camera(user, camera_id, Action.SNAPSHOT)
    archive = pack_day(camera=camera, day=day_in(day, "day"), actor=actor_of_user(request))
    response = StreamingHttpResponse(archive.pieces, content_type="application/zip")
    response["Content-Disposition"] = attachment(archive.filename)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def strip(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    """Slots of `day`, or without it of the last hours up to now; gaps with their reason."""
    camera = visible_camera(user, camera_id, Action.SNAPSHOT)
    text = text_of(request, "day", longest=20)
    if not text:
        return answer(recent_strip_of(camera, timezone.now()))
    return answer(day_strip_of(camera, day_in(text, "day")))
