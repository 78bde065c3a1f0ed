"""VideoInformation (document 1.1 a): each item judged alone, the batch as a whole."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.models import BehaviourLog, Organisation, Partner
from cameras.models import Camera, PtzGrant
from cameras.selectors import department_name
from cameras.services.ledger import report_moves
from tests.cameras.ledger import COMPANY, OFFICE, camera, infos, make_gateway, number, register, wire
from tests.cast import Caller, answer_of
from tests.protocol.samples import sample, sample_bytes

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_a_new_camera_is_answered_as_the_document_prints_it(gateway_partner: Caller) -> None:
    num = sample("video_information_answer")["backResult"][0]["cameraNum"]
    answer = gateway_partner.post("VideoInformation", [wire(cameraNum=num)])
    printed = sample("video_information_answer")
    assert {key: answer[key] for key in printed} == printed
    assert list(answer) == [*printed, "message"]
    assert list(answer["backResult"][0]) == list(printed["backResult"][0])


def test_the_sample_of_the_document_is_taken_in(gateway_partner: Caller) -> None:
    answer = gateway_partner.post("VideoInformation", sample_bytes("video_information"))
    assert infos(answer) == ["注册成功", "注册成功"]
    stored = Camera.objects.get()
    # The later of the two wins: classify 0, and the word 上行 for the direction.
    assert (stored.classify, stored.orientation) == (0, 0)
    assert (department_name(stored), stored.organisation.name) == ("江苏宁沪高速股份有限公司", "宁镇管理处")


def test_every_field_is_stored(gateway_partner: Caller) -> None:
    own = make_gateway(gateway_partner.partner)
    register(gateway_partner, wire(1, others="备注", cameraOrientation="双向", area=370100))
    stored = camera(1)
    assert stored.number == number(1)
    assert stored.name == "G2 京沪高速 济南段 1 号"
    assert (stored.longitude, stored.latitude) == (117.0009, 36.6758)
    assert (stored.road, stored.stake, stored.stake_m, stored.area) == ("G2", "K401+300", 401_300, "370100")
    assert (stored.classify, stored.orientation, stored.camera_type) == (1, 2, 2)
    assert (stored.poi_name, stored.others) == ("京沪高速", "备注")
    assert (department_name(stored), stored.organisation.name) == (COMPANY, OFFICE)
    assert (stored.gateway, stored.owner) == (own, gateway_partner.partner)
    assert (stored.version, stored.is_pending, stored.deleted_at) == (1, False, None)


def test_again_the_same_is_no_change_and_a_change_raises_the_version(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    assert infos(gateway_partner.post("VideoInformation", [wire(1)])) == ["未变化"]
    assert camera(1).version == 1
    assert infos(gateway_partner.post("VideoInformation", [wire(1, poiName="黄河大桥")])) == ["修改成功"]
    assert (camera(1).version, camera(1).poi_name) == (2, "黄河大桥")


def test_another_road_section_moves_the_camera_and_is_a_change(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    assert infos(gateway_partner.post("VideoInformation", [wire(1, roadSec="泰安管理处")])) == ["修改成功"]
    assert (camera(1).organisation.name, camera(1).version) == ("泰安管理处", 2)


def test_bad_items_do_not_hold_up_good_ones(gateway_partner: Caller) -> None:
    bad = wire(2, longAndLati="36.6758/117.0009", pileNum="1100", cameraName=None)
    answer = gateway_partner.post("VideoInformation", [wire(1), bad, 7, wire(3)])
    assert answer["code"] == 200
    results = answer["backResult"]
    assert [result["status"] for result in results] == [0, 1, 1, 0]
    assert [result["cameraNum"] for result in results] == [number(1), number(2), "", number(3)]
    for field in ("longAndLati", "36.6758/117.0009", "pileNum", "1100", "cameraName"):
        assert field in results[1]["info"]
    assert set(Camera.objects.values_list("number_key", flat=True)) == {number(1), number(3)}


def test_a_refused_item_leaves_no_organisation_behind(gateway_partner: Caller, other_gateway: Caller) -> None:
    register(gateway_partner, wire(1))
    before = Organisation.objects.count()
    bad = [wire(2, roadSec="德州管理处", area="37"), wire(1, department="齐鲁交通", roadSec="潍坊管理处")]
    answer = other_gateway.post("VideoInformation", bad)
    assert [result["status"] for result in answer["backResult"]] == [1, 1]
    assert Organisation.objects.count() == before


def test_the_same_camera_twice_is_answered_twice_and_the_later_wins(gateway_partner: Caller) -> None:
    answer = gateway_partner.post("VideoInformation", [wire(1, poiName="甲"), wire(2), wire(1, poiName="乙")])
    assert infos(answer) == ["注册成功"] * 3
    assert camera(1).poi_name == "乙"
    answer = gateway_partner.post("VideoInformation", [wire(1, poiName="丙"), wire(1, poiName="乙")])
    assert infos(answer) == ["未变化", "未变化"]


def test_numbers_are_compared_without_regard_to_case_and_kept_as_registered(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1, cameraNum=number(1).upper()))
    answer = gateway_partner.post("VideoInformation", [wire(1)])
    assert infos(answer) == ["未变化"]
    assert answer["backResult"][0]["cameraNum"] == number(1).upper()
    register(gateway_partner, wire(1, poiName="黄河大桥"))
    assert camera(1).number == number(1).upper()


def test_uuid_4_is_demanded_unless_the_partner_may_do_without(gateway_partner: Caller) -> None:
    plain = wire(1, cameraNum="37000001")
    answer = gateway_partner.post("VideoInformation", [plain])
    assert answer["backResult"][0]["status"] == 1
    assert "UUID4" in answer["backResult"][0]["info"]
    Partner.objects.filter(pk=gateway_partner.partner.pk).update(needs_uuid4=False)
    assert infos(gateway_partner.post("VideoInformation", [plain])) == ["注册成功"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "空"),
        (b'{"department": 1}', "数组"),
        (b'[{"cameraNum": }]', "第 1 行第 16 列"),
        (b"[" * 30 + b"]" * 30, "嵌套"),
        ("[\n{济南}]".encode("gbk"), "UTF-8"),
    ],
)
def test_a_body_that_is_no_list_is_malformed_and_the_place_is_named(
    gateway_partner: Caller, body: bytes, place: str
) -> None:
    answer = answer_of(gateway_partner.request("POST", "VideoInformation", body=body))
    assert answer["code"] == 400
    assert place in answer["msg"]
    assert not Camera.objects.exists()


def test_too_many_items_are_refused_before_any_is_applied(gateway_partner: Caller) -> None:
    good = wire(1)
    answer = gateway_partner.post("VideoInformation", [good] + [{}] * 20_000)
    assert (answer["code"], Camera.objects.count()) == (400, 0)
    assert "20000" in answer["msg"]


def test_who_may_not_report_changes_nothing(ministry: Caller, gateway_partner: Caller) -> None:
    assert ministry.post("VideoInformation", [wire(1)])["code"] == 403
    response = gateway_partner.request("POST", "VideoInformation", body=[wire(1)], token="unknown")
    assert answer_of(response)["code"] == 403
    assert gateway_partner.get("VideoInformation")["code"] == 400
    assert not Camera.objects.exists()


def test_a_gateway_changes_only_its_own_cameras(
    gateway_partner: Caller, other_gateway: Caller, ministry: Caller
) -> None:
    register(gateway_partner, wire(1))
    answer = other_gateway.post("VideoInformation", [wire(1, poiName="别人的"), wire(2)])
    assert [result["status"] for result in answer["backResult"]] == [1, 0]
    assert number(1) in answer["backResult"][0]["info"]
    assert camera(1).poi_name == "京沪高速"
    # Handed to its gateway by staff, an entry of nobody's is its own.
    Camera.objects.filter(pk=camera(1).pk).update(owner=None, gateway=make_gateway(gateway_partner.partner))
    assert infos(gateway_partner.post("VideoInformation", [wire(1, poiName="自己的")])) == ["修改成功"]


def test_neighbours_in_one_company_keep_to_their_own(
    gateway_partner: Caller, other_gateway: Caller, company: Organisation
) -> None:
    Partner.objects.filter(pk=other_gateway.partner.pk).update(organisation=company)
    register(gateway_partner, wire(1))
    assert other_gateway.post("VideoInformation", [wire(1)])["backResult"][0]["status"] == 1
    answer = other_gateway.post("VideoInformationDel", {"cameras": [number(1)]})
    assert answer["backResult"][0]["info"] == "摄像机不存在"
    status = [{"cameraNum": number(1), "online": 2}]
    assert other_gateway.post("ReportCameraStatus", status, department=COMPANY)["code"] == 404
    assert camera(1).deleted_at is None


def test_a_camera_that_staff_moved_elsewhere_is_no_longer_the_gateways(
    gateway_partner: Caller, other_company: Organisation
) -> None:
    register(gateway_partner, wire(1))
    Camera.objects.update(organisation=other_company)
    assert gateway_partner.post("VideoInformation", [wire(1)])["backResult"][0]["status"] == 1
    assert camera(1).organisation == other_company


def test_the_gateway_named_is_taken_if_it_lies_in_the_subtree(
    gateway_partner: Caller, other_gateway: Caller, company: Organisation
) -> None:
    own = make_gateway(gateway_partner.partner)
    foreign = make_gateway(other_gateway.partner)
    register(gateway_partner, wire(1, gatewayNum=foreign.code), wire(2, gatewayNum="unheard-of"))
    assert (camera(1).gateway, camera(2).gateway) == (own, own)
    Partner.objects.filter(pk=other_gateway.partner.pk).update(organisation=company)
    register(gateway_partner, wire(1, gatewayNum=foreign.code))
    assert camera(1).gateway == foreign


def test_a_gateway_under_review_waits_for_staff(gateway_partner: Caller, ministry: Caller) -> None:
    make_gateway(gateway_partner.partner, is_review_first=True)
    assert register(gateway_partner, wire(1))[0]["info"] == "待审核"
    # Saying it again, or differently, is no way around.
    assert register(gateway_partner, wire(1))[0]["info"] == "待审核"
    assert register(gateway_partner, wire(1, poiName="黄河大桥"))[0]["info"] == "待审核"
    assert ministry.get("GetCameraPlayURL", cameraNum=number(1))["code"] == 404
    Camera.objects.update(is_pending=False)
    assert register(gateway_partner, wire(1, poiName="黄河大桥"))[0]["info"] == "未变化"
    assert ministry.get("GetCameraPlayURL", cameraNum=number(1))["code"] == 200


def test_naming_another_gateway_is_no_way_around_the_review(
    gateway_partner: Caller, other_gateway: Caller, company: Organisation
) -> None:
    make_gateway(gateway_partner.partner, is_review_first=True)
    Partner.objects.filter(pk=other_gateway.partner.pk).update(organisation=company)
    open_gateway = make_gateway(other_gateway.partner)
    assert register(gateway_partner, wire(1, gatewayNum=open_gateway.code))[0]["info"] == "待审核"


def test_a_moving_source_is_told_upward_at_most_once_a_minute(
    gateway_partner: Caller, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    register(gateway_partner, wire(1, classify=8))
    time_machine.shift(10)
    assert register(gateway_partner, wire(1, classify=8, longAndLati="117.1/36.7"))[0]["info"] == "修改成功"
    assert (camera(1).longitude, camera(1).version) == (117.1, 1)
    # Another field is told at once, and takes the move along.
    register(gateway_partner, wire(1, classify=8, longAndLati="117.2/36.7", poiName="巡逻车"))
    assert (camera(1).version, camera(1).is_moved) == (2, False)
    register(gateway_partner, wire(1, classify=8, longAndLati="117.3/36.7", poiName="巡逻车"))
    time_machine.shift(59)
    assert (report_moves(), camera(1).version) == (0, 2)
    time_machine.shift(1)
    assert (report_moves(), camera(1).version) == (1, 3)
    assert report_moves() == 0


def test_a_camera_that_does_not_move_by_nature_is_told_at_once(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1))
    register(gateway_partner, wire(1, longAndLati="117.1/36.7"))
    assert camera(1).version == 2


def test_a_batch_is_one_row_of_the_log_and_nothing_is_none(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(1), wire(2))
    row = BehaviourLog.objects.get(verb="登记摄像机")
    assert (row.actor_id, row.object_name) == (gateway_partner.partner.pk, "2 路摄像机")
    assert row.detail == {"注册成功": 2, "拒绝": 0}
    register(gateway_partner, wire(1), wire(2))
    assert BehaviourLog.objects.filter(verb="登记摄像机").count() == 1


def test_the_number_of_queries_does_not_grow_with_the_batch(gateway_partner: Caller) -> None:
    make_gateway(gateway_partner.partner)
    register(gateway_partner, wire(99), *(wire(n, roadSec=f"第 {n} 管理处") for n in range(30)))
    counts = []
    for first, size in ((100, 3), (200, 30)):
        batch = [wire(n, gatewayNum=f"GW-{n}") for n in range(first, first + size)]
        changed = [{**item, "poiName": "新", "roadSec": f"第 {n} 管理处"} for n, item in enumerate(batch)]
        for items in (batch, changed):
            with CaptureQueriesContext(connection) as queries:
                register(gateway_partner, *items)
            counts.append(len(queries))
        Camera.objects.update(deleted_at=NOON)
        with CaptureQueriesContext(connection) as queries:
            assert {result["info"] for result in register(gateway_partner, *batch)} == {"注册成功"}
        counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 16


def test_grants_stay_for_the_same_owner_and_end_with_another(
    gateway_partner: Caller, other_gateway: Caller, ministry: Caller
) -> None:
    register(gateway_partner, wire(1))
    PtzGrant.objects.create(camera=camera(1), partner=ministry.partner)
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    register(gateway_partner, wire(1))
    assert PtzGrant.objects.count() == 1
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    register(other_gateway, wire(1, department="齐鲁交通", roadSec="潍坊管理处"))
    assert PtzGrant.objects.count() == 0
