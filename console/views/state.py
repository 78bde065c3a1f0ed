"""What changes while somebody watches: one small JSON every two seconds."""

import time
from datetime import UTC, datetime
from typing import TypedDict

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from access.choices import Action
from access.models import User
from cameras.models import Camera
from cameras.selectors import cameras_visible_to, count_statuses, road_counts
from console.alarms import AlarmCounts, alarm_counts
from console.answers import answer
from console.cards import state_of, unix
from console.control import Control, control_of
from console.params import id_of, ids_of, seconds_of
from console.permissions import Kind, for_screens, requires
from console.running import Running, running_of
from console.tree import node_counts
from console.upper import UpperState, upper_state
from quality.selectors import abnormal_words

_MOST_WALL = 25
_MOST_NODES = 200
_MOST_CHANGES = 300
# A change committed late carries an earlier time; asking a little further back finds it.
_OVERLAP_SECONDS = 10


class Counts(TypedDict):
    total: int
    online: int
    offline: int
    fault: int
    unknown: int


class RawState(TypedDict):
    """The raw state of one camera."""

    id: int
    state: str
    since: float | None
    reason: str
    quality: str


class ConsoleState(TypedDict):
    """One look at everything that moves; `changes` is cut where `is_cut`: the page reloads its lists then."""

    now: float
    counts: Counts
    alarms: AlarmCounts
    running: Running
    ministry: UpperState | None
    wall: list[RawState]
    changes: list[tuple[int, str]]
    is_cut: bool
    nodes: dict[str, tuple[int, int]]
    control: Control | None


@require_GET
@requires(Action.WATCH, kind=Kind.JSON, is_poll=True)
@for_screens("GET")
def state(request: HttpRequest, user: User) -> JsonResponse:
    """Counts, raw states of the `wall` and of all that changed `since`, counts of `nodes` and `roads`, control."""
    cameras = cameras_visible_to(user)
    node_ids = ids_of(request, "nodes", most=_MOST_NODES)
    selected = id_of(request, "selected")
    since = seconds_of(request, "since")
    changes = _changes(cameras, since)
    content = ConsoleState(
        now=time.time(),
        counts=_counts(cameras),
        alarms=alarm_counts(user),
        running=running_of(user, cameras),
        ministry=upper_state(user),
        wall=_raw_states(cameras, ids_of(request, "wall", most=_MOST_WALL)),
        changes=changes[:_MOST_CHANGES],
        is_cut=len(changes) > _MOST_CHANGES,
        nodes=_node_counts(cameras, node_ids, has_roads=request.GET.get("roads") == "1"),
        control=control_of(user, cameras.filter(pk=selected).first()) if selected else None,
    )
    return answer(content)


def _counts(cameras: QuerySet[Camera]) -> Counts:
    counts = count_statuses(cameras)
    return Counts(
        total=counts.total,
        online=counts.online,
        offline=counts.offline,
        fault=counts.fault,
        unknown=counts.unknown,
    )


def _node_counts(
    cameras: QuerySet[Camera], node_ids: list[int], *, has_roads: bool
) -> dict[str, tuple[int, int]]:
    """By what names a node in the page: the id of an organisation, a road."""
    counts = {str(pk): pair for pk, pair in node_counts(cameras, node_ids).items()} if node_ids else {}
    return counts | (road_counts(cameras) if has_roads else {})


def _raw_states(cameras: QuerySet[Camera], ids: list[int]) -> list[RawState]:
    if not ids:
        return []
    shown = list(cameras.filter(pk__in=ids).order_by("pk"))
    quality = abnormal_words(shown)
    return [
        RawState(
            id=camera.pk,
            state=state_of(camera),
            since=unix(camera.raw_status_at),
            reason=camera.status_reason,
            quality=quality.get(camera.pk, ""),
        )
        for camera in shown
    ]


def _changes(cameras: QuerySet[Camera], since: float | None) -> list[tuple[int, str]]:
    if since is None:
        return []
    begin = datetime.fromtimestamp(max(0.0, since - _OVERLAP_SECONDS), UTC)
    changed = cameras.filter(raw_status_at__gte=begin).order_by("-raw_status_at", "-pk")
    return [(camera.pk, state_of(camera)) for camera in changed[: _MOST_CHANGES + 1]]
