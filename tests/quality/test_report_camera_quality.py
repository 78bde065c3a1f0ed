"""ReportCameraQuality (document 1.3; protocol.md section 3): what is taken in, what is refused, in which words."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quality.models import CameraQuality, QualityVerdict
from tests.cameras.ledger import COMPANY, OFFICE, camera, number, register, wire
from tests.cast import Caller, answer_of
from tests.protocol.samples import sample_bytes
from tests.quality.conftest import NOON
from tests.quality.reports import BLURRED, GOOD, NOISY, held, history, report

pytestmark = pytest.mark.django_db


def test_nine_flags_are_kept_with_their_source_and_time(gateway: Caller) -> None:
    assert report(gateway, (1, BLURRED)) == {"code": 200, "msg": "成功", "message": "成功"}
    row = CameraQuality.objects.get(camera=camera(1))
    assert (row.flags, row.changed_at) == (BLURRED, NOON)
    assert (row.sources, set(row.since)) == ("ggggggggg", {NOON.timestamp()})
    assert history() == [(BLURRED, "g")]


def test_the_sample_of_the_document_is_taken_in_and_the_later_entry_wins(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(cameraNum="baee05a7-166a-48f8-9a57-3754c1a7ac65"))
    body = sample_bytes("report_camera_quality")
    answer = gateway_partner.post("ReportCameraQuality", body, department=COMPANY)
    assert answer == {"code": 200, "msg": "成功", "message": "成功"}
    assert CameraQuality.objects.get().flags == "100000000"
    # The tenth digit has no meaning in the document's table; it is kept as it came.
    assert QualityVerdict.objects.get().received == "1000000001"


def test_a_repetition_is_no_change(gateway: Caller) -> None:
    report(gateway, (1, GOOD))
    report(gateway, (1, GOOD + "7"))
    assert (held(), history()) == (GOOD, [])
    assert QualityVerdict.objects.get().received == GOOD + "7"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("00010000", "至少 9 位"),
        ("00010000x", "至少 9 位"),
        ("000200000", "至少 9 位"),
        ("0001000００", "至少 9 位"),
        ("", "不能为空"),
        ("0" * 65, "最多 64 个"),
        (100000000, "数字会丢失前导的 0"),
        (None, "缺少 cameraStatus"),
        (["000100000"], "应为字符型"),
    ],
)
def test_what_is_no_quality_is_refused_in_words(gateway: Caller, given: object, said: str) -> None:
    answer = report(gateway, (1, given))
    assert answer["code"] == 400
    assert str(answer["msg"]).startswith("第 1 项 ")
    assert said in str(answer["msg"])
    assert held() == ""


def test_what_was_not_applied_is_named_with_its_count(gateway: Caller) -> None:
    strangers = [(n, GOOD) for n in range(50, 62)]
    answer = report(gateway, (1, BLURRED), (2, "1"), *strangers)
    assert answer["code"] == 200
    text = str(answer["msg"])
    assert text.startswith("已接收 1 项，未接收 13 项：第 2 项 cameraStatus")
    assert text.count("摄像机不存在") == 9
    assert text.endswith("等共 13 项")
    assert (held(1), held(2)) == (BLURRED, "")


def test_nothing_applied_is_404_when_all_are_unknown_else_400(gateway: Caller) -> None:
    assert report(gateway, (50, GOOD), (51, GOOD))["code"] == 404
    assert report(gateway, (50, GOOD), (1, "模糊"))["code"] == 400
    assert report(gateway)["code"] == 200
    assert not CameraQuality.objects.exists()


def test_a_gateway_reports_only_its_own_cameras(gateway: Caller, other_gateway: Caller) -> None:
    assert report(other_gateway, (1, BLURRED))["code"] == 404
    assert report(other_gateway, (1, BLURRED), department=None)["code"] == 404
    assert report(gateway, (1, NOISY), department=None)["code"] == 200
    assert held() == NOISY


@pytest.mark.parametrize(
    ("department", "code"),
    [(COMPANY, 200), (OFFICE, 200), ("示范省", 200), ("齐鲁交通", 404), ("没有这个单位", 404)],
)
def test_the_department_is_the_cameras_or_above(gateway: Caller, department: str, code: int) -> None:
    assert report(gateway, (1, BLURRED), department=department)["code"] == code
    assert held() == (BLURRED if code == 200 else "")


def test_numbers_are_compared_without_regard_to_case(gateway: Caller) -> None:
    body = [{"cameraNum": f" {number(1).upper()} ", "cameraStatus": BLURRED}]
    assert gateway.post("ReportCameraQuality", body)["code"] == 200
    assert held() == BLURRED


def test_a_deleted_camera_is_unknown(gateway: Caller) -> None:
    gateway.post("VideoInformationDel", {"cameras": [number(1)]})
    assert report(gateway, (1, GOOD))["code"] == 404


def test_who_may_not_report_is_refused(gateway: Caller, ministry: Caller) -> None:
    assert report(ministry, (1, GOOD))["code"] == 403
    assert gateway.get("ReportCameraQuality", department=COMPANY)["code"] == 400
    assert not CameraQuality.objects.exists()


@pytest.mark.parametrize(("body", "place"), [(b"{}", "数组"), (b"[{]", "第 1 行"), (b"", "空")])
def test_a_malformed_list_names_the_place(gateway: Caller, body: bytes, place: str) -> None:
    answer = answer_of(gateway.request("POST", "ReportCameraQuality", body=body))
    assert answer["code"] == 400
    assert place in answer["msg"]


def test_the_number_of_queries_does_not_grow_with_the_list(gateway: Caller) -> None:
    register(gateway, *[wire(n) for n in range(10, 50)])
    for flags in (BLURRED, NOISY, NOISY):
        counts = []
        for first, size in ((10, 3), (20, 30)):
            with CaptureQueriesContext(connection) as queries:
                report(gateway, *[(n, flags) for n in range(first, first + size)])
            counts.append(len(queries))
        assert counts[0] == counts[1]
        assert counts[0] <= 18
