"""路线长卷: the page, the roads there are, one of them, a day of the cameras that are near, and their pictures."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from cameras.selectors import cameras_visible_to
from console.answers import answer
from console.film import MOST_CAMERAS, film_day, roads_of
from console.frame import frame_of
from console.params import day_in, ids_of, slots_of
from console.permissions import Kind, requires
from console.roads import road_strip
from snapshots.services.sheets import pack_sheet


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def film(request: HttpRequest, user: User) -> HttpResponse:
    """Everything in it is fetched by its modules; the address says road, camera and time (`road`, `camera`, `at`)."""
    context = {**frame_of(user, "film"), "period": settings.SNAPSHOT_PERIOD_SECONDS}
    return render(request, "console/film.html", context)


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def roads(request: HttpRequest, user: User) -> JsonResponse:
    return answer({"roads": roads_of(cameras_visible_to(user, Action.SNAPSHOT))})


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def road(request: HttpRequest, user: User, name: str) -> JsonResponse:
    return answer({**road_strip(cameras_visible_to(user, Action.SNAPSHOT), name), "now": timezone.now().timestamp()})


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def day(request: HttpRequest, user: User, day: str) -> JsonResponse:
    """Of the cameras `ids`; those whose pictures the user may not see are left out."""
    ids = ids_of(request, "ids", most=MOST_CAMERAS)
    cameras = list(cameras_visible_to(user, Action.SNAPSHOT).filter(pk__in=ids))
    return answer(film_day(cameras, day_in(day, "day"), now=timezone.now()))


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.JSON)
def pictures(request: HttpRequest, user: User) -> StreamingHttpResponse:
    """Of the pairs `of`, in their order; a camera whose pictures the user may not see has none (snapshots.services.sheets)."""
    wanted = slots_of(request, "of", most=MOST_CAMERAS)
    ids = {camera_id for camera_id, _ in wanted}
    visible = set(cameras_visible_to(user, Action.SNAPSHOT).filter(pk__in=ids).values_list("pk", flat=True))
    response = StreamingHttpResponse(pack_sheet(wanted, visible), content_type="application/octet-stream")
    response["X-Content-Type-Options"] = "nosniff"
    return response
