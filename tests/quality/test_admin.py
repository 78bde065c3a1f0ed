"""The admin shows quality in words and lets nobody enter any."""

import pytest
from django.test import Client
from django.urls import reverse

from access.actors import SYSTEM
from access.models import User
from quality.choices import QualityFlag
from quality.models import CameraDiagnosis, CameraQuality
from quality.services.feedback import judge_alarm
from tests.cameras.ledger import camera
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.engine import GREY, ToldEngine, judge
from tests.quality.reports import GOOD, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def listed(client: Client, model: str, query: str = "") -> str:
    answer = client.get(reverse(f"admin:quality_{model}_changelist") + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_lists_speak_in_words(gateway: Caller, chief: Client) -> None:
    report(gateway, (1, "000100100"), (2, GOOD))
    page = listed(chief, "cameraquality")
    assert "图像模糊、图像噪声" in page
    assert "图像模糊：网关上报，11-22 12:00 起" in page
    assert "正常" in listed(chief, "qualitychange")
    assert "000100100" in listed(chief, "qualityverdict")


@pytest.mark.parametrize(("query", "shown"), [("?flag=3", True), ("?flag=any", True), ("?flag=4", False)])
def test_the_list_can_be_narrowed_to_a_flag(gateway: Caller, chief: Client, query: str, shown: bool) -> None:
    report(gateway, (1, "000100100"), (2, GOOD))
    page = listed(chief, "cameraquality", query)
    assert ("济南段 1 号" in page, "济南段 2 号" in page) == (shown, False)


def test_what_the_diagnosis_was_taught_is_seen(gateway: Caller, chief: Client) -> None:
    judge(ToldEngine({GREY: "-00100000"}), NOON, camera(1).pk)
    judge_alarm(camera=camera(1), flag=QualityFlag.BLURRED, is_real=False, actor=SYSTEM)
    page = listed(chief, "cameradiagnosis")
    assert "图像模糊 -0.7" in page
    assert "图像模糊" in listed(chief, "qualityfeedback")
    row = CameraDiagnosis.objects.get()
    answer = chief.get(reverse("admin:quality_cameradiagnosis_change", args=[row.pk]))
    assert answer.status_code == 200
    assert "痕迹" not in answer.content.decode()


def test_nothing_can_be_touched(gateway: Caller, chief: Client) -> None:
    report(gateway, (1, "000100100"))
    row = CameraQuality.objects.get()
    assert chief.get(reverse("admin:quality_cameraquality_add")).status_code == 403
    page = reverse("admin:quality_cameraquality_delete", args=[row.pk])
    assert chief.post(page, {"post": "yes"}).status_code == 403
