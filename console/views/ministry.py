"""部级对接: what each upper platform holds of what we hold, and what staff can do about it."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.models import User
from access.services.logs import record
from console.calls import call_page, calls_wanted
from console.differences import note_check_asked
from console.frame import frame_of
from console.params import whole
from console.permissions import Kind, requires
from console.upstream import view_of
from console.waiting import count_anew
from console.words import moment
from ministry.choices import DifferenceKind, Interface
from ministry.models import LedgerCheck, UpperPlatform
from ministry.selectors.overview import listed_strangers, newest_check
from ministry.selectors.platforms import platforms_managed_by
from ministry.services import parking, reconciliation
from ministry.services.token import exchange_token
from ministry.tasks import check_ledger_of
from protocol.errors import MalformedError, NotFoundError, RemoteError

_REPAIRED_FREELY = [kind for kind in DifferenceKind if kind != DifferenceKind.STRANGER]


@require_GET
@requires(Action.MINISTRY, kind=Kind.PAGE)
def ministry(request: HttpRequest, user: User) -> HttpResponse:
    platforms = platforms_managed_by(user).order_by("-is_active", "name")
    context = {
        **frame_of(user, "ministry"),
        "views": [view_of(platform) for platform in platforms],
        "interfaces": Interface.choices,
        "may_admin": user.has_perm("ministry.change_upperplatform"),
    }
    return render(request, "console/ministry.html", context)


@require_GET
@requires(Action.MINISTRY, kind=Kind.PART, is_poll=True)
def standing(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    """Everything of one platform but its log; fetched every few seconds."""
    return _standing(request, _managed(user, platform_id))


@require_GET
@requires(Action.MINISTRY, kind=Kind.PART, is_poll=True)
def calls(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    page = call_page(_managed(user, platform_id), calls_wanted(request))
    return render(request, "console/_ministry_calls.html", {"page": page, "platform_id": platform_id})


@require_POST
@requires(Action.MINISTRY, kind=Kind.PART)
def retry(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    platform = _managed(user, platform_id)
    parking.retry_now(platform=platform, actor=actor_of_user(request))
    return _standing(request, platform, "已取消等待，马上重试")


@require_POST
@requires(Action.MINISTRY, kind=Kind.PART)
def retry_parked(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    """Of one interface, or with 0 of all."""
    platform = _managed(user, platform_id)
    number = whole(request.POST.get("interface", "0"), "interface", low=0, high=max(Interface))
    interface = Interface(number) if number else None
    count = parking.retry_parked(platform=platform, actor=actor_of_user(request), interface=interface)
    return _standing(request, platform, f"{count:,} 项搁置的上报马上重试" if count else "没有搁置的上报")


@require_POST
@requires(Action.MINISTRY, kind=Kind.PART)
def check(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    """Asks for a check; the page shows its result when there is one."""
    platform = _managed(user, platform_id)
    note_check_asked(platform)
    record(
        actor_of_user(request),
        "核对上级平台台账",
        object_kind="upper_platform",
        object_id=platform.pk,
        object_name=platform.name,
    )
    check_ledger_of.delay(platform.pk)
    return _standing(request, platform, "已开始核对，完成后显示在这里")


@require_POST
@requires(Action.MINISTRY, kind=Kind.PART)
def repair(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    """Of one kind, or with 0 of all that are repaired without deleting what was never ours."""
    platform = _managed(user, platform_id)
    number = whole(request.POST.get("kind", "0"), "kind", low=0, high=max(DifferenceKind))
    kinds: Sequence[DifferenceKind] = [DifferenceKind(number)] if number else _REPAIRED_FREELY
    shown = whole(request.POST.get("check", ""), "check", low=1, high=2**63 - 1)
    newest = newest_check(platform)
    if newest is None or newest.pk != shown:
        # What was agreed to was another list.
        raise MalformedError("已有更新的核对结果，请看过后再修复")
    if kinds == [DifferenceKind.STRANGER]:
        _ensure_agreed(request, newest)
    count = reconciliation.repair(check=newest, actor=actor_of_user(request), kinds=kinds)
    if kinds == [DifferenceKind.STRANGER]:
        return _standing(request, platform, f"已在对方删除 {count:,} 个点位")
    return _standing(request, platform, f"已安排修复 {count:,} 处差异，随上报完成")


@require_POST
@requires(Action.MINISTRY, kind=Kind.PART)
def new_token(request: HttpRequest, user: User, platform_id: int) -> HttpResponse:
    platform = _managed(user, platform_id)
    try:
        exchange_token(platform=platform, actor=actor_of_user(request))
    except RemoteError as error:
        return _standing(request, platform, f"令牌没有更换：{error.message}", is_good=False)
    return _standing(request, platform, "令牌已更换")


def _ensure_agreed(request: HttpRequest, check: LedgerCheck) -> None:
    """Strangers are deleted over there: only as many as were on the screen of who agreed to it."""
    agreed = whole(request.POST.get("agreed", "0"), "agreed", low=0, high=2**31)
    if agreed != sum(row.repaired_at is None for row in listed_strangers(check)):
        raise MalformedError("删除对方的点位须先看过清单再确认")


def _managed(user: User, platform_id: int) -> UpperPlatform:
    platform = platforms_managed_by(user).filter(pk=platform_id).first()
    if platform is None:
        raise NotFoundError("上级平台不存在")
    return platform


def _standing(
    request: HttpRequest, platform: UpperPlatform, said: str = "", *, is_good: bool = True
) -> HttpResponse:
    platform.refresh_from_db()
    if said:
        count_anew(platform)
    context = {
        "view": view_of(platform),
        "said": said,
        "said_at": moment(timezone.now()),
        "is_good": is_good,
        "may_admin": request.user.has_perm("ministry.change_upperplatform"),
    }
    return render(request, "console/_ministry_standing.html", context)
