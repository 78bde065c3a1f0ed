"""VideoInformationDel (document 1.1 b), tombstones and their return to life."""

import pytest

from access.models import BehaviourLog
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, StatusChange
from cameras.services.status import set_stream_presence
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller, answer_of
from tests.protocol.samples import sample, sample_bytes

pytestmark = pytest.mark.django_db


def test_a_deletion_is_answered_as_the_document_prints_it(gateway_partner: Caller) -> None:
    printed = sample("video_information_del_answer")
    num = printed["backResult"][0]["cameraNum"]
    register(gateway_partner, wire(cameraNum=num))
    answer = gateway_partner.post("VideoInformationDel", {"cameras": [num]})
    assert {key: answer[key] for key in printed} == printed
    assert list(answer) == [*printed, "message"]


def test_the_sample_of_the_document_is_judged_one_by_one(gateway_partner: Caller) -> None:
    known = sample("video_information_del")["cameras"][3]
    register(gateway_partner, wire(cameraNum=known))
    answer = gateway_partner.post("VideoInformationDel", sample_bytes("video_information_del"))
    assert answer["code"] == 200
    assert [result["status"] for result in answer["backResult"]] == [1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert {result["info"] for result in answer["backResult"]} == {"删除成功", "摄像机不存在"}


def test_a_deleted_camera_stays_as_a_tombstone(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    set_stream_presence(present=[camera(1).pk])
    answer = gateway_partner.post("VideoInformationDel", {"cameras": [number(1).upper(), number(1)]})
    assert [result["status"] for result in answer["backResult"]] == [0, 0]
    assert {result["cameraNum"] for result in answer["backResult"]} == {number(1)}
    assert camera(1).deleted_at is not None
    assert not camera(1).has_stream
    again = gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    assert again["backResult"][0] == {"cameraNum": number(1), "status": 1, "info": "摄像机不存在"}


def test_a_deleted_number_registered_again_begins_anew(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    set_stream_presence(present=[camera(1).pk])
    assert camera(1).status == OnlineStatus.ONLINE
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    assert register(gateway_partner, wire(1, cameraNum=number(1).upper()))[0]["info"] == "注册成功"
    revived = camera(1)
    assert (revived.deleted_at, revived.number, revived.version) == (None, number(1).upper(), 2)
    # Online was in another life; nothing is known yet.
    assert (revived.status, revived.raw_status, revived.status_at) == (0, 0, None)


def test_the_history_of_a_deleted_camera_ends_offline(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1), wire(2))
    set_stream_presence(present=[camera(1).pk])
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1), number(2)]})
    told = StatusChange.objects.order_by("pk").values_list("camera", "status", "source", "reason")
    assert list(told) == [
        (camera(1).pk, OnlineStatus.ONLINE, StatusSource.STREAM, ""),
        (camera(1).pk, OnlineStatus.OFFLINE, StatusSource.STAFF, "已删除"),
    ]


def test_a_deleted_number_is_free_for_another_owner(gateway_partner: Caller, other_gateway: Caller) -> None:
    register(gateway_partner, wire(1))
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    gateway = make_gateway(other_gateway.partner)
    register(other_gateway, wire(1, department="齐鲁交通", roadSec="潍坊管理处"))
    assert (camera(1).owner, camera(1).gateway) == (other_gateway.partner, gateway)
    answer = gateway_partner.post("VideoInformation", [wire(1)])
    assert answer["backResult"][0]["status"] == 1


def test_review_first_holds_for_a_camera_that_comes_back(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    make_gateway(gateway_partner.partner, is_review_first=True)
    assert register(gateway_partner, wire(1))[0]["info"] == "待审核"


def test_a_gateway_deletes_only_its_own_and_learns_nothing_of_others(
    gateway_partner: Caller, other_gateway: Caller
) -> None:
    register(gateway_partner, wire(1))
    answer = other_gateway.post("VideoInformationDel", {"cameras": [number(1)]})
    assert answer["backResult"] == [{"cameraNum": number(1), "status": 1, "info": "摄像机不存在"}]
    assert camera(1).deleted_at is None


def test_more_than_100_numbers_delete_nothing(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    answer = gateway_partner.post("VideoInformationDel", {"cameras": [number(n) for n in range(1, 102)]})
    assert answer["code"] == 400
    assert "101" in answer["msg"]
    assert camera(1).deleted_at is None
    full = gateway_partner.post("VideoInformationDel", {"cameras": [number(n) for n in range(1, 101)]})
    assert (full["code"], full["backResult"][0]["status"]) == (200, 0)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"[]", "对象"),
        (b'{"cameras": "x"}', "cameras"),
        (b"{}", "cameras"),
        (b'{"cameras": ["a", 5]}', "cameras[1]"),
        (b'{"cameras": [', "第 1 行"),
    ],
)
def test_a_malformed_deletion_names_the_place_and_deletes_nothing(
    gateway_partner: Caller, body: bytes, place: str
) -> None:
    register(gateway_partner, wire(1))
    answer = answer_of(gateway_partner.request("POST", "VideoInformationDel", body=body))
    assert answer["code"] == 400
    assert place in answer["msg"]
    assert not Camera.objects.exclude(deleted_at=None).exists()


def test_who_may_not_report_deletes_nothing(gateway_partner: Caller, ministry: Caller) -> None:
    register(gateway_partner, wire(1))
    assert ministry.post("VideoInformationDel", {"cameras": [number(1)]})["code"] == 403
    assert gateway_partner.get("VideoInformationDel")["code"] == 400
    assert camera(1).deleted_at is None


def test_a_deletion_is_logged_with_what_was_refused(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1), number(2)]})
    row = BehaviourLog.objects.get(verb="删除摄像机")
    assert (row.detail, row.reason) == ({"删除成功": 1, "拒绝": 1}, "摄像机不存在")
