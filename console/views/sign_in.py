"""Sign-in with its second step, and sign-out."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login as sign_in
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.csrf import csrf_failure as default_csrf_failure
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from access import screens
from access.actors import Actor, actor_of_user, address_of
from access.choices import ActorKind, Outcome
from access.lockouts import code_counter
from access.models import SecondFactor, User
from access.services.logs import record
from access.services.second_factor import pass_second_factor
from access.sign_in_steps import SignInStep, open_step, opens_before_steps
from console.permissions import public, refuse
from console.sign_in import SignInAttempt, await_code, awaited_user, code_is_given
from console.way_back import LOST

_PAGES = {SignInStep.PASSWORD: "console:password", SignInStep.FACTOR: "console:factor"}


class Login(LoginView):
    """Own page around Django's form: CSRF, rotation of the session id and the check of `next` are Django's."""

    template_name = "console/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        step = open_step(request)
        if step is not None and request.method == "GET":
            return redirect(f"{reverse(_PAGES[step])}?{urlencode({'next': self.get_success_url()})}")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.attempt = SignInAttempt.of(request)
        if wait := self.attempt.begin():
            return _too_often(self.render_to_response(self.get_context_data(problem=_wait(wait))), wait)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if user.is_screen and not screens.may_come_from(user, self.attempt.address):
            return self._refuse_screen(form, user)
        self.attempt.succeeded()
        if SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).exists():
            await_code(self.request, user, self.get_success_url())
            return redirect("console:login_code")
        response = super().form_valid(form)
        record(_actor(self.request, user), "登录")
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        self.attempt.failed()
        self.attempt.note_failure()
        return self.render_to_response(self.get_context_data(form=form, problem="用户名或密码不正确"))

    def _refuse_screen(self, form: Any, user: User) -> HttpResponse:
        # Counted like a wrong password, which from there it is as good as.
        self.attempt.failed()
        record(_actor(self.request, user), "登录", outcome=Outcome.REFUSED, reason=screens.ELSEWHERE)
        return self.render_to_response(self.get_context_data(form=form, problem=screens.ELSEWHERE))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        was_lost = self.request.method == "GET" and LOST in self.request.GET
        return {"province": settings.PROVINCE_NAME, "was_lost": was_lost, **super().get_context_data(**kwargs)}


class Logout(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            record(actor_of_user(request), "退出")
        return super().post(request, *args, **kwargs)


login = public(Login.as_view())
logout = opens_before_steps(public(Logout.as_view()))


@public
@never_cache
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """The code of the second factor, after the password and before anybody is signed in."""
    awaited = awaited_user(request)
    if awaited is None:
        return redirect("console:login")
    user, backend, target = awaited
    if request.method == "GET":
        return _code_page(request)
    counter = code_counter(user.pk)
    if wait := counter.begin():
        return _too_often(_code_page(request, _wait(wait)), wait)
    passed = pass_second_factor(user=user, code=request.POST.get("code", ""))
    if passed is None:
        counter.failed()
        record(_actor(request, user), "登录", outcome=Outcome.REFUSED, reason="动态口令不正确")
        return _code_page(request, "动态口令不正确或已用过")
    counter.forget()
    code_is_given(request)
    sign_in(request, user, backend=backend)
    left = passed.recovery_left
    record(_actor(request, user), "登录", reason="" if left is None else f"使用恢复码，剩 {left} 个")
    return redirect(target)


def _code_page(request: HttpRequest, problem: str = "") -> HttpResponse:
    return render(
        request, "console/login_code.html", {"province": settings.PROVINCE_NAME, "problem": problem}
    )


def _actor(request: HttpRequest, user: User) -> Actor:
    """Also of somebody who is not signed in yet, or has a step of the sign-in before them."""
    return Actor(ActorKind.STAFF, user.pk, user.display_name, address_of(request))


def _wait(seconds: int) -> str:
    return f"连续失败次数过多，请 {-(-seconds // 60)} 分钟后再试"


def _too_often(response: HttpResponse, wait: int) -> HttpResponse:
    response.status_code = 429
    response["Retry-After"] = str(wait)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Most often a page that stood open over a sign-out in another tab."""
    if request.path_info.startswith("/console/"):
        return refuse(403, "页面已过期，请刷新后重试")
    return default_csrf_failure(request, reason)
