"""ReportAnalyse (document 1.4; protocol.md section 3): kept byte for byte, understood where it can be."""

import json
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import TimeMachineFixture

from access.models import PartnerToken, User
from analysis.choices import Subject
from analysis.models import AnalysisResult
from analysis.tasks import keep_partitions
from tests.analysis.conftest import NOON
from tests.cameras.ledger import COMPANY, camera, number, register, wire
from tests.cast import Caller, answer_of
from tests.protocol.samples import sample_bytes

pytestmark = pytest.mark.django_db

FOG = '{"subject": "weather", "time": 1795319700, "phenomenon": "fog", "visibility": 120}'


def analyse(caller: Caller, *results: tuple[int, object], department: str = COMPANY) -> dict[str, object]:
    body = [{"cameraNum": number(n), "data": data} for n, data in results]
    return caller.post("ReportAnalyse", body, department=department)


def kept() -> list[AnalysisResult]:
    return list(AnalysisResult.objects.order_by("id"))


@pytest.mark.parametrize("verb", ["ReportAnalyse", "ReporlAnalyse"])
def test_both_spellings_keep_what_they_understand(gateway: Caller, verb: str) -> None:
    body = [{"cameraNum": number(1), "data": FOG}]
    assert gateway.post(verb, body, department=COMPANY) == {"code": 200, "msg": "成功", "message": "成功"}
    (row,) = kept()
    assert (row.camera, row.subject, row.level, row.figure) == (camera(1), Subject.WEATHER, "fog", 120.0)
    assert (row.occurred_at, row.received_at) == (NOON - timedelta(seconds=300), NOON)
    assert (row.data, row.fault) == (FOG, "")


def test_the_sample_of_the_document_is_kept_entry_by_entry(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(cameraNum="baee05a7-166a-48f8-9a57-3754c1a7ac65"))
    answer = gateway_partner.post("ReportAnalyse", sample_bytes("report_analyse"), department=COMPANY)
    assert answer == {"code": 200, "msg": "成功", "message": "成功"}
    assert [(row.data, row.subject, row.fault) for row in kept()] == [("", "", "内容为空")] * 2


@pytest.mark.parametrize(
    "data",
    [
        ' {"subject" :"speed",\r\n\t"meanSpeed": 80.00, "a":1, "a":2}  ',
        '{"subject":"speed","meanSpeed":8e1,"厂家":"\\u9ad8\\ud83d\\ude97","车":"🚗"}',
        "<xml>不是 JSON</xml>",
        "\ufeff{}",
        "x" * 60_000,
    ],
)
def test_data_is_kept_byte_for_byte(gateway: Caller, data: str) -> None:
    assert analyse(gateway, (1, data))["code"] == 200
    assert kept()[0].data == data


