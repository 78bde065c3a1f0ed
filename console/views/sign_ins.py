"""登录会话: who is signed in where, ended at will; locks lifted and second factors taken away."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.lockouts import unlock
from access.models import User
from access.selectors import people_managed_by
from access.services.logs import record
from access.services.second_factor import remove_second_factor
from access.staff_sessions import end_session, find_session, may_lose_factor, sessions_of
from console.account import person_rows, session_rows
from console.frame import frame_of
from console.params import whole
from console.permissions import Kind, requires
from protocol.errors import ForbiddenError, NotFoundError

_SAID = {
    "ended": "会话已结束，该浏览器的下一次操作须重新登录",
    "unlocked": "登录锁定已解除",
    "removed": "动态口令已停用，该用户下次登录时重新启用",
    "none": "该用户没有启用动态口令",
}


@require_GET
@requires(Action.USERS, kind=Kind.PAGE)
def sign_ins(request: HttpRequest, user: User) -> HttpResponse:
    people = people_managed_by(user)
    context = {
        **frame_of(user, "sign_ins"),
        "sessions": session_rows(sessions_of(people), request.session.session_key),
        "people": person_rows(people, may_lose_factor(people, by=user)),
        "said": _SAID.get(request.GET.get("done", ""), ""),
    }
    return render(request, "console/sign_ins.html", context)


@require_POST
@requires(Action.USERS, kind=Kind.PAGE)
def end(request: HttpRequest, user: User) -> HttpResponse:
    session = find_session(sessions_of(people_managed_by(user)), request.POST.get("handle", ""))
    if session is not None:
        end_session(session=session, actor=actor_of_user(request))
    return _done("ended")


@require_POST
@requires(Action.USERS, kind=Kind.PAGE)
def unlock_name(request: HttpRequest, user: User) -> HttpResponse:
    person = _managed(request, user)
    unlock(person.username, person.pk)
    record(
        actor_of_user(request),
        "解除登录锁定",
        object_kind="user",
        object_id=person.pk,
        object_name=person.username,
    )
    return _done("unlocked")


@require_POST
@requires(Action.USERS, kind=Kind.PAGE)
def remove_factor(request: HttpRequest, user: User) -> HttpResponse:
    """For a lost telephone."""
    person = _managed(request, user)
    if not may_lose_factor(people_managed_by(user), by=user).filter(pk=person.pk).exists():
        raise ForbiddenError("自己的和三员的动态口令不在此停用，须在服务器上执行 manage.py remove_second_factor")
    removed = remove_second_factor(user=person, actor=actor_of_user(request))
    return _done("removed" if removed else "none")


def _managed(request: HttpRequest, user: User) -> User:
    pk = whole(request.POST.get("user", ""), "user", low=1, high=2**63 - 1)
    person = people_managed_by(user).filter(pk=pk).first()
    if person is None:
        raise NotFoundError("用户不存在")
    return person


def _done(word: str) -> HttpResponse:
    return redirect(f"{reverse('console:sign_ins')}?done={word}")
