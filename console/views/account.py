"""One's own account: password, second factor, the browsers one is signed in with."""

import segno
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import (
    validate_password,
)
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.actors import actor_of_user, address_of
from access.choices import Outcome
from access.lockouts import code_counter
from access.models import User
from access.services.logs import record
from access.services.passwords import change_own_password
from access.services.second_factor import (
    begin_enrolment,
    confirm_enrolment,
    pass_second_factor,
    remove_second_factor,
    renew_recovery,
)
from access.sign_in_steps import SignInStep, is_done, needs_second_factor, open_step, password_reason
from access.staff_sessions import end_session, find_session, sessions_of
from access.totp import address_for
from console.account import factor_of, password_rules, password_state, session_rows
from console.frame import frame_of
from console.permissions import for_oneself, for_screens
from console.sign_in import SignInAttempt

_SAID = {
    "password": "密码已修改，其他浏览器中的登录已结束",
    "ended": "已结束",
    "removed": "动态口令已停用",
    "wrong": "动态口令不正确，没有改动",
    "wait": "动态口令连续输错，请稍后再试",
}


@require_GET
@for_oneself
@for_screens("GET")
def account(request: HttpRequest, user: User) -> HttpResponse:
    if open_step(request):
        return redirect("console:login")
    context = {
        **frame_of(user, "account"),
        "password": password_state(user),
        "factor": factor_of(user),
        "needs_factor": needs_second_factor(user),
        "sessions": session_rows(_own_sessions(user), request.session.session_key),
        "said": _SAID.get(request.GET.get("done", ""), ""),
    }
    return render(request, "console/account.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@for_oneself
@for_screens("GET", "POST")
def password(request: HttpRequest, user: User) -> HttpResponse:
    problems = _change_password(request, user) if request.method == "POST" else []
    if request.method == "POST" and not problems:
        is_done(request, SignInStep.PASSWORD)
        return _onward(request, "?done=password")
    context = {
        "reason": password_reason(user) if open_step(request) == SignInStep.PASSWORD else "",
        "is_step": open_step(request) is not None,
        "rules": password_rules(),
        "problems": problems,
        "next": request.GET.get("next", request.POST.get("next", "")),
    }
    return render(request, "console/password.html", context)


def _change_password(request: HttpRequest, user: User) -> list[str]:
    """What is wrong with it; none when it was changed."""
    # A browser left open must not become a place to guess at.
    attempt = SignInAttempt(user.username, address_of(request))
    if wait := attempt.begin():
        return [f"连续失败次数过多，请 {-(-wait // 60)} 分钟后再试"]
    if not user.check_password(request.POST.get("old", "")):
        attempt.failed()
        record(actor_of_user(request), "修改密码", outcome=Outcome.REFUSED, reason="原密码不正确")
        return ["原密码不正确"]
    attempt.succeeded()
    new = request.POST.get("new", "")
    if new != request.POST.get("again", ""):
        return ["两次输入的新密码不一致"]
    try:
        validate_password(new, user)
    except ValidationError as error:
        return list(error.messages)
    change_own_password(user=user, password=new, actor=actor_of_user(request))
    update_session_auth_hash(request, user)
    return []


@require_http_methods(["GET", "POST"])
@for_oneself
def factor(request: HttpRequest, user: User) -> HttpResponse:
    """Enrolment: the secret to scan, then a code of it, then the recovery codes."""
    if factor_of(user) is not None:
        return redirect("console:account")
    problem = ""
    if request.method == "POST":
        codes, problem = _confirmed(request, user)
        if codes:
            is_done(request, SignInStep.FACTOR)
            return _codes(request, codes)
    secret = begin_enrolment(user).secret
    issuer = f"{settings.PROVINCE_NAME}视频云"
    code = segno.make(address_for(secret, issuer=issuer, account=user.username), error="m", micro=False)
    context = {
        # Made of a matrix of ours alone: paths and numbers.
        "picture": mark_safe(code.svg_inline(scale=4, border=4, light="#fff")),  # noqa: S308
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "problem": problem,
        "is_step": open_step(request) is not None,
        "next": request.GET.get("next", request.POST.get("next", "")),
    }
    return render(request, "console/factor.html", context)


def _confirmed(request: HttpRequest, user: User) -> tuple[list[str], str]:
    counter = code_counter(user.pk)
    if counter.begin():
        return [], "连续输错，请稍后再试"
    codes = confirm_enrolment(user=user, code=request.POST.get("code", ""), actor=actor_of_user(request))
    if codes is None:
        counter.failed()
        return [], "动态口令不正确，请确认手机的时间准确"
    counter.forget()
    return codes, ""


@require_POST
@for_oneself
def recovery(request: HttpRequest, user: User) -> HttpResponse:
    """New recovery codes, or no second factor any more; for both it has to be there."""
    counter = code_counter(user.pk)
    if counter.begin():
        return _back("wait")
    if open_step(request) or not pass_second_factor(user=user, code=request.POST.get("code", "")):
        counter.failed()
        return _back("wrong")
    counter.forget()
    actor = actor_of_user(request)
    if request.POST.get("order") == "remove" and not needs_second_factor(user):
        remove_second_factor(user=user, actor=actor)
        return _back("removed")
    return _codes(request, renew_recovery(user=user, actor=actor))


@require_POST
@for_oneself
def end_sessions(request: HttpRequest, user: User) -> HttpResponse:
    """One of one's own, or with `others` all but this one."""
    sessions, this_key = _own_sessions(user), request.session.session_key
    if request.POST.get("handle") == "others":
        ended = [each for each in sessions if each.session_key != this_key]
    else:
        found = find_session(sessions, request.POST.get("handle", ""))
        ended = [found] if found is not None and found.session_key != this_key else []
    for session in ended:
        end_session(session=session, actor=actor_of_user(request))
    return _back("ended")


def _own_sessions(user: User):  # type: ignore[no-untyped-def]
    return sessions_of(User.objects.filter(pk=user.pk))


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(request, "console/recovery.html", {"codes": codes, "next": _target(request)})


def _onward(request: HttpRequest, query: str) -> HttpResponse:
    """Where somebody was going, or with another step of the sign-in to that; without either back to the account."""
    if open_step(request) or request.POST.get("next"):
        return redirect(_target(request))
    return redirect(f"{_account()}{query}")


def _target(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"


def _account() -> str:
    return str(redirect("console:account").headers["Location"])


def _back(word: str) -> HttpResponse:
    return redirect(f"{_account()}?done={word}")
