"""Items of ReportCameraQuality and ReportAnalyse."""

import json

import pytest

from protocol.bodies import parse_list
from protocol.cameras import CameraItemError
from protocol.reports import parse_analysis, parse_quality, quality_to_wire
from tests.protocol.samples import sample_bytes

NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"


def quality(**fields: object) -> bytes:
    return json.dumps({"cameraNum": NUM, "cameraStatus": "000100000", **fields}).encode()


def analysis(**fields: object) -> bytes:
    return json.dumps({"cameraNum": NUM, "data": "{}", **fields}).encode()


def test_the_documents_quality_sample() -> None:
    items = [parse_quality(raw) for raw in parse_list(sample_bytes("report_camera_quality"), what="x")]
    assert [(item.camera_num, item.flags, item.received) for item in items] == [
        (NUM, "100000000", "1000000000"),
        (NUM, "100000000", "1000000001"),
    ]


def test_the_documents_analysis_sample() -> None:
    items = [parse_analysis(raw) for raw in parse_list(sample_bytes("report_analyse"), what="x")]
    assert [(item.camera_num, item.data) for item in items] == [(NUM, "")] * 2


@pytest.mark.parametrize("given", ["000100000", " 000100000\n", "0001000007", "000100000" + "9" * 55])
def test_nine_digits_or_more(given: str) -> None:
    assert parse_quality(quality(cameraStatus=given)).flags == "000100000"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cameraStatus": "00010000"}, "至少 9 位"),
        ({"cameraStatus": "000１00000"}, "至少 9 位"),
        ({"cameraStatus": "000\u0000100000"}, "控制字符"),
        ({"cameraStatus": 1000000000}, "数字会丢失前导的 0"),
        ({"cameraStatus": True}, "应为字符型"),
        ({"cameraNum": None}, "缺少 cameraNum"),
        ({"cameraNum": "x" * 65}, "最多 64 个"),
    ],
)
def test_faults_of_quality_are_named(fields: dict[str, object], said: str) -> None:
    with pytest.raises(CameraItemError, match=said):
        parse_quality(quality(**fields))


def test_all_faults_of_an_item_are_told() -> None:
    with pytest.raises(CameraItemError) as caught:
        parse_quality(b"{}")
    assert set(caught.value.faults) == {"缺少 cameraStatus", "缺少 cameraNum"}
    with pytest.raises(CameraItemError, match="应为 JSON 对象"):
        parse_analysis(b"[]")


@pytest.mark.parametrize("data", ["", " \r\n\t{}", "\\u9ad8", "高🚗", "\x7f\x1b"])
def test_data_comes_through_unchanged(data: str) -> None:
    assert parse_analysis(analysis(data=data)).data == data


@pytest.mark.parametrize(
    ("data", "said"),
    [(None, "缺少 data"), ({}, "应为字符型"), ("a\0", "空字符"), ("\ud800", "代理项"), (0, "应为字符型")],
)
def test_data_that_cannot_be_kept(data: object, said: str) -> None:
    with pytest.raises(CameraItemError, match=said):
        parse_analysis(analysis(data=data))


def test_nine_or_ten_digits_are_sent() -> None:
    assert (quality_to_wire("000100000"), quality_to_wire("000100000", digits=10)) == (
        "000100000",
        "0001000000",
    )
