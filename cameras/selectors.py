"""Reads of the ledger, the actor first: nothing here returns a camera its asker may not know of."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet

from access.choices import Action, OrganisationKind
from access.models import Organisation, Partner, User
from access.selectors import below_paths, organisations_named, paths_allowed
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway, GatewayConfiguration, PtzGrant
from cameras.visibility import hidden_from, visible_condition
from protocol import codes
from protocol.cameras import CameraRecord
from protocol.configuration import Origin
from protocol.errors import MalformedError, NotFoundError, shorten

_STAKE = re.compile(r"K?(\d{1,4})(?:\+(\d{0,3}))?$", re.IGNORECASE)
_MOST_DIGITS = 4  # of a kilometre
_ROAD_NAME = re.compile(r"[A-Z][0-9A-Z]{1,9}")
_ROAD = re.compile(r"[GSXYZ]\d{1,4}$", re.IGNORECASE)


def _live() -> QuerySet[Camera]:
    return Camera.objects.filter(deleted_at=None, is_pending=False)


def cameras_visible_to(user: User, action: Action = Action.WATCH) -> QuerySet[Camera]:
    """Live cameras on which `user` may do `action`."""
    return _live().filter(visible_condition(user, action))


def cameras_on_road(cameras: QuerySet[Camera], road: str) -> QuerySet[Camera]:
    """Those of `cameras` on a road, also where it runs along another one (`G42&S38`)."""
    if not is_road(road):
        raise MalformedError(f"路线“{shorten(road)}”不符合编号格式，例如 G42")
    pattern = rf"(^|&)\s*{road}\s*(&|$)"
    return cameras.filter(road__contains=road, road__regex=pattern)


def is_road(road: str) -> bool:
    return _ROAD_NAME.fullmatch(road) is not None


def road_counts(cameras: QuerySet[Camera]) -> dict[str, tuple[int, int]]:
    """Online and total of `cameras` by road, roads in the order of their class and number."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    rows = cameras.order_by().values_list("road")
    counted = rows.annotate(online=Count("pk", filter=Q(raw_status=OnlineStatus.ONLINE)), total=Count("pk"))
    for roads, up, total in counted:
        for road in {part.strip() for part in roads.split("&")}:
            counts[road][0] += up
            counts[road][1] += total
    return {road: (counts[road][0], counts[road][1]) for road in sorted(counts, key=_road_order)}


def _road_order(road: str) -> tuple[str, int, str]:
    digits = re.match(r"\d+", road[1:])
    return road[:1], int(digits[0]) if digits else 0, road


def pending_cameras(user: User) -> QuerySet[Camera]:
    """Cameras that gateways submitted and nobody let into service yet, where `user` keeps the ledger."""
    waiting = Camera.objects.filter(deleted_at=None, is_pending=True)
    return waiting.filter(below_paths(paths_allowed(user, Action.LEDGER), "organisation__path"))


def gateways_for(user: User) -> QuerySet[Gateway]:
    """Gateways to which `user` may give cameras: those of the own organisations, and those that serve them already."""
    paths = paths_allowed(user, Action.LEDGER)
    serving = Camera.objects.filter(below_paths(paths, "organisation__path"), deleted_at=None)
    own = below_paths(paths, "partner__organisation__path")
    return Gateway.objects.filter(own | Q(pk__in=serving.values("gateway")))


def cameras_of(partner: Partner) -> QuerySet[Camera]:
    """Live cameras in the partner's subtree, without those hidden from it."""
    return _live().filter(~hidden_from(partner), organisation__path__startswith=partner.organisation.path)


def cameras_in_department(partner: Partner, department: str) -> QuerySet[Camera]:
    """Cameras of a department and below; unknown or outside the subtree is the same `NotFoundError`."""
    nodes = organisations_named(department, partner.organisation)
    if not nodes:
        raise NotFoundError(f"单位不存在：{shorten(department)}")
    inside = below_paths([node.path for node in nodes], "organisation__path")
    return _live().filter(inside & ~hidden_from(partner))


def departments_named(name: str, partner: Partner) -> list[Organisation]:
    """Organisations a report of `partner` may mean by `department` (protocol.md section 3).

    Inside its subtree or above it: a gateway that stands for one office reports under the company's name.
    At several places the company level comes first, then all of them.
    """
    own = partner.organisation
    above = [int(part) for part in own.path.strip("/").split("/")]
    rows = Organisation.objects.filter(Q(path__startswith=own.path) | Q(pk__in=above), name=name)
    found = sorted(rows, key=lambda node: (node.kind != OrganisationKind.COMPANY, node.kind, node.path))
    return [node for node in found if node.kind == found[0].kind]


