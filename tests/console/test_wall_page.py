"""The main screen, and what keeps foreign script out of it."""

import re
from pathlib import Path

import pytest
from django.conf import LazySettings

from access.models import User
from cameras.models import Camera
from streaming.models import MediaServer
from tests.console.desk import Desk

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# What is handed out as a file has to carry its style with it.
PAGES = [file for file in TEMPLATES if file.name != "export_head.html"]
STATIC = sorted(file for file in (ROOT / "static/console").rglob("*") if file.is_file())
HOSTILE = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}"


def policy_of(desk: Desk) -> dict[str, str]:
    header = desk.get("wall").headers["Content-Security-Policy"]
    return dict(part.strip().partition(" ")[::2] for part in header.split(";"))


def test_policy_allows_our_host_and_the_play_domains_only(
    desk: Desk, media_server: MediaServer, settings: LazySettings
) -> None:
    MediaServer.objects.create(
        name="out", kind="zlm", rtmp_url="", http_url="http://10.0.0.9", is_active=False
    )
    policy = policy_of(desk)
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self' http://10.0.0.5:8080 ws://10.0.0.5:8080"
    assert policy["img-src"] == f"'self' data: blob: {settings.PUBLIC_BASE_URL}"
    assert policy["media-src"] == "blob:"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)


def test_a_play_domain_cannot_widen_the_policy(desk: Desk, db: None) -> None:
    hostile = "http://a; script-src *"
    MediaServer.objects.create(name="hostile", kind="zlm", rtmp_url="", http_url=hostile)
    policy = policy_of(desk)
    assert policy["connect-src"] == "'self'"
    assert "script-src" not in policy


def test_wall_tells_who_is_there(desk: Desk) -> None:
    text = desk.page("wall")
    assert "云台操作员 · 王工" in text
    assert "管理后台" not in text


def test_admin_is_linked_for_those_who_may_enter(superuser: User) -> None:
    assert 'href="/admin/" data-testid="nav-admin">管理后台' in Desk(superuser).page("wall")


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_no_inline_script_or_style(file: Path) -> None:
    text = file.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) == []
    assert re.findall(r"\|\s*safe\b|autoescape off", text) == []


@pytest.mark.parametrize("file", [*TEMPLATES, *STATIC], ids=lambda file: file.name)
def test_nothing_comes_from_elsewhere(file: Path) -> None:
    text = file.read_text().replace("http://www.w3.org/", "")
    assert re.findall(r"https?://|//cdn|@import", text) == []


@pytest.mark.parametrize(
    "file", [file for file in STATIC if file.suffix == ".js"], ids=lambda file: file.name
)
def test_scripts_write_text_not_markup(file: Path) -> None:
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", file.read_text()) == []
    )


def test_hostile_camera_name_stays_text(desk: Desk, camera: Camera) -> None:
    Camera.objects.filter(pk=camera.pk).update(name=HOSTILE)
    escaped = "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;{{ 7*7 }}"
    for page in (desk.page("branch", camera.organisation_id), desk.page("search", q="G2")):
        assert "<img" not in page
        assert escaped in page
    assert desk.json("card", camera.pk)["card"]["name"] == HOSTILE


def test_hostile_search_stays_text(desk: Desk, camera: Camera) -> None:
    page = desk.page("search", q='"><script>alert(1)</script>')
    assert "<script" not in page
