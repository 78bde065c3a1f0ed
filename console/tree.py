"""The left tree: nodes of the organisation below one node, with their counts, in two queries."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from access.models import Organisation
from cameras.choices import OnlineStatus
from cameras.models import Camera
from console.cards import path_ids

# Under this share a node is marked; the mean online rate of a province is lower than people think.
WEAK_PERCENT = 95


@dataclass(frozen=True)
class TreeNode:
    """One organisation with the cameras at it and below it."""

    id: int
    name: str
    online: int
    total: int

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
    nodes = [TreeNode(pk, names[pk], online, total) for pk, (online, total) in counts.items()]
    return sorted(nodes, key=lambda node: (node.name, node.id))


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
