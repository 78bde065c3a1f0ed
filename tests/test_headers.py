"""What every page says to the browser, console and admin alike (threats.md, stored XSS and session theft)."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from access.models import User
from cameras.models import Camera
from tests.console.conftest import camera  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

PAGES = ["/login/", "/login/code/", "/", "/online/", "/audit/", "/account/", "/account/password/", "/nowhere/"]


def admin_pages() -> list[str]:
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    return ["/admin/", "/admin/access/user/add/", *sorted(lists)]


@pytest.mark.parametrize("path", [*PAGES, *admin_pages()])
def test_no_page_lets_anything_foreign_in(path: str, superuser: User) -> None:
    browser = Client()
    if not path.startswith("/login/"):
        browser.force_login(superuser)
    headers = browser.get(path, follow=True).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'" and policy.get("script-src", "'self'") == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"} & set(str(policy).split())
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_over_https_the_browser_is_told_to_come_back_that_way(settings: object) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000  # type: ignore[attr-defined]
    page = Client().get("/login/", secure=True)
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_name_of_a_camera_stays_a_name(superuser: User, camera: Camera) -> None:  # noqa: F811
    Camera.objects.update(name="<script>alert(1)</script>")
    browser = Client()
    browser.force_login(superuser)
    for path in ("/admin/cameras/camera/", "/online/", f"/admin/cameras/camera/{camera.pk}/change/"):
        text = browser.get(path).content.decode()
        assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
