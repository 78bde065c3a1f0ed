"""What every page says to the browser, console and admin alike (threats.md, stored XSS and session theft)."""

from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from access.models import User
from cameras.models import Camera
from snapshots.storage.bucket import BucketStorage
from tests.console.conftest import camera  # noqa: F401 - a fixture
from tests.snapshots.object_store import options_for

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


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("path", ["/", "/film/", "/snapshots/", "/cases/", "/admin/"])
def test_pictures_may_come_from_where_their_addresses_lead(
    path: str, style: str, superuser: User, camera: Camera, settings: LazySettings  # noqa: F811
) -> None:
    """With SNAPSHOT_S3_PUBLIC_URL a picture's address leads on to the object store: the browser asks the policy there."""
    settings.SNAPSHOT_STORAGE, settings.SNAPSHOT_S3_BUCKET = "s3", "pictures"
    settings.SNAPSHOT_S3_PUBLIC_URL, settings.SNAPSHOT_S3_ADDRESSING = "https://store.example:9000/s3", style
    options = {"public_url": settings.SNAPSHOT_S3_PUBLIC_URL, "addressing_style": style}
    store = BucketStorage(**options_for("http://10.0.0.9:9000", "pictures", **options))
    at = urlsplit(store.direct_url("20261122/100000/0/1.jpg", 60) or "")
    assert f"{at.scheme}://{at.netloc}" in images_of(path, superuser)
    settings.SNAPSHOT_STORAGE = "folder"
    assert "store.example" not in str(images_of(path, superuser))


@pytest.mark.parametrize("url", ["https://a; script-src *", "https://*", "javascript://a", "https://u:p@a", "//a", "x"])
def test_an_odd_address_of_the_store_does_not_widen_the_policy(url: str, superuser: User, settings: LazySettings) -> None:
    settings.SNAPSHOT_STORAGE, settings.SNAPSHOT_S3_PUBLIC_URL = "s3", url
    assert images_of("/film/", superuser) == ["'self'", "data:", "blob:", settings.PUBLIC_BASE_URL]


def images_of(path: str, user: User) -> list[str]:
    browser = Client()
    browser.force_login(user)
    header = browser.get(path).headers["Content-Security-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in header.split(";"))
    return policy["img-src"].split()


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
