"""JSON of presets and tours of the wall."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.choices import Action
from access.models import Organisation, User
from cameras.choices import OnlineStatus
from cameras.selectors import cameras_on_road, cameras_visible_to, is_road, road_counts
from cameras.services.walls import remove_preset, save_preset
from console.answers import answer
from console.params import body_of, id_of, text_of, whole
from console.permissions import Kind, for_screens, requires
from console.presets import preset_to_json, presets_of
from console.road_names import road_names
from console.tree import organisation_totals
from protocol.errors import MalformedError, NotFoundError

# A day and a half at ten seconds a page of nine.
_MOST_TOUR = 6000
_LONGEST_ROAD = 64
_LARGEST_ID = 2**63 - 1


@require_http_methods(["GET", "POST"])
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("GET")
def presets(request: HttpRequest, user: User) -> JsonResponse:
    """All that the user may put up; POST keeps one under its name."""
    if request.method == "GET":
        return answer({"presets": presets_of(user)})
    body = body_of(request)
    cameras = body.get("cameras")
    if not isinstance(cameras, list):
        raise MalformedError("cameras 应为摄像机 id 的列表")
    preset = save_preset(
        user=user,
        name=str(body.get("name", "")),
        layout=whole(body.get("layout"), "layout", low=1, high=25),
        cameras=[whole(camera or 0, "cameras", low=0, high=_LARGEST_ID) for camera in cameras],
        is_shared=body.get("is_shared") is True,
    )
    return answer({"preset": preset_to_json(preset, user)})


@require_POST
@requires(Action.WATCH, kind=Kind.JSON)
def forget_preset(request: HttpRequest, user: User, preset_id: int) -> JsonResponse:
    remove_preset(user=user, preset_id=preset_id)
    return answer({})


@require_GET
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("GET")
def places(request: HttpRequest, user: User) -> JsonResponse:
    """What can be toured: roads (number, name, cameras) and organisations (id, name, depth, cameras)."""
    cameras = cameras_visible_to(user)
    totals = {road: total for road, (_, total) in road_counts(cameras).items() if is_road(road)}
    names = road_names(cameras, totals)
    roads = [(road, names.get(road, ""), total) for road, total in totals.items()]
    return answer({"roads": roads, "organisations": organisation_totals(cameras)})


@require_GET
@requires(Action.WATCH, kind=Kind.JSON)
@for_screens("GET")
def tour(request: HttpRequest, user: User) -> JsonResponse:
    """Cameras that are online now, in driving order: of a `road`, of an `organisation`, or all."""
    road = text_of(request, "road", longest=_LONGEST_ROAD)
    organisation_id = id_of(request, "organisation")
    cameras, name = cameras_visible_to(user), "全部摄像机"
    if organisation_id is not None:
        organisation = Organisation.objects.filter(pk=organisation_id).first()
        if organisation is None:
            raise NotFoundError("单位不存在")
        cameras, name = cameras.filter(organisation__path__startswith=organisation.path), organisation.name
    elif road:
        cameras = cameras_on_road(cameras, road)
        name = f"{road} {road_names(cameras, [road]).get(road, '')}".strip()
    if not cameras.exists():
        raise NotFoundError(f"{name if organisation_id is None else '该单位'}没有可查看的摄像机")
    online = cameras.filter(raw_status=OnlineStatus.ONLINE)
    ids = online.order_by("road", "stake_m", "orientation", "pk").values_list("pk", flat=True)
    return answer({"name": name, "ids": list(ids[:_MOST_TOUR])})
