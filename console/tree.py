"""The left tree: nodes of the organisation below one node, with their counts, in two queries."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from access.models import Organisation
from cameras.choices import OnlineStatus
from cameras.models import Camera
from cameras.selectors import is_road, road_counts
from console.cards import path_ids
from console.road_names import road_names

# Under this share a node is marked; the mean online rate of a province is lower than people think.
WEAK_PERCENT = 95


@dataclass(frozen=True)
class TreeNode:
    """One organisation with the cameras at it and below it, or one road; `key` names it in the page."""

    key: str
    name: str
    url: str
    online: int
    total: int
    road: str = ""

    @property
    def percent(self) -> int:
        return round(100 * self.online / self.total) if self.total else 0

    @property
    def is_weak(self) -> bool:
        return self.percent < WEAK_PERCENT


def nodes_below(cameras: QuerySet[Camera], parent: Organisation | None) -> list[TreeNode]:
    """The organisations directly below `parent` (None: below the province) that have some of `cameras`."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for path, online, total in _counts_by_path(cameras):
        node_id = _child(path, parent)
        if node_id is not None:
            counts[node_id][0] += online
            counts[node_id][1] += total
    names = dict(Organisation.objects.filter(pk__in=counts).values_list("pk", "name"))
    nodes = [
        TreeNode(str(pk), names[pk], reverse("console:branch", args=[pk]), online, total)
        for pk, (online, total) in counts.items()
    ]
    return sorted(nodes, key=lambda node: (node.name, node.key))


def road_nodes(cameras: QuerySet[Camera]) -> list[TreeNode]:
    """The roads that some of `cameras` stand on."""
    # What is no road has no page of its own: it is found by its organisation.
    counts = {road: count for road, count in road_counts(cameras).items() if is_road(road)}
    names = road_names(cameras, counts)
    return [
        TreeNode(road, names.get(road, ""), reverse("console:road_branch", args=[road]), online, total, road)
        for road, (online, total) in counts.items()
    ]


def organisation_totals(cameras: QuerySet[Camera]) -> list[tuple[int, str, int, int]]:
    """Id, name, depth and number of `cameras` of every organisation at or above one, in the order of a tree."""
    totals: Counter[int] = Counter()
    ways: dict[int, list[int]] = {}
    for path, _, total in _counts_by_path(cameras):
        ids = path_ids(path)
        for depth, node_id in enumerate(ids):
            totals[node_id] += total
            ways[node_id] = ids[: depth + 1]
    names = dict(Organisation.objects.filter(pk__in=totals).values_list("pk", "name"))
    ordered = sorted(ways, key=lambda pk: [(names[one], one) for one in ways[pk]])
    return [(pk, names[pk], len(ways[pk]) - 1, totals[pk]) for pk in ordered]


def node_counts(cameras: QuerySet[Camera], node_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Online and total of the given nodes, for a tree that is already on the screen."""
    wanted = set(node_ids)
    counts: dict[int, tuple[int, int]] = dict.fromkeys(node_ids, (0, 0))
    for path, online, total in _counts_by_path(cameras):
        for node_id in wanted.intersection(path_ids(path)):
            counts[node_id] = (counts[node_id][0] + online, counts[node_id][1] + total)
    return counts


def _counts_by_path(cameras: QuerySet[Camera]) -> QuerySet[Camera, tuple[str, int, int]]:
    return (
        cameras.order_by()
        .values_list("organisation__path")
        .annotate(
            online=Count("pk", filter=Q(raw_status=OnlineStatus.ONLINE)),
            total=Count("pk"),
        )
    )


def _child(path: str, parent: Organisation | None) -> int | None:
    """The node directly below `parent` on the way to `path`; None for cameras of `parent` itself."""
    ids = path_ids(path)
    if parent is None:
        # Cameras of the province itself are listed under its own name.
        return ids[1] if len(ids) > 1 else ids[0]
    depth = len(path_ids(parent.path))
    return ids[depth] if len(ids) > depth else None
