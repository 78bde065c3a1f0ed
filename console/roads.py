"""The road strip: cameras of one road by stake, and what can be told of the road from its cameras."""

from collections import defaultdict
from typing import TypedDict

from django.db.models import QuerySet

from cameras.choices import Classify
from cameras.models import Camera
from cameras.selectors import cameras_on_road
from console.cards import place_of, state_of
from console.road_names import road_names
from protocol.errors import NotFoundError

_MOST_CAMERAS = 6000
# Cameras of one service area stand at several stakes.
_SAME_PLACE_M = 3000

_KINDS = {
    Classify.SERVICE_AREA: "service",
    Classify.TOLL_STATION: "toll",
    Classify.TOLL_PLAZA: "toll",
    Classify.BRIDGE: "bridge",
    Classify.TUNNEL: "tunnel",
}


class Place(TypedDict):
    """A service area, toll station, bridge or tunnel, as named by its cameras."""

    kind: str
    name: str
    from_m: int
    to_m: int


class Section(TypedDict):
    """The stretch one management office looks after."""

    name: str
    from_m: int
    to_m: int


class Road(TypedDict):
    """`cameras`: id, stake in metres, orientation 0 up 1 down 2 both, state, stake, place, name."""

    road: str
    name: str
    cameras: list[tuple[int, int, int, str, str, str, str]]
    sections: list[Section]
    places: list[Place]


def road_strip(cameras: QuerySet[Camera], road: str) -> Road:
    """The road as far as the asker's `cameras` show it; none at all is `NotFoundError`."""
    on_road = cameras_on_road(cameras, road)
    in_order = on_road.select_related("organisation").order_by("stake_m", "orientation", "pk")
    found = list(in_order[:_MOST_CAMERAS])
    if not found:
        raise NotFoundError(f"路线 {road} 没有可查看的摄像机")
    return Road(
        road=road,
        name=road_names(on_road, [road]).get(road, ""),
        cameras=[
            (item.pk, item.stake_m, item.orientation, state_of(item), item.stake, place_of(item), item.name)
            for item in found
        ],
        sections=_sections(found),
        places=_places(found),
    )


def _sections(cameras: list[Camera]) -> list[Section]:
    stakes: dict[int, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    for camera in cameras:
        stakes[camera.organisation_id].append(camera.stake_m)
        names[camera.organisation_id] = camera.organisation.name
    sections = [Section(name=names[pk], from_m=min(at), to_m=max(at)) for pk, at in stakes.items()]
    return sorted(sections, key=lambda section: section["from_m"])


def _places(cameras: list[Camera]) -> list[Place]:
    places: list[Place] = []
    for camera in cameras:
        kind = _KINDS.get(Classify(camera.classify))
        if kind is None or not camera.poi_name:
            continue
        same = next((place for place in reversed(places) if _is_same(place, kind, camera)), None)
        if same is None:
            at = camera.stake_m
            places.append(Place(kind=kind, name=camera.poi_name, from_m=at, to_m=at))
        else:
            same["to_m"] = camera.stake_m
    return places


def _is_same(place: Place, kind: str, camera: Camera) -> bool:
    is_near = camera.stake_m - place["to_m"] <= _SAME_PLACE_M
    return is_near and place["kind"] == kind and place["name"] == camera.poi_name
