"""用户与权限: exceptions of people and roles, and the suggestions that its forms name cameras and people by."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.actors import actor_of_user
from access.choices import CAMERA_ACTIONS, Action, Role
from access.models import User
from cameras.services.rights import end_exception, make_exception
from cameras.visibility import exceptions_overseen_by
from console.params import id_of, moment_in, posted, posted_id, text_of
from console.permissions import Kind, requires
from console.rights_cameras import exception_rows, groups_of, places_of, subject_of, target_of
from console.rights_choices import (
    LONGEST_TEXT,
    camera_choice,
    camera_choices,
    person_choice,
    person_choices,
)
from console.views.rights import tabs_of
from console.views.rights_cameras import done
from protocol.errors import ForbiddenError, MalformedError, NotFoundError, ProtocolError

_FIELDS = ("username", "role", "role_at", "camera", "group", "effect", "action", "reason", "from", "until")
_IS_DENIED = {"deny": True, "allow": False}


@require_http_methods(["GET", "POST"])
@requires(Action.OVERSEE, kind=Kind.PAGE)
def exceptions(request: HttpRequest, user: User) -> HttpResponse:
    """All that count or will; posted, a new one. What was entered stays where it is refused."""
    if request.method == "POST":
        if request.POST.get("partner"):
            return done(request, lambda: _new_exception(request, user), "rights_partners")
        try:
            messages.success(request, _new_exception(request, user))
        except (MalformedError, NotFoundError, ForbiddenError) as error:
            given = {name: request.POST.get(name, "") for name in _FIELDS}
            return _page(request, user, given, error)
        return redirect("console:rights_exceptions")
    given = {
        "camera": text_of(request, "camera", longest=LONGEST_TEXT),
        "group": str(id_of(request, "group") or ""),
        "username": text_of(request, "user", longest=150),
    }
    return _page(request, user, given)


def _page(
    request: HttpRequest, user: User, given: dict[str, str], error: ProtocolError | None = None
) -> HttpResponse:
    if error is not None:
        messages.error(request, error.message)
    context = {
        **tabs_of(user, "exceptions"),
        "rows": exception_rows(exceptions_overseen_by(user)),
        "groups": groups_of(user),
        "places": places_of(user, Action.OVERSEE),
        "roles": Role.choices,
        "actions": [(action.value, action.label) for action in CAMERA_ACTIONS],
        "given": given,
        "camera_choice": camera_choice(user, given["camera"]),
        "person_choice": person_choice(user, given["username"]),
    }
    status = int(error.code) if error is not None else 200
    return render(request, "console/rights_exceptions.html", context, status=status)


def _new_exception(request: HttpRequest, user: User) -> str:
    subject = subject_of(
        user,
        username=posted(request, "username", longest=150),
        role=posted(request, "role", longest=16),
        role_at=posted_id(request, "role_at"),
        partner_id=posted_id(request, "partner"),
    )
    target = target_of(
        user, group_id=posted_id(request, "group"), number=posted(request, "camera", longest=LONGEST_TEXT)
    )
    row = make_exception(
        by=user,
        subject=subject,
        target=target,
        action=_action(posted(request, "action", longest=16)),
        is_denied=subject.partner is not None or _is_denied(posted(request, "effect", longest=5)),
        valid_from=moment_in(posted(request, "from", longest=20), "生效时间"),
        valid_until=moment_in(posted(request, "until", longest=20), "失效时间"),
        reason=posted(request, "reason", longest=100),
        actor=actor_of_user(request),
    )
    return f"已设置：{row}"


def _action(text: str) -> Action:
    if text not in {action.value for action in CAMERA_ACTIONS}:
        raise MalformedError("请选择操作")
    return Action(text)


def _is_denied(text: str) -> bool:
    # Neither of the two may be what comes of nothing.
    if text not in _IS_DENIED:
        raise MalformedError("请选择禁止或允许")
    return _IS_DENIED[text]


@require_POST
@requires(Action.OVERSEE, kind=Kind.PAGE)
def end(request: HttpRequest, user: User, exception_id: int) -> HttpResponse:
    row = exceptions_overseen_by(user).filter(pk=exception_id).first()
    if row is None:
        raise NotFoundError("该例外不存在")

    def work() -> str:
        end_exception(by=user, exception_id=exception_id, actor=actor_of_user(request))
        return f"已撤销：{row}"

    return done(request, work, "rights_partners" if row.partner_id else "rights_exceptions")


@require_GET
@requires(Action.OVERSEE, kind=Kind.PART)
def cameras(request: HttpRequest, user: User) -> HttpResponse:
    """Suggestions while the name of a camera is typed."""
    text = text_of(request, "camera", longest=LONGEST_TEXT)
    return render(
        request, "console/_rights_choices.html", {"choices": camera_choices(user, text), "text": text}
    )


@require_GET
@requires(Action.OVERSEE, kind=Kind.PART)
def people(request: HttpRequest, user: User) -> HttpResponse:
    """Suggestions while the name of a person is typed."""
    text = text_of(request, "username", longest=150)
    return render(
        request, "console/_rights_choices.html", {"choices": person_choices(user, text), "text": text}
    )