def cameras_numbered(partner: Partner, camera_num: str, department: str | None = None) -> QuerySet[Camera]:
    """The one camera of that number, inside the subtree and, when given, inside `department`; or none."""
    scope = cameras_in_department(partner, department) if department else cameras_of(partner)
    return scope.filter(number_key=camera_num.strip().lower())


def find_camera(partner: Partner, camera_num: str, department: str | None = None) -> Camera:
    """One camera by number with its gateway; `NotFoundError` when it is not in the partner's scope."""
    cameras = cameras_numbered(partner, camera_num, department)
    camera = cameras.select_related("organisation__parent", "gateway__partner").first()
    if camera is None:
        raise NotFoundError(f"摄像机不存在：{shorten(camera_num)}")
    return camera


def is_ptz_open(camera: Camera, partner: Partner) -> bool:
    """Document 4.1 2.b: only opened cameras (重要点位) turn for an upper platform."""
    return PtzGrant.objects.filter(camera=camera, partner=partner).exists()


def department_name(camera: Camera) -> str:
    """The company a camera is registered under; `organisation__parent` should be loaded."""
    node = camera.organisation
    if node.kind == OrganisationKind.OFFICE and node.parent is not None:
        return node.parent.name
    return node.name


def camera_record(camera: Camera) -> CameraRecord:
    """The camera in the document's terms; `organisation__parent` and `gateway` should be loaded."""
    return CameraRecord(
        department=department_name(camera),
        camera_num=camera.number,
        camera_name=camera.name,
        longitude=camera.longitude,
        latitude=camera.latitude,
        road=camera.road,
        classify=codes.Classify(camera.classify),
        orientation=codes.Orientation(camera.orientation),
        camera_type=codes.CameraType(camera.camera_type),
        stake=camera.stake,
        stake_m=camera.stake_m,
        area=camera.area,
        road_section=camera.organisation.name,
        gateway_num=camera.gateway.code if camera.gateway else "",
        poi_name=camera.poi_name,
        others=camera.others,
    )


# What `record_of` needs, as names for `values_list`.
RECORD_FIELDS: Final = (
    *("number", "name", "longitude", "latitude", "road", "classify", "orientation", "camera_type"),
    *("stake", "stake_m", "area", "poi_name", "others"),
    *("organisation__name", "organisation__kind", "organisation__parent__name"),
)


def camera_records(cameras: QuerySet[Camera]) -> list[CameraRecord]:
    """`camera_record` of each but for its gateway, at a tenth of the cost: no object is made of any row."""
    return [record_of(*row) for row in cameras.values_list(*RECORD_FIELDS)]


def record_of(
    number: str,
    name: str,
    longitude: float,
    latitude: float,
    road: str,
    classify: int,
    orientation: int,
    camera_type: int,
    stake: str,
    stake_m: int,
    area: str,
    poi_name: str,
    others: str,
    node: str,
    kind: int,
    parent: str | None,
) -> CameraRecord:
    """From the values of RECORD_FIELDS; its gateway is left empty."""
    return CameraRecord(
        department=parent if kind == OrganisationKind.OFFICE and parent is not None else node,
        camera_num=number,
        camera_name=name,
        longitude=longitude,
        latitude=latitude,
        road=road,
        classify=codes.Classify(classify),
        orientation=codes.Orientation(orientation),
        camera_type=codes.CameraType(camera_type),
        stake=stake,
        stake_m=stake_m,
        area=area,
        road_section=node,
        gateway_num="",
        poi_name=poi_name,
        others=others,
    )


@dataclass(frozen=True)
class Assigned:
    """A camera of a gateway: where the province says that it is, and what the gateway says of it.

    `address` None: not configured here; `origin` None: not run there.
    """

    name: str
    number: str
    address: str | None
    origin: Origin | None
    fault: str


def assigned_cameras(configuration: GatewayConfiguration) -> list[Assigned]:
    """What is configured for the gateway beside what it runs, for those who keep the platform itself."""
    cameras = Camera.objects.filter(gateway=configuration.gateway_id, deleted_at=None)
    known = {
        number.lower(): (name, number, address)
        for name, number, address in cameras.values_list("name", "number", "source__address")
    }
    running = {one["cameraNum"].lower(): one for one in configuration.cameras}
    found = []
    for key in sorted(known.keys() | running.keys()):
        name, number, address = known.get(key) or ("", running[key]["cameraNum"], None)
        runs = running.get(key)
        if address is not None or runs:
            origin, fault = (Origin(runs["origin"]), runs["fault"]) if runs else (None, "")
            found.append(Assigned(name, number, address, origin, fault))
    return found


