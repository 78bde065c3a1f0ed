"""The admin has no sign-in of its own."""

import pytest
from django.test import Client

from access.models import User

pytestmark = pytest.mark.django_db


def test_the_admin_sends_strangers_to_the_sign_in_that_counts_failures() -> None:
    answer = Client().get("/admin/cameras/camera/", follow=True)
    assert [step for step, _ in answer.redirect_chain][-1].startswith("/login/?next=%2Fadmin%2F")
    assert b"login-form" in answer.content


def test_a_password_sent_to_the_admin_itself_signs_nobody_in() -> None:
    User.objects.create_superuser("chief", password="Gaosu-2026-yun")
    browser = Client()
    browser.post("/admin/login/", {"username": "chief", "password": "Gaosu-2026-yun"})
    assert "_auth_user_id" not in browser.session


def test_staff_without_the_admin_are_refused_instead_of_sent_in_circles(operator: User) -> None:
    browser = Client()
    browser.force_login(operator)
    assert browser.get("/admin/", follow=True).status_code == 403
