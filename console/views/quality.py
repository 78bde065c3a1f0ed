"""图像质量: what is wrong with which picture, since when, and whether it is true."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.models import Organisation, User
from access.selectors import organisations_visible_to
from console.answers import answer
from console.cards import visible_camera
from console.frame import frame_of
from console.params import body_of, id_of, number_of, text_of, whole
from console.permissions import Kind, requires
from console.places import place_in
from console.quality import Wanted, organisations_in, quality_view
from protocol.errors import MalformedError, NotFoundError, shorten
from quality.choices import QualityFlag
from quality.services.feedback import judge_alarm

_ANY = -1


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def quality(request: HttpRequest, user: User) -> HttpResponse:
    organisations = list(organisations_visible_to(user, Action.SNAPSHOT))
    context = {
        **frame_of(user, "quality"),
        **_content(request, user, organisations),
        "organisations": organisations_in(organisations),
        "flags": QualityFlag.choices,
    }
    return render(request, "console/quality.html", context)


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PART, is_poll=True)
def standing(request: HttpRequest, user: User) -> HttpResponse:
    """The table; fetched every few seconds and after each word of a person."""
    organisations = list(organisations_visible_to(user, Action.SNAPSHOT))
    return render(request, "console/_quality_standing.html", _content(request, user, organisations))


@require_POST
@requires(Action.LEDGER, kind=Kind.JSON)
def judge(request: HttpRequest, user: User, camera_id: int) -> JsonResponse:
    """A person says that an abnormality is real, or a false alarm."""
    camera = visible_camera(user, camera_id, Action.LEDGER)
    body = body_of(request)
    flag = QualityFlag(whole(body.get("flag"), "flag", low=0, high=max(QualityFlag)))
    is_real = body.get("is_real")
    if not isinstance(is_real, bool):
        raise MalformedError("is_real 应为 true 或 false")
    judge_alarm(camera=camera, flag=flag, is_real=is_real, actor=actor_of_user(request))
    words = "已确认属实" if is_real else "已判为误报"
    return answer({"message": f"{camera.stake} {flag.label}：{words}"})


def _content(request: HttpRequest, user: User, organisations: list[Organisation]) -> dict[str, object]:
    wanted = _wanted(request, organisations)
    form = {
        "flag": "" if wanted.flag is None else wanted.flag.value,
        "organisation": wanted.organisation.pk if wanted.organisation else "",
        "road": wanted.road,
    }
    kept = {name: value for name, value in form.items() if value != ""}
    view = quality_view(user, wanted)
    here = {**kept, "before": request.GET["before"]} if wanted.before else kept
    return {
        "view": view,
        "wanted": wanted,
        "form": form,
        # Of the links in the head of a column: another flag of the same cameras.
        "others": urlencode({name: value for name, value in kept.items() if name != "flag"}),
        "here": urlencode(here),
        "first": urlencode(kept),
        "older": urlencode({**kept, "before": view.older}) if view.older else "",
    }


def _wanted(request: HttpRequest, organisations: list[Organisation]) -> Wanted:
    number = number_of(request, "flag", low=0, high=max(QualityFlag), default=_ANY)
    organisation_id = id_of(request, "organisation")
    organisation = next((node for node in organisations if node.pk == organisation_id), None)
    if organisation_id is not None and organisation is None:
        raise NotFoundError("单位不存在")
    road = text_of(request, "road", longest=20).upper()
    if road and not (road.isascii() and road.isalnum()):
        raise MalformedError(f"road 的值“{shorten(road)}”应形如 G2")
    before = text_of(request, "before", longest=60)
    return Wanted(
        flag=None if number == _ANY else QualityFlag(number),
        organisation=organisation,
        road=road,
        before=place_in(before) if before else None,
    )
