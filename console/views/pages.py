"""The main screen."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from cameras.services.walls import LAYOUTS
from console.frame import frame_of
from console.permissions import Kind, for_screens, requires
from console.policy import wall_policy
from console.tree import WEAK_PERCENT

STEPS = range(1, 9)
# Seconds of a page of a tour, to be had by one click.
DWELLS = (10, 15, 30, 60, 120)


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
@for_screens("GET")
def wall(request: HttpRequest, user: User) -> HttpResponse:
    """视频监控; everything in it is fetched by its modules."""
    context = {
        **frame_of(user, "wall"),
        "layouts": LAYOUTS,
        "steps": STEPS,
        "dwells": DWELLS,
        "weak_percent": WEAK_PERCENT,
        "snapshot_minutes": settings.SNAPSHOT_PERIOD_SECONDS // 60,
        "snapshot_days": settings.SNAPSHOT_RETENTION_DAYS,
    }
    response = render(request, "console/wall.html", context)
    response["Content-Security-Policy"] = wall_policy()
    return response
