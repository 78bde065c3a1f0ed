"""Pages for what went wrong: Chinese, and without anything from inside."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests.console.desk import Desk, text_of


def test_unknown_page_is_told_in_chinese(desk: Desk) -> None:
    response = desk.client.get("/nowhere/")
    assert response.status_code == 404
    assert "<h1>页面不存在</h1>" in text_of(response)
    assert "Content-Security-Policy" in response.headers


def test_expired_login_form_is_told_in_chinese(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "wang"})
    assert response.status_code == 403
    assert "<h1>页面已过期</h1>" in text_of(response)


def test_forbidden_page_names_the_missing_right(auditor_desk: Desk) -> None:
    response = auditor_desk.get("wall")
    assert response.status_code == 403
    assert "当前用户 钱工 没有“查看视频”权限" in text_of(response)


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_notices_need_nothing_that_may_be_broken(name: str) -> None:
    # No request, no database: they are shown when those fail.
    page = render_to_string(f"{name}.html")
    assert '<html lang="zh-CN" data-theme="office">' in page
    assert "返回视频监控" in page
