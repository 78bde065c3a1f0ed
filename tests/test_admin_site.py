"""The admin has no sign-in of its own."""

import pytest
from django.contrib import admin
from django.test import Client

from access.choices import Role
from access.models import Organisation, User
from access.services.staff import create_staff

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


@pytest.fixture
def auditor(province: Organisation) -> Client:
    """Reads the logs of the province, and nothing else."""
    user = create_staff(
        username="qian", password="Gaosu-2026-yun", full_name="钱工", role=Role.AUDITOR, organisation=province
    )
    browser = Client()
    browser.force_login(user)
    return browser


def test_an_auditor_reads_the_logs_and_nothing_else(auditor: Client) -> None:
    # The console is closed to them, and shows the way.
    wall = auditor.get("/")
    assert (wall.status_code, b'href="/admin/"' in wall.content) == (403, True)
    assert auditor.get("/admin/").status_code == 200
    statuses = {
        model._meta.label: auditor.get(
            f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        ).status_code
        for model in admin.site._registry
    }
    assert {label for label, status in statuses.items() if status == 200} == {
        "access.BehaviourLog",
        "ptz.PtzOrder",
    }
    assert {status for status in statuses.values()} == {200, 403}


def test_an_auditor_of_one_company_is_no_auditor_of_the_province(company: Organisation) -> None:
    user = create_staff(
        username="sun", password="Gaosu-2026-yun", full_name="孙工", role=Role.AUDITOR, organisation=company
    )
    browser = Client()
    browser.force_login(user)
    assert browser.get("/admin/access/behaviourlog/", follow=True).status_code == 403
