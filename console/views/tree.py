"""The left column, part by part as htmx asks for it: tree, branches, search results."""

import time
from dataclasses import replace
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import Organisation, User
from cameras.models import Camera
from cameras.selectors import cameras_on_road, cameras_visible_to, name_words_of, search_cameras
from console.cards import found_by, in_states, row_of
from console.params import number_of, text_of
from console.permissions import Kind, for_screens, requires
from console.tree import nodes_below, road_nodes
from protocol.errors import NotFoundError

PAGE_ROWS = 120
_SEARCH_ROWS = 60
_LONGEST_SEARCH = 100
_LAST_ROW = 1_000_000


@require_GET
@requires(Action.WATCH, kind=Kind.PART)
@for_screens("GET")
def tree(request: HttpRequest, user: User) -> HttpResponse:
    """Top of the tree: the companies, or the roads."""
    states = _states(request)
    cameras = _of_states(cameras_visible_to(user), states)
    context = {
        "nodes": road_nodes(cameras) if request.GET.get("by") == "road" else nodes_below(cameras, None),
        "query": _query(states),
        "is_filtered": bool(states),
        "nothing": "没有符合条件的摄像机" if states else "还没有可查看的摄像机",
    }
    return render(request, "console/_tree.html", context)


@require_GET
@requires(Action.WATCH, kind=Kind.PART)
@for_screens("GET")
def branch(request: HttpRequest, user: User, organisation_id: int) -> HttpResponse:
    """What lies below one node: offices, then its own cameras page by page."""
    organisation = Organisation.objects.filter(pk=organisation_id).first()
    if organisation is None:
        raise NotFoundError("单位不存在")
    below = cameras_visible_to(user).filter(organisation__path__startswith=organisation.path)
    if not below.exists():
        raise NotFoundError("单位不存在")
    states = _states(request)
    begin = number_of(request, "from", low=0, high=_LAST_ROW, default=0)
    cameras = _of_states(below, states)
    # The companies stand beside the province's own cameras already.
    has_nodes = begin == 0 and organisation.parent_id is not None
    own = cameras.filter(organisation=organisation).order_by("road", "stake_m", "orientation", "pk")
    context = {
        "nodes": nodes_below(cameras, organisation) if has_nodes else [],
        "query": _query(states),
        "is_filtered": bool(states),
        "nothing": "没有符合条件的摄像机",
        **_rows(own, begin, states, reverse("console:branch", args=[organisation_id])),
    }
    return render(request, "console/_tree.html", context)


@require_GET
@requires(Action.WATCH, kind=Kind.PART)
@for_screens("GET")
def road_branch(request: HttpRequest, user: User, name: str) -> HttpResponse:
    """The cameras of one road by stake, page by page."""
    below = cameras_on_road(cameras_visible_to(user), name)
    if not below.exists():
        raise NotFoundError(f"路线 {name} 没有可查看的摄像机")
    states = _states(request)
    begin = number_of(request, "from", low=0, high=_LAST_ROW, default=0)
    cameras = _of_states(below, states).order_by("stake_m", "orientation", "pk")
    context = {
        "is_filtered": bool(states),
        "nothing": "没有符合条件的摄像机",
        **_rows(cameras, begin, states, reverse("console:road_branch", args=[name])),
        "has_roads": False,
    }
    return render(request, "console/_tree.html", context)


def _rows(cameras: QuerySet[Camera], begin: int, states: frozenset[str], url: str) -> dict[str, object]:
    """One page of rows, and where the next one is."""
    rows = [row_of(camera) for camera in cameras[begin : begin + PAGE_ROWS + 1]]
    more = {"from": begin + PAGE_ROWS, "state": sorted(states)}
    return {
        "cameras": rows[:PAGE_ROWS],
        "has_roads": len({row.road for row in rows}) > 1,
        "more_url": f"{url}?{urlencode(more, doseq=True)}" if len(rows) > PAGE_ROWS else "",
    }


@require_GET
@requires(Action.WATCH, kind=Kind.PART)
@for_screens("GET")
def search(request: HttpRequest, user: User) -> HttpResponse:
    """Cameras for the search line, nearest stake first."""
    began = time.perf_counter()
    text = text_of(request, "q", longest=_LONGEST_SEARCH)
    states = _states(request)
    statuses = in_states(states) if states else None
    found = search_cameras(user, text, limit=_SEARCH_ROWS + 1, statuses=statuses) if text else []
    words = name_words_of(text)
    context = {
        "text": text,
        "cameras": [replace(row_of(camera), found=found_by(camera, words)) for camera in found[:_SEARCH_ROWS]],
        "is_cut": len(found) > _SEARCH_ROWS,
        "milliseconds": round((time.perf_counter() - began) * 1000),
    }
    return render(request, "console/_search.html", context)


def _states(request: HttpRequest) -> frozenset[str]:
    return frozenset(request.GET.getlist("state"))


def _of_states(cameras: QuerySet[Camera], states: frozenset[str]) -> QuerySet[Camera]:
    return cameras.filter(in_states(states)) if states else cameras


def _query(states: frozenset[str]) -> str:
    return f"?{urlencode({'state': sorted(states)}, doseq=True)}" if states else ""
