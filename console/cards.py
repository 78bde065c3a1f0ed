"""A camera as the console shows it: a row of a list, or the card of a tile and the panel."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from django.db.models import Q

from access.choices import Action
from access.models import User
from cameras.choices import Classify, OnlineStatus
from cameras.models import Camera
from cameras.selectors import UNKNOWN, cameras_visible_to
from console.pictures import Picture, newest_pictures
from protocol.errors import ForbiddenError, MalformedError, NotFoundError, shorten
from quality.selectors import abnormal_words

_STATES = {OnlineStatus.OFFLINE: "offline", OnlineStatus.ONLINE: "online", OnlineStatus.FAULT: "fault"}
UNKNOWN_STATE: Final = "unknown"
_CONDITIONS: Final = {
    "online": Q(raw_status=OnlineStatus.ONLINE),
    "offline": Q(raw_status=OnlineStatus.OFFLINE) & ~UNKNOWN,
    "fault": Q(raw_status=OnlineStatus.FAULT),
    UNKNOWN_STATE: UNKNOWN,
}


class CameraCard(TypedDict):
    """Everything a tile and the panel say of one camera; times are unix seconds."""

    id: int
    number: str
    name: str
    road: str
    stake: str
    direction: str
    place: str
    type: str
    organisation: str
    path: list[int]
    state: str
    since: float | None
    reason: str
    quality: str
    has_stream: bool
    can_ptz: bool
    may_ptz: bool
    picture: Picture | None


@dataclass(frozen=True)
class CameraRow:
    """One row of the tree or of the results; `found`: the name that a search met, in pieces, the met ones true."""

    id: int
    number: str
    name: str
    road: str
    stake: str
    direction: str
    place: str
    state: str
    found: tuple[tuple[str, bool], ...] = ()

    @property
    def road_class(self) -> str:
        return self.road[:1]


def state_of(camera: Camera) -> str:
    """The raw state, which the wall shows at once; the blip filter is for reports."""
    return UNKNOWN_STATE if camera.raw_status_at is None else _STATES[OnlineStatus(camera.raw_status)]


def in_states(states: Iterable[str]) -> Q:
    """Cameras of any of these states; a word that is no state is a MalformedError."""
    found = Q(pk__in=[])
    for state in states:
        if state not in _CONDITIONS:
            raise MalformedError(f"state 的值“{shorten(state)}”应为 {'、'.join(_CONDITIONS)} 之一")
        found |= _CONDITIONS[state]
    return found


def main_road(road: str) -> str:
    """`G42&S38` is shown under its first road."""
    return road.split("&", 1)[0].strip()


def place_of(camera: Camera) -> str:
    if camera.classify == Classify.DEFAULT:
        return str(camera.get_camera_type_display())
    return str(camera.get_classify_display())


def row_of(camera: Camera) -> CameraRow:
    return CameraRow(
        id=camera.pk,
        number=camera.number,
        name=camera.name,
        road=main_road(camera.road),
        stake=camera.stake,
        direction=str(camera.get_orientation_display()),
        place=place_of(camera),
        state=state_of(camera),
    )


def found_by(camera: Camera, words: list[str]) -> tuple[tuple[str, bool], ...]:
    """The name, or that of the office where it is this that was met; `words` are what was searched beside the place."""
    if not words:
        return ()
    pattern = re.compile(f"({'|'.join(map(re.escape, words))})", re.IGNORECASE)
    office = camera.organisation.name
    shown = office if pattern.search(office) and not pattern.search(camera.name) else camera.name
    # Every second piece is one that the pattern met.
    return tuple((piece, bool(at % 2)) for at, piece in enumerate(pattern.split(shown)) if piece)


def cards_of(user: User, cameras: Iterable[Camera]) -> list[CameraCard]:
    """Cards in the order given; `organisation__parent` should be loaded."""
    listed = list(cameras)
    turned = set(
        cameras_visible_to(user, Action.PTZ)
        .filter(pk__in=[camera.pk for camera in listed])
        .values_list("pk", flat=True)
    )
    # A big screen would be refused every one of them.
    pictures = {} if user.is_screen else newest_pictures(listed)
    quality = abnormal_words(listed)
    return [
        _card(camera, camera.pk in turned, pictures.get(camera.pk), quality.get(camera.pk, ""))
        for camera in listed
    ]


def _card(camera: Camera, may_ptz: bool, picture: Picture | None, quality: str) -> CameraCard:
    office = camera.organisation
    return CameraCard(
        id=camera.pk,
        number=camera.number,
        name=camera.name,
        road=main_road(camera.road),
        stake=camera.stake,
        direction=str(camera.get_orientation_display()),
        place=place_of(camera),
        type=str(camera.get_camera_type_display()),
        organisation=f"{office.parent.name} / {office.name}" if office.parent else office.name,
        path=path_ids(office.path),
        state=state_of(camera),
        since=unix(camera.raw_status_at),
        reason=camera.status_reason,
        quality=quality,
        has_stream=camera.has_stream,
        can_ptz=camera.can_ptz,
        may_ptz=may_ptz,
        picture=picture,
    )


def path_ids(path: str) -> list[int]:
    """Ids from the root to a node, e.g. `/1/7/23/`."""
    return [int(part) for part in path.strip("/").split("/")]


def unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def visible_camera(user: User, camera_id: int, action: Action = Action.WATCH) -> Camera:
    """One camera the user may watch, else `NotFoundError`; `ForbiddenError` if they may watch but not do more."""
    cameras = cameras_visible_to(user).select_related("organisation__parent", "gateway__partner")
    camera = cameras.filter(pk=camera_id).first()
    if camera is None:
        raise NotFoundError("摄像机不存在")
    if action != Action.WATCH and not cameras_visible_to(user, action).filter(pk=camera_id).exists():
        raise ForbiddenError(f"没有该摄像机的“{action.label}”权限")
    return camera
