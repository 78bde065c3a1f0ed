"""视频上云: media servers, streams, who watches, gateways, their pushes, and what is online and cannot be played."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from cameras.selectors import cameras_visible_to
from console.frame import frame_of
from console.params import id_of, text_of
from console.permissions import Kind, requires
from console.push_rows import push_rows
from console.streams import streams_view


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def streams(request: HttpRequest, user: User) -> HttpResponse:
    context = {**frame_of(user, "streams"), "view": streams_view(user)}
    return render(request, "console/streams.html", context)


@require_GET
@requires(Action.LEDGER, kind=Kind.PART, is_poll=True)
def standing(request: HttpRequest, user: User) -> HttpResponse:
    """All of it; fetched every few seconds."""
    return render(request, "console/_streams_standing.html", {"view": streams_view(user)})


@require_GET
@requires(Action.LEDGER, kind=Kind.PART, is_poll=True)
def pushes(request: HttpRequest, user: User) -> HttpResponse:
    """The latest push sessions, or those of one gateway or some cameras."""
    gateway_id, camera = id_of(request, "gateway"), text_of(request, "camera", longest=100)
    rows = push_rows(cameras_visible_to(user, Action.LEDGER), gateway_id=gateway_id, camera=camera)
    return render(request, "console/_streams_pushes.html", {"pushes": rows})
