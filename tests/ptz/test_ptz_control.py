"""PTZControl as protocol.md section 4 has it, through the verb, against a gateway on loopback."""

import pytest

from access.choices import Outcome
from access.models import BehaviourLog, Organisation
from cameras.choices import CameraType
from cameras.models import Camera, Gateway, PtzGrant
from protocol.codes import PtzAction
from ptz.choices import PtzLevel, PtzOutcome
from ptz.models import PtzLease, PtzOrder
from tests.cast import Caller, answer_of
from tests.ptz.gateway_double import GatewayDouble
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db


def the_order() -> PtzOrder:
    """Every request leaves exactly one."""
    return PtzOrder.objects.get()


def test_ministry_turns_an_opened_camera(ministry: Caller, dome: Camera, roadside: GatewayDouble) -> None:
    answer = ministry.get("PTZControl", cameraNum=dome.number.lower(), action=1, step=3)
    assert list(answer) == ["code", "msg", "PTZControl", "message"]
    assert answer["code"] == 200
    # The document's keys in the order of its sample, then the one of its table.
    assert list(answer["PTZControl"].items()) == [
        ("cameraName", "G2 济南段 1 号"),
        ("status", 0),
        ("message", "云台向左转动成功"),
        ("cameraNum", dome.number),
    ]
    (received,) = roadside.received
    assert (received.camera_num, received.action, received.step) == (dome.number, 1, 3)
    order = the_order()
    assert (order.level, order.outcome, order.action, order.step) == (
        PtzLevel.MINISTRY,
        PtzOutcome.DONE,
        1,
        3,
    )
    assert (order.actor_id, order.actor_name, order.address) == (ministry.partner.pk, "ministry", "127.0.0.1")
    assert order.message == "云台向左转动成功"
    assert BehaviourLog.objects.filter(verb="云台控制").count() == 0


def test_partner_without_extras_gets_the_document_s_keys_only(ministry: Caller, dome: Camera) -> None:
    ministry.partner.has_extras = False
    ministry.partner.save()
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    assert list(answer) == ["code", "msg", "PTZControl"]
    assert list(answer["PTZControl"]) == ["cameraName", "status", "message", "cameraNum"]


@pytest.mark.parametrize("action", list(PtzAction))
def test_every_action_of_the_document_and_those_real_clients_send(
    ministry: Caller, dome: Camera, roadside: GatewayDouble, action: PtzAction
) -> None:
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=int(action))
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 0)
    (received,) = roadside.received
    assert (received.action, received.step) == (action, 1)
    assert the_order().action == action


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"action": "1"}, "cameraNum"),
        ({"cameraNum": "", "action": "1"}, "cameraNum"),
        ({"cameraNum": "dome"}, "action"),
        ({"cameraNum": "dome", "action": "15"}, "action"),
        ({"cameraNum": "dome", "action": "-1"}, "action"),
        ({"cameraNum": "dome", "action": "left"}, "action"),
        ({"cameraNum": "dome", "action": "1.5"}, "action"),
        ({"cameraNum": "dome", "action": ["1", "2"]}, "action"),
        ({"cameraNum": "dome", "action": "1", "step": "0"}, "step"),
        ({"cameraNum": "dome", "action": "1", "step": "9"}, "step"),
        ({"cameraNum": "dome", "action": "1", "step": "x"}, "step"),
    ],
)
def test_malformed_order_says_where_and_moves_nothing(
    ministry: Caller, dome: Camera, roadside: GatewayDouble, params: dict[str, object], place: str
) -> None:
    if params.get("cameraNum") == "dome":
        params = {**params, "cameraNum": dome.number}
    answer = ministry.get("PTZControl", **params)
    assert answer["code"] == 400
    assert place in answer["msg"]
    assert roadside.received == []
    assert not PtzOrder.objects.exists()
    assert BehaviourLog.objects.get(verb="云台控制").outcome == Outcome.REFUSED


def test_camera_outside_the_partner_s_subtree_is_as_unknown_as_none(
    ministry: Caller, dome: Camera, other_company: Organisation, roadside: GatewayDouble
) -> None:
    ministry.partner.organisation = other_company
    ministry.partner.save()
    outside = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    unknown = ministry.get("PTZControl", cameraNum="../../etc/passwd", action=1)
    assert (outside["code"], unknown["code"]) == (404, 404)
    assert outside["msg"].replace(dome.number, "") == unknown["msg"].replace("../../etc/passwd", "")
    assert roadside.received == []
    refused = BehaviourLog.objects.filter(verb="云台控制", outcome=Outcome.REFUSED)
    assert sorted(refused.values_list("object_id", flat=True)) == ["../../etc/passwd", dome.number]


def test_token_without_the_scope_turns_nothing(
    gateway_partner: Caller, dome: Camera, roadside: GatewayDouble
) -> None:
    assert gateway_partner.get("PTZControl", cameraNum=dome.number, action=1)["code"] == 403
    assert answer_of(gateway_partner.request("GET", "PTZControl", {"action": 1}, token="x"))["code"] == 403
    assert roadside.received == []
    # Whoever was refused by name left a trace; the unknown token names nobody.
    (row,) = BehaviourLog.objects.filter(verb="云台控制")
    assert (row.actor_name, row.object_id, row.outcome) == ("gateway-jinan", dome.number, Outcome.REFUSED)


