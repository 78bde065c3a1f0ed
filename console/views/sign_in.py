"""Sign-in and sign-out."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.csrf import csrf_failure as default_csrf_failure

from access.actors import actor_of_user
from access.services.logs import record
from console.permissions import public, refuse
from console.sign_in import SignInAttempt


class Login(LoginView):
    """Own page around Django's form: CSRF, rotation of the session id and the check of `next` are Django's."""

    template_name = "console/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.attempt = SignInAttempt.of(request)
        if wait := self.attempt.wait_seconds():
            problem = f"连续失败次数过多，请 {-(-wait // 60)} 分钟后再试"
            response = self.render_to_response(self.get_context_data(problem=problem), status=429)
            response["Retry-After"] = str(wait)
            return response
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        self.attempt.succeeded()
        record(actor_of_user(self.request), "登录")
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        self.attempt.failed()
        return self.render_to_response(self.get_context_data(form=form, problem="用户名或密码不正确"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"province": settings.PROVINCE_NAME, **super().get_context_data(**kwargs)}


class Logout(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            record(actor_of_user(request), "退出")
        return super().post(request, *args, **kwargs)


login = public(Login.as_view())
logout = public(Logout.as_view())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Most often a page that stood open over a sign-out in another tab."""
    if request.path_info.startswith("/console/"):
        return refuse(403, "页面已过期，请刷新后重试")
    return default_csrf_failure(request, reason)