def search_cameras(
    user: User, text: str, limit: int = 50, statuses: Q | None = None
) -> list[Camera]:
    """Cameras for a search line: stake (`K1120+3`), road, both, or words of name, number and initials in Pinyin.

    `statuses` keeps those of some raw statuses; none means any.
    """
    cameras = cameras_visible_to(user).select_related("organisation")
    if statuses is not None:
        cameras = cameras.filter(statuses)
    if not text.strip():
        return []
    cameras, stake = _with_words(cameras, text)
    return list(cameras[:limit]) if stake is None else _near_stake(cameras, stake, limit)


def cameras_found(cameras: QuerySet[Camera], text: str) -> QuerySet[Camera]:
    """Those of `cameras` that a search line means, all of them and in their own order."""
    cameras, stake = _with_words(cameras, text)
    if stake is None:
        return cameras
    stake_m = _metres(stake)
    near = Q(stake_m__range=(stake_m - 5000, stake_m + 5000))
    return cameras.filter(near | _kilometre_begins_with(int(stake[1])) if stake[2] is None else near)


def _with_words(cameras: QuerySet[Camera], text: str) -> tuple[QuerySet[Camera], re.Match[str] | None]:
    """Narrowed by all words but the stake, which is told."""
    stake: re.Match[str] | None = None
    for word in text.split():
        if _ROAD.match(word):
            cameras = cameras.filter(road__istartswith=word)
        elif match := _STAKE.match(word):
            stake = match
        else:
            cameras = cameras.filter(_is_called(word))
    return cameras, stake


def name_words_of(text: str) -> list[str]:
    """Words of a search line that are neither road nor stake, which a row shows anyway."""
    return [word for word in text.split() if not _ROAD.match(word) and not _STAKE.match(word)]


def _metres(stake: re.Match[str]) -> int:
    """ "+3" begins +3xx: 1120+3 means somewhere in 1120+300."""
    return int(stake[1]) * 1000 + int((stake[2] or "0").ljust(3, "0"))


def _is_called(word: str) -> Q:
    # Of 20,000 names letters are made capital in more time than all the rest takes: only where it matters.
    if word.isascii() and word.isalnum():
        # The letters of a name itself are among its initials.
        named = Q(initials__contains=word.lower())
    else:
        named = Q(name__contains=word) if word.lower() == word.upper() else Q(name__icontains=word)
    offices = Organisation.objects.filter(name__icontains=word)
    return named | Q(number_key__startswith=word.lower()) | Q(organisation__in=offices.values("pk"))


def _near_stake(cameras: QuerySet[Camera], stake: re.Match[str], limit: int) -> list[Camera]:
    """The nearest first; `K11` may be half typed, so that K1100 and K1120 come after K11."""
    kilometre, stake_m = int(stake[1]), _metres(stake)
    near = cameras.filter(stake_m__range=(stake_m - 5000, stake_m + 5000))
    found = sorted(near, key=lambda camera: abs(camera.stake_m - stake_m))[:limit]
    if stake[2] is None and len(found) < limit:
        begun = cameras.filter(_kilometre_begins_with(kilometre))
        others = begun.exclude(pk__in=[camera.pk for camera in found]).order_by("stake_m", "pk")
        found += others[: limit - len(found)]
    return found


def _kilometre_begins_with(kilometre: int) -> Q:
    begun = Q(stake_m__range=(kilometre * 1000, kilometre * 1000 + 999))
    tens = 10
    while 0 < kilometre * tens < 10**_MOST_DIGITS:
        begun |= Q(stake_m__range=(kilometre * tens * 1000, (kilometre + 1) * tens * 1000 - 1))
        tens *= 10
    return begun


@dataclass(frozen=True)
class StatusCounts:
    """Cameras by raw status, as the wall shows them; `unknown` are those of which nothing was heard yet."""

    total: int
    online: int
    offline: int
    fault: int
    unknown: int


# Before anything is heard of it a camera's raw status is offline.
UNKNOWN: Final = Q(raw_status=OnlineStatus.OFFLINE, raw_status_at=None)


def count_statuses(cameras: QuerySet[Camera]) -> StatusCounts:
    counts = cameras.order_by().aggregate(
        total=Count("pk"),
        online=Count("pk", filter=Q(raw_status=OnlineStatus.ONLINE)),
        offline=Count("pk", filter=Q(raw_status=OnlineStatus.OFFLINE) & ~UNKNOWN),
        fault=Count("pk", filter=Q(raw_status=OnlineStatus.FAULT)),
        unknown=Count("pk", filter=UNKNOWN),
    )
    return StatusCounts(**counts)