@pytest.mark.parametrize(
    ("method", "changed", "headers", "code"),
    [
        ("POST", {}, {}, 400),
        ("GET", {}, {"AppVersion": "v2.0"}, 400),
        ("GET", {"user": "somebody"}, {}, 403),
        ("GET", {"cameraNum": ["1", "2"]}, {}, 400),
    ],
    ids=["method", "version", "user", "twice"],
)
def test_what_is_refused_before_it_is_looked_at_leaves_a_row(
    ministry: Caller,
    dome: Camera,
    method: str,
    changed: dict[str, object],
    headers: dict[str, str],
    code: int,
) -> None:
    params: dict[str, object] = {"cameraNum": dome.number, "action": 1, **changed}
    answer = answer_of(ministry.request(method, "PTZControl", params, headers=headers))
    assert answer["code"] == code
    (row,) = BehaviourLog.objects.filter(verb="云台控制")
    assert (row.actor_name, row.outcome, row.reason) == ("ministry", Outcome.REFUSED, answer["msg"])


def test_camera_that_is_not_opened_is_forbidden_and_logged(
    ministry: Caller, closed_dome: Camera, roadside: GatewayDouble
) -> None:
    answer = ministry.get("PTZControl", cameraNum=closed_dome.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (403, 1)
    assert "未对本平台开放" in answer["PTZControl"]["message"]
    assert the_order().outcome == PtzOutcome.NOT_OPENED
    assert roadside.received == []
    assert not PtzLease.objects.exists()


def test_camera_that_cannot_turn_is_told_so_with_code_200(
    ministry: Caller, office: Organisation, gateway: Gateway, roadside: GatewayDouble
) -> None:
    fixed = make_camera(office, 3, gateway, camera_type=CameraType.FIXED)
    PtzGrant.objects.create(camera=fixed, partner=ministry.partner)
    answer = ministry.get("PTZControl", cameraNum=fixed.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 1)
    assert "不可控制" in answer["PTZControl"]["message"]
    assert the_order().outcome == PtzOutcome.NOT_CONTROLLABLE
    assert roadside.received == []


def test_camera_without_gateway_is_not_controllable(ministry: Caller, dome: Camera) -> None:
    Camera.objects.update(gateway=None)
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 1)
    assert the_order().outcome == PtzOutcome.NOT_CONTROLLABLE


@pytest.mark.parametrize(
    ("gateway_answer", "outcome", "words"),
    [
        ((404, "云台被本地占用"), PtzOutcome.REFUSED, "云台被本地占用"),
        ((500, "编码器故障"), PtzOutcome.REFUSED, "代码 500"),
        (None, PtzOutcome.TIMED_OUT, "网关无应答"),
    ],
)
def test_reason_of_the_gateway_is_carried_in_words(
    ministry: Caller,
    dome: Camera,
    roadside: GatewayDouble,
    gateway_answer: tuple[int, str] | None,
    outcome: PtzOutcome,
    words: str,
) -> None:
    roadside.answers[1] = gateway_answer
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 1)
    assert words in answer["PTZControl"]["message"]
    assert answer["msg"] == answer["PTZControl"]["message"]
    assert the_order().outcome == outcome
    assert the_order().message == answer["msg"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"status": 1, "message": "忙"}, "忙"),
        ({"status": "1", "message": "云台被本地占用"}, "云台被本地占用"),
        ({"status": 1}, "设备离线"),
        ({"status": "失败", "message": " "}, "设备离线"),
    ],
)
def test_a_failure_told_as_the_document_tells_it_upward_reaches_the_ministry(
    ministry: Caller, dome: Camera, roadside: GatewayDouble, result: dict[str, object], words: str
) -> None:
    roadside.answers[1] = {"code": 200, "msg": "设备离线", "PTZControl": result}
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 1)
    assert answer["PTZControl"]["message"] == f"云台向左转动失败，网关拒绝：{words}"
    assert the_order().outcome == PtzOutcome.REFUSED


@pytest.mark.parametrize("result", [{"status": 0, "message": "成功"}, {"status": "0"}, {}, None])
def test_a_success_told_so_is_one(
    ministry: Caller, dome: Camera, roadside: GatewayDouble, result: dict[str, object] | None
) -> None:
    roadside.answers[1] = {"code": 200, "msg": "成功", "PTZControl": result}
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 0)


def test_gateway_that_is_down_leaves_its_row(ministry: Caller, dome: Camera, gateway: Gateway) -> None:
    Gateway.objects.filter(pk=gateway.pk).update(base_url="http://127.0.0.1:9")
    answer = ministry.get("PTZControl", cameraNum=dome.number, action=1)
    assert (answer["code"], answer["PTZControl"]["status"]) == (200, 1)
    assert the_order().outcome == PtzOutcome.TIMED_OUT