def test_what_does_not_fit_is_kept_with_the_reason(gateway: Caller) -> None:
    answer = analyse(gateway, (1, '{"subject": "speed", "meanSpeed": 999}'), (2, FOG))
    assert answer == {"code": 200, "msg": "成功", "message": "成功"}
    assert [row.fault for row in kept()] == ["meanSpeed 的值“999”应为 0 至 300 的数（km/h）", ""]
    assert [row.subject for row in kept()] == ["", Subject.WEATHER]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "缺少 data"),
        ({"subject": "speed"}, "应为字符型"),
        (5, "应为字符型"),
        ("a\0b", "空字符"),
        ("x" * 70_000, "超过上限 65536"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(gateway: Caller, data: object, said: str) -> None:
    answer = analyse(gateway, (1, data))
    assert answer["code"] == 400
    assert said in str(answer["msg"])
    assert analyse(gateway, (1, data), (2, FOG))["code"] == 200
    assert [row.camera for row in kept()] == [camera(2)]


def test_a_lone_surrogate_costs_its_item_only(gateway: Caller) -> None:
    body = json.dumps([{"cameraNum": number(1), "data": "\ud800"}, {"cameraNum": number(2), "data": FOG}])
    answer = gateway.post("ReportAnalyse", body.encode(), department=COMPANY)
    assert (answer["code"], len(kept())) == (200, 1)
    assert "第 1 项 data" in answer["msg"]


def test_unknown_cameras_are_named(gateway: Caller) -> None:
    assert analyse(gateway, (50, FOG), (50, FOG))["code"] == 404
    answer = analyse(gateway, (1, FOG), (50, FOG), (50, FOG))
    assert answer["msg"] == f"已接收 1 项，未接收 1 项：摄像机不存在：{number(50)}"
    assert analyse(gateway, (50, FOG), (1, 5))["code"] == 400
    assert analyse(gateway)["code"] == 200


def test_a_gateway_reports_only_of_its_own_cameras(gateway: Caller, other_gateway: Caller) -> None:
    assert analyse(other_gateway, (1, FOG))["code"] == 404
    assert analyse(gateway, (1, FOG), department="齐鲁交通")["code"] == 404
    assert kept() == []


def test_who_may_not_report_is_refused(gateway: Caller, ministry: Caller) -> None:
    assert analyse(ministry, (1, FOG))["code"] == 403
    assert gateway.get("ReportAnalyse", department=COMPANY)["code"] == 400
    answer = answer_of(gateway.request("POST", "ReporlAnalyse", body=b"{}"))
    assert (answer["code"], "数组" in answer["msg"]) == (400, True)


def test_the_number_of_queries_does_not_grow_with_the_list(gateway: Caller) -> None:
    register(gateway, *[wire(n) for n in range(10, 50)])
    analyse(gateway, (1, FOG))
    counts = []
    for first, size in ((10, 3), (20, 30)):
        with CaptureQueriesContext(connection) as queries:
            analyse(gateway, *[(n, FOG) for n in range(first, first + size)])
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 12


def days() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'analysis_analysisresult'::regclass ORDER BY 1"
        )
        return [name.removeprefix("analysis_analysisresult_") for (name,) in cursor.fetchall()]


def test_results_are_kept_so_many_whole_days(
    gateway: Caller, clock: TimeMachineFixture, settings: LazySettings
) -> None:
    settings.ANALYSIS_KEEP_DAYS = 3
    PartnerToken.objects.update(expires_at=NOON + timedelta(days=9))
    analyse(gateway, (1, FOG))
    clock.shift(86_400)
    analyse(gateway, (2, FOG))
    keep_partitions()
    assert days() == ["20261122", "20261123", "20261124", "20261125"]
    clock.shift(3 * 86_400)
    keep_partitions()
    assert [row.camera for row in kept()] == [camera(2)]
    # The day of the receipt counts: an old event is not dropped on arrival.
    analyse(gateway, (3, '{"subject": "speed", "meanSpeed": 1, "time": "2024-01-01 00:00:00"}'))
    keep_partitions()
    assert [row.camera for row in kept()] == [camera(2), camera(3)]


def test_a_retention_of_nothing_is_told(settings: LazySettings) -> None:
    settings.ANALYSIS_KEEP_DAYS = 0
    assert "analysis.E001" in {message.id for message in run_checks()}


def test_the_admin_lists_them_in_words_and_lets_nobody_touch_them(
    gateway: Caller, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse(gateway, (1, FOG), (2, "[]"), (3, FOG))
    client = Client()
    client.force_login(superuser)
    url = reverse("admin:analysis_analysisresult_changelist")
    page = client.get(url).content.decode()
    assert "天气现象 雾，能见度 120 m" in page
    assert "应为一个 JSON 对象" in page
    assert "未识别" in page
    found = client.get(url, {"q": number(2)}).content.decode()
    assert ("应为一个 JSON 对象" in found, "能见度" in found) == (True, False)
    row = kept()[0]
    change = client.get(reverse("admin:analysis_analysisresult_change", args=[row.pk]))
    assert "phenomenon" in change.content.decode()
    delete = reverse("admin:analysis_analysisresult_delete", args=[row.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:analysis_analysisresult_add")).status_code == 403
    monkeypatch.setattr("access.admin.base._MOST_COUNTED", 2)
    assert "2 分析结果" in client.get(url).content.decode().replace("条", "")
