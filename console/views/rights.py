"""用户与权限: the matrix of roles, and one person at a time."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.actors import actor_of_user
from access.choices import Action, Role
from access.models import Organisation, User
from access.selectors import actions_allowed, organisations_visible_to
from access.services.accounts import (
    create_account,
    mark_screen,
    may_keep,
    may_mark_screen,
    switch_account,
    unmark_screen,
)
from access.services.rights import end_role, grant_role
from cameras.visibility import exceptions_overseen_by
from console.account import password_rules
from console.frame import frame_of
from console.params import id_of, moment_in, number_of, posted, text_of, whole
from console.permissions import Kind, public, reading, requires
from console.rights import (
    PersonPanel,
    cell_panel,
    matrix_of,
    person_of_matrix,
    place_of_matrix,
    roles_of,
)
from console.rights_cameras import exception_rows
from console.viewing_as import begin_viewing, end_viewing, may_view_as
from protocol.errors import MalformedError

_LAST_PAGE = 10_000


def tabs_of(user: User, tab: str) -> dict[str, object]:
    """Context that all pages of 用户与权限 share."""
    allowed = actions_allowed(user)
    return {
        **frame_of(user, "rights"),
        "tab": tab,
        "may_grant": Action.GRANT in allowed,
        "may_keep_users": Action.USERS in allowed,
    }


@require_GET
@requires(Action.OVERSEE, kind=Kind.PAGE)
def rights(request: HttpRequest, user: User) -> HttpResponse:
    words = text_of(request, "q", longest=60)
    page = number_of(request, "page", low=1, high=_LAST_PAGE, default=1)
    matrix = matrix_of(user, organisation_id=id_of(request, "org"), words=words, page=page)
    kept = {"org": matrix.node.pk if matrix.node else "", "q": words}
    context = {
        **tabs_of(user, "matrix"),
        "matrix": matrix,
        "words": words,
        "earlier": f"?{urlencode({**kept, 'page': page - 1})}" if page > 1 else "",
        "later": f"?{urlencode({**kept, 'page': matrix.later})}" if matrix.later else "",
    }
    return render(request, "console/rights.html", context)


@require_GET
@requires(Action.OVERSEE, kind=Kind.PART)
def cell(request: HttpRequest, user: User, user_id: int, organisation_id: int) -> HttpResponse:
    person, place = person_of_matrix(user, user_id), place_of_matrix(user, organisation_id)
    return _cell(request, user, person, place)


@require_POST
@requires(Action.OVERSEE, kind=Kind.PART)
def grant(request: HttpRequest, user: User, user_id: int, organisation_id: int) -> HttpResponse:
    """Gives a role, here or where the form says below it; or changes from and until of one that is held."""
    person, place = person_of_matrix(user, user_id), place_of_matrix(user, organisation_id)

    def give() -> str:
        chosen = posted(request, "organisation", longest=19)
        at = place_of_matrix(user, whole(chosen, "organisation", low=1, high=2**63 - 1)) if chosen else place
        if not place.contains(at):
            raise MalformedError("所选单位不在本列之内")
        row = grant_role(
            granter=user,
            user=person,
            role=_role(posted(request, "role", longest=16)),
            organisation=at,
            valid_from=moment_in(posted(request, "from", longest=20), "生效时间"),
            valid_until=moment_in(posted(request, "until", longest=20), "失效时间"),
            actor=actor_of_user(request),
        )
        return f"已授予 {row.get_role_display()}（{at.name}）"

    return _cell(request, user, person, place, give)


@require_POST
@requires(Action.OVERSEE, kind=Kind.PART)
def end(request: HttpRequest, user: User, user_id: int, organisation_id: int) -> HttpResponse:
    person, place = person_of_matrix(user, user_id), place_of_matrix(user, organisation_id)

    def take() -> str:
        role_id = whole(posted(request, "id", longest=19), "id", low=1, high=2**63 - 1)
        end_role(granter=user, role_id=role_id, user=person, actor=actor_of_user(request))
        return "已收回，下一次请求即失效"

    return _cell(request, user, person, place, take)


def _cell(
    request: HttpRequest,
    user: User,
    person: User,
    place: Organisation,
    work: Callable[[], str] | None = None,
) -> HttpResponse:
    """The panel, and after a change the cell of the matrix beside it."""
    is_node = request.GET.get("node") == "1"
    said, is_good = "", True
    if work is not None:
        try:
            said = work()
        except MalformedError as error:
            said, is_good = error.message, False
    context = {
        "panel": cell_panel(user, person, place, is_node=is_node),
        "is_node": is_node,
        "said": said,
        "is_good": is_good,
        "is_changed": work is not None,
    }
    return render(request, "console/_rights_cell.html", context)


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise MalformedError("没有这种角色") from None


@require_GET
@requires(Action.OVERSEE, kind=Kind.PART)
def person(request: HttpRequest, user: User, user_id: int) -> HttpResponse:
    return _person(request, user, person_of_matrix(user, user_id))


@require_POST
@requires(Action.OVERSEE, kind=Kind.PART)
def switch(request: HttpRequest, user: User, user_id: int) -> HttpResponse:
    """Switches an account off, or on again."""
    found = person_of_matrix(user, user_id)
    is_active = posted(request, "active", longest=1) == "1"
    switch_account(by=user, user=found, is_active=is_active, actor=actor_of_user(request))
    found.refresh_from_db()
    return _person(request, user, found, "已启用" if is_active else "已停用，下一次请求即失效")


@require_POST
@requires(Action.OVERSEE, kind=Kind.PART)
def screen(request: HttpRequest, user: User, user_id: int) -> HttpResponse:
    """Makes an account one for a big screen, at the networks given, or an ordinary one again."""
    found, actor = person_of_matrix(user, user_id), actor_of_user(request)
    said, is_good = "已取消大屏账号，须重新登录", True
    try:
        if posted(request, "order", longest=6) == "unmark":
            unmark_screen(by=user, user=found, actor=actor)
        else:
            mark_screen(by=user, user=found, networks=posted(request, "networks", longest=2000), actor=actor)
            said = "已设为大屏账号，请在大屏上重新登录"
    except MalformedError as error:
        said, is_good = error.message, False
    found.refresh_from_db()
    return _person(request, user, found, said, is_good=is_good)


def _person(
    request: HttpRequest, user: User, found: User, said: str = "", *, is_good: bool = True
) -> HttpResponse:
    rows = exceptions_overseen_by(user).filter(user=found)
    panel = PersonPanel(
        person=found,
        roles=roles_of(user, found),
        exceptions=exception_rows(rows),
        may_keep=may_keep(user, found),
        may_mark_screen=may_mark_screen(user, found),
        may_view_as=may_view_as(user, found),
    )
    return render(request, "console/_rights_person.html", {"panel": panel, "said": said, "is_good": is_good})


@require_http_methods(["GET", "POST"])
@requires(Action.USERS, kind=Kind.PART)
def new_user(request: HttpRequest, user: User) -> HttpResponse:
    """The form of a new account; its password is set here and handed over by whoever makes it."""
    places = organisations_visible_to(user, Action.USERS).order_by("path")
    context: dict[str, object] = {"places": places, "given": request.POST, "rules": password_rules()}
    if request.method == "POST":
        try:
            made = _make(request, user)
        except (ValidationError, MalformedError) as error:
            words = error.messages if isinstance(error, ValidationError) else [error.message]
            return render(request, "console/_rights_new.html", {**context, "said": "；".join(words)})
        messages.success(request, f"已新建用户 {made.display_name}（{made.username}），请点其所在行的格子授予角色")
        return HttpResponse(
            headers={"HX-Redirect": f"{reverse('console:rights')}?{urlencode({'q': made.username})}"}
        )
    return render(request, "console/_rights_new.html", context)


def _make(request: HttpRequest, user: User) -> User:
    chosen = whole(posted(request, "organisation", longest=19), "单位", low=1, high=2**63 - 1)
    place = organisations_visible_to(user, Action.USERS).filter(pk=chosen).first()
    if place is None:
        raise MalformedError("请选择所属单位")
    username, full_name = posted(request, "username", longest=150), posted(request, "full_name", longest=64)
    password = request.POST.get("password", "")
    if password != request.POST.get("again", ""):
        raise MalformedError("两次输入的密码不一致")
    validate_password(password, User(username=username, full_name=full_name))
    return create_account(
        by=user,
        username=username,
        full_name=full_name,
        password=password,
        organisation=place,
        actor=actor_of_user(request),
    )


@require_POST
@requires(Action.OVERSEE, kind=Kind.PART)
def view_as(request: HttpRequest, user: User, user_id: int) -> HttpResponse:
    begin_viewing(request, person_of_matrix(user, user_id))
    return HttpResponse(headers={"HX-Redirect": reverse("console:wall")})


@public
@reading
@require_POST
def end_view(request: HttpRequest) -> HttpResponseBase:
    """Open to whoever looks as somebody else: what that person may do decides nothing here."""
    end_viewing(request, "点击结束")
    return redirect("console:rights")
