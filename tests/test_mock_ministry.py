"""The mock ministry reads the document strictly: what it lets pass, the real one should."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
from tongsuopy.crypto import hashes
from tongsuopy.crypto.asymciphers.ec import ECDSA, SM2, derive_private_key

from tests.mock_ministry import tokens
from tests.mock_ministry.running import ACCOUNT, PRIVATE_KEY, RunningMinistry

CAMERA = {
    "department": "江苏宁沪高速股份有限公司",
    "cameraNum": "aef89ecc-4cc6-4a6d-80fd-283196105b0b",
    "cameraName": "G25 (长深高速) 江苏南京 K1100+300",
    "longAndLati": "118.7741/32.247",
    "road": "G25",
    "classify": 1,
    "cameraOrientation": 0,
    "pileNum": "K1100+300",
    "area": "320100",
    "roadSec": "宁镇管理处",
    "cameraType": 1,
    "gatewayNum": "",
    "poiName": "长深高速",
    "others": "",
}
COMPANY = str(CAMERA["department"])
NUMBER = str(CAMERA["cameraNum"])
HEADERS = {"TAuth": "handed-over-offline", "AppVersion": "v1.0", "Content-Type": "application/json"}


@pytest.fixture
def ministry() -> Iterator[RunningMinistry]:
    with RunningMinistry() as running:
        yield running


def call(
    ministry: RunningMinistry,
    verb: str,
    body: object | None = None,
    *,
    headers: dict[str, str] | None = None,
    department: str | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    parameters = {"user": ACCOUNT.user, **({"department": department} if department else {}), **(query or {})}
    answer = urllib3.request(
        "GET" if body is None else "POST",
        f"{ministry.base_url}/service/video.{verb}?{urllib.parse.urlencode(parameters)}",
        body=body if isinstance(body, bytes) or body is None else json.dumps(body).encode(),
        headers=headers or HEADERS,
        retries=False,
    )
    assert answer.status == 200
    return dict(answer.json())


def sign(token: str, private_key: str = PRIVATE_KEY) -> str:
    key = derive_private_key(int(private_key, 16), SM2())
    text = f"deviceCode={ACCOUNT.device_code}&user={ACCOUNT.user}&token={token}"
    return str(key.sign(text.encode(), ECDSA(hashes.SM3())).hex())


def exchange(
    ministry: RunningMinistry, token: str, changed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    query = {"user": ACCOUNT.user, "deviceCode": ACCOUNT.device_code, "token": token, "sign": sign(token)}
    return call(ministry, "TokenInfo", query=query | dict(changed or {}))


def with_token(token: str) -> dict[str, str]:
    return {**HEADERS, "TAuth": token}


def test_a_camera_is_registered_changed_and_deleted(ministry: RunningMinistry) -> None:
    assert call(ministry, "VideoInformation", [CAMERA]) == {
        "code": 200,
        "msg": "成功",
        "backResult": [{"cameraNum": NUMBER, "status": 0, "info": "注册成功"}],
    }
    renamed = {**CAMERA, "cameraName": "G25 新名称"}
    assert call(ministry, "VideoInformation", [renamed])["backResult"][0]["info"] == "修改成功"
    assert call(ministry, "VideoInformation", [renamed])["backResult"][0]["info"] == "未变化"
    assert ministry.state()["cameras"] == [renamed]
    assert ministry.state()["departments"] == {COMPANY: 1}
    deletion = {"cameras": [NUMBER.upper(), NUMBER]}
    results = call(ministry, "VideoInformationDel", deletion)["backResult"]
    assert [(result["status"], result["info"]) for result in results] == [
        (0, "删除成功"),
        (1, "摄像机不存在"),
    ]
    assert ministry.state()["cameras"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("department", ""),
        ("cameraNum", "aef89ecc-4cc6-1a6d-80fd-283196105b0b"),
        ("longAndLati", "32.247/118.7741"),
        ("road", "长深"),
        ("classify", "1"),
        ("cameraOrientation", 3),
        ("pileNum", "1100"),
        ("area", "0320100"),
        ("cameraType", 0),
        ("roadSec", " 宁镇管理处"),
    ],
)
def test_each_item_is_judged_alone(ministry: RunningMinistry, field: str, value: object) -> None:
    other = {**CAMERA, "cameraNum": "918b150c-d3ce-4d16-8bca-dbab091dd983"}
    answer = call(ministry, "VideoInformation", [{**CAMERA, field: value}, other])
    assert answer["code"] == 200
    assert [result["status"] for result in answer["backResult"]] == [1, 0]
    assert field in answer["backResult"][0]["info"]
    assert [camera["cameraNum"] for camera in ministry.state()["cameras"]] == [other["cameraNum"]]


def test_status_quality_and_analysis_are_kept(ministry: RunningMinistry) -> None:
    call(ministry, "VideoInformation", [CAMERA])
    for verb, item in (
        ("ReportCameraStatus", {"cameraNum": NUMBER, "online": 1}),
        ("ReportCameraQuality", {"cameraNum": NUMBER, "cameraStatus": "000100000"}),
        ("ReportAnalyse", {"cameraNum": NUMBER, "data": '{"流量": 12}'}),
        ("ReporlAnalyse", {"cameraNum": NUMBER, "data": "<b>"}),
    ):
        assert call(ministry, verb, [item], department=COMPANY)["code"] == 200
    state = ministry.state()
    assert state["statuses"] == {NUMBER: 1}
    assert state["qualities"] == {NUMBER: "000100000"}
    assert [item["data"] for item in state["analysis"]] == ['{"流量": 12}', "<b>"]
    assert "&lt;b&gt;" in urllib3.request("GET", ministry.base_url).data.decode()


@pytest.mark.parametrize(
    ("verb", "item"),
    [
        ("ReportCameraQuality", {"cameraStatus": "00010000"}),
        ("ReportCameraQuality", {"cameraStatus": "000200000"}),
        ("ReportAnalyse", {"data": {"subject": "speed"}}),
        ("ReportAnalyse", {}),
    ],
)
def test_quality_and_analysis_have_their_shape(
    ministry: RunningMinistry, verb: str, item: dict[str, object]
) -> None:
    call(ministry, "VideoInformation", [CAMERA])
    assert call(ministry, verb, [{"cameraNum": NUMBER, **item}], department=COMPANY)["code"] == 400
    state = ministry.state()
    assert (state["qualities"], state["analysis"]) == ({}, [])


def test_reports_need_a_camera_of_that_department(ministry: RunningMinistry) -> None:
    item = {"cameraNum": NUMBER, "online": 1}
    assert call(ministry, "ReportCameraStatus", [item], department=COMPANY)["code"] == 404
    call(ministry, "VideoInformation", [CAMERA])
    assert call(ministry, "ReportCameraStatus", [item], department="别的公司")["code"] == 404
    assert call(ministry, "ReportCameraStatus", [{**item, "online": 3}], department=COMPANY)["code"] == 400
    mixed = call(ministry, "ReportCameraStatus", [{**item, "online": 3}, item], department=COMPANY)
    assert mixed["code"] == 200
    assert "第 1 条 online=3" in mixed["msg"]


@pytest.mark.parametrize(("header", "code"), [("TAuth", 403), ("AppVersion", 400), ("Content-Type", 400)])
def test_the_three_headers_are_demanded(ministry: RunningMinistry, header: str, code: int) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != header}
    assert call(ministry, "VideoInformation", [CAMERA], headers=headers)["code"] == code
    assert exchange(ministry, ACCOUNT.first_token)["code"] == 200
    assert ministry.state()["cameras"] == []


def test_bad_bodies_are_answered_in_the_envelope(ministry: RunningMinistry) -> None:
    assert call(ministry, "VideoInformation", b'[{"cameraNum": 1,}]')["code"] == 400
    assert call(ministry, "VideoInformation", {"cameras": []})["code"] == 400
    assert call(ministry, "VideoInformation")["code"] == 400  # GET
    assert call(ministry, "VideoInformationDel", {"cameras": [NUMBER] * 101})["code"] == 400
    assert call(ministry, "NoSuchVerb")["code"] == 404
    assert call(ministry, "VideoInformation", [CAMERA], query={"user": "somebody"})["code"] == 403


def test_a_token_is_exchanged_and_the_old_one_ends_with_the_first_use(ministry: RunningMinistry) -> None:
    first = ACCOUNT.first_token
    answer = exchange(ministry, first)
    second = answer["token"]["token"]
    assert answer["token"] == {"user": "province", "deviceCode": ACCOUNT.device_code, "token": second}
    # The answer may have been lost: the same question brings the same token.
    assert exchange(ministry, first)["token"]["token"] == second
    assert call(ministry, "VideoInformation", [CAMERA])["code"] == 200
    assert call(ministry, "VideoInformation", [CAMERA], headers=with_token(second))["code"] == 200
    assert call(ministry, "VideoInformation", [CAMERA])["code"] == 403
    assert exchange(ministry, first)["code"] == 403
    assert exchange(ministry, second)["code"] == 200


def test_an_expired_token_can_only_be_exchanged(
    ministry: RunningMinistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "LIFETIME_SECONDS", -1)
    assert call(ministry, "VideoInformation", [CAMERA])["code"] == 403
    assert exchange(ministry, ACCOUNT.first_token)["code"] == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"sign": ""},
        {"sign": "not a signature"},
        {"sign": "00" * 64},
        {"sign": sign("another token")},
        {"sign": sign(ACCOUNT.first_token, "11" * 32)},
        {"deviceCode": "b3RoZXI="},
        {"user": "somebody"},
        {"token": "unknown"},
    ],
)
def test_a_bad_exchange_is_refused(ministry: RunningMinistry, changed: dict[str, str]) -> None:
    assert exchange(ministry, ACCOUNT.first_token, changed)["code"] == 403
    assert exchange(ministry, ACCOUNT.first_token)["code"] == 200


def test_what_it_was_told_outlives_a_restart(tmp_path: Path) -> None:
    with RunningMinistry(tmp_path / "ministry.db") as first:
        token = exchange(first, ACCOUNT.first_token)["token"]["token"]
        call(first, "VideoInformation", [CAMERA], headers=with_token(token))
        item = {"cameraNum": NUMBER, "online": 1}
        call(first, "ReportCameraStatus", [item], headers=with_token(token), department=COMPANY)
        before = first.state()
    with RunningMinistry(tmp_path / "ministry.db") as second:
        assert second.state() == before
        assert call(second, "VideoInformation", [CAMERA], headers=with_token(token))["code"] == 200


def test_it_breaks_down_when_told_to(ministry: RunningMinistry) -> None:
    ministry.break_down("error500", verbs=["VideoInformation"])
    assert call(ministry, "VideoInformation", [CAMERA])["code"] == 500
    ministry.break_down("none")
    ministry.break_down("unknown", verbs=["VideoInformation"])
    assert call(ministry, "VideoInformation", [CAMERA])["code"] == 404
    assert exchange(ministry, ACCOUNT.first_token)["code"] == 200
    ministry.break_down("none")
    ministry.break_down("lost")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        call(ministry, "VideoInformation", [CAMERA])
    ministry.break_down("none")
    assert ministry.state()["cameras"] == [CAMERA]
    ministry.break_down("down")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        call(ministry, "VideoInformationDel", {"cameras": [NUMBER]})
    assert ministry.state()["cameras"] == [CAMERA]
    with pytest.raises(AssertionError, match="melt"):
        ministry.break_down("melt")


def test_the_calls_and_the_page_show_what_happened(ministry: RunningMinistry) -> None:
    call(ministry, "VideoInformation", [{**CAMERA, "cameraName": "<b>K1100+300</b>"}])
    (seen,) = ministry.calls()
    assert {name: seen[name] for name in ("verb", "department", "count", "code")} == {
        "verb": "VideoInformation",
        "department": COMPANY,
        "count": 1,
        "code": 200,
    }
    page = urllib3.request("GET", ministry.base_url).data.decode()
    assert "已注册摄像机 1 台" in page
    assert "&lt;b&gt;K1100+300&lt;/b&gt;" in page
