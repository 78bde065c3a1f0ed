"""视频上云: media servers, streams, who watches, gateways that need a hand, and what is online and cannot be played."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from console.frame import frame_of
from console.permissions import Kind, requires
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
