"""GetDepartmentVideoInfo and GetCameraStatus, seen in the field (protocol.md section 4)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.models import Partner
from cameras.models import Camera
from cameras.services.status import report_status, set_stream_presence
from protocol.bodies import StatusItem
from protocol.codes import OnlineStatus
from tests.cameras.ledger import COMPANY, OFFICE, camera, number, register, wire
from tests.cast import Caller

pytestmark = pytest.mark.django_db

VERBS = {"GetDepartmentVideoInfo": "videoInfo", "GetCameraStatus": "cameraStatus"}
each_verb = pytest.mark.parametrize(("verb", "key"), VERBS.items())


@pytest.fixture(autouse=True)
def ledger(gateway_partner: Caller) -> None:
    """Cameras 1 to 5 of the company."""
    register(gateway_partner, *(wire(n) for n in range(1, 6)))


def numbers(answer: dict[str, Any], key: str) -> list[str]:
    assert answer["code"] == 200, answer
    return [row["cameraNum"] for row in answer[key]]


def test_what_was_registered_is_read_back(ministry: Caller) -> None:
    answer = ministry.get("GetDepartmentVideoInfo", department=COMPANY, currPage=1, pageSize=1)
    assert list(answer) == ["code", "msg", "total", "videoInfo", "message"]
    assert answer["total"] == 5
    assert answer["videoInfo"] == [wire(1)]
    assert list(answer["videoInfo"][0]) == list(wire(1))


def test_statuses_are_those_reported(ministry: Caller, gateway_partner: Caller) -> None:
    set_stream_presence(present=[camera(1).pk])
    report_status(partner=gateway_partner.partner, items=[StatusItem(number(2), OnlineStatus.FAULT)])
    answer = ministry.get("GetCameraStatus", pageSize=3)
    assert answer["cameraStatus"] == [
        {"cameraNum": number(1), "onlineStatus": 1},
        {"cameraNum": number(2), "onlineStatus": 2},
        {"cameraNum": number(3), "onlineStatus": 0},
    ]


@each_verb
def test_pages_hold_every_camera_once(ministry: Caller, verb: str, key: str) -> None:
    pages = [numbers(ministry.get(verb, currPage=page, pageSize=2), key) for page in (1, 2, 3, 4)]
    assert pages == [[number(1), number(2)], [number(3), number(4)], [number(5)], []]
    assert len(numbers(ministry.get(verb), key)) == 5


@each_verb
@pytest.mark.parametrize(("department", "found"), [(COMPANY, 5), (OFFICE, 5), ("齐鲁交通", 0)])
def test_a_department_narrows(
    ministry: Caller, other_gateway: Caller, verb: str, key: str, department: str, found: int
) -> None:
    assert len(numbers(ministry.get(verb, department=department), key)) == found


@each_verb
def test_nothing_outside_the_subtree(ministry: Caller, other_gateway: Caller, verb: str, key: str) -> None:
    Partner.objects.filter(pk=ministry.partner.pk).update(organisation=other_gateway.partner.organisation)
    answer = ministry.get(verb)
    assert (answer["total"], answer[key]) == (0, [])
    assert ministry.get(verb, department=COMPANY)["code"] == 404


@each_verb
def test_deleted_and_pending_cameras_are_left_out(
    ministry: Caller, gateway_partner: Caller, verb: str, key: str
) -> None:
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    Camera.objects.filter(pk=camera(2).pk).update(is_pending=True)
    assert numbers(ministry.get(verb), key) == [number(3), number(4), number(5)]


@each_verb
@pytest.mark.parametrize(
    ("params", "code", "said"),
    [
        ({"pageSize": 501}, 400, "参数 pageSize 应为 1 至 500 的整数，收到 501"),
        ({"pageSize": 0}, 400, "参数 pageSize 应为 1 至 500 的整数，收到 0"),
        ({"currPage": 0}, 400, "参数 currPage 应为 1 至 1000000000 的整数，收到 0"),
        ({"currPage": "two"}, 400, "参数 currPage 应为 1 至 1000000000 的整数，收到 two"),
        ({"department": "没有的公司"}, 404, "单位不存在：没有的公司"),
    ],
)
def test_bad_parameters_are_named(
    ministry: Caller, verb: str, key: str, params: dict[str, object], code: int, said: str
) -> None:
    answer = ministry.get(verb, **params)
    assert (answer["code"], answer["msg"]) == (code, said)


@each_verb
def test_a_gateway_may_not_read_the_ledger(gateway_partner: Caller, verb: str, key: str) -> None:
    assert gateway_partner.get(verb)["code"] == 403


@each_verb
def test_the_number_of_queries_does_not_grow(
    ministry: Caller, gateway_partner: Caller, verb: str, key: str
) -> None:
    ministry.get(verb)
    counts = []
    for more in (range(6, 6), range(6, 33)):
        if more:
            register(gateway_partner, *(wire(n) for n in more))
        with CaptureQueriesContext(connection) as queries:
            ministry.get(verb)
        counts.append(len(queries))
    assert counts == [2, 2]
