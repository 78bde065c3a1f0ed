from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from access.choices import ActorKind, Outcome
from access.models import BehaviourLog, Organisation, User
from cameras.choices import CameraType
from cameras.models import Camera
from ptz.choices import PtzLevel, PtzOutcome
from ptz.models import PtzOrder
from tests.cast import Caller
from tests.console.desk import Desk, content_of, refusal_of
from tests.ptz.gateway_double import GatewayDouble
from tests.ptz.ledger import make_camera, make_gateway

RIGHT, STOP = 2, 0


@pytest.fixture
def roadside(settings: LazySettings) -> Iterator[GatewayDouble]:
    """The company's gateway; movements would go on for a minute, so that only orders of the test come."""
    settings.PTZ_MOVE_SECONDS = 60
    with GatewayDouble() as double:
        yield double


@pytest.fixture
def dome(office: Organisation, gateway_partner: Caller, roadside: GatewayDouble) -> Camera:
    return make_camera(office, 1, make_gateway(gateway_partner.partner, roadside.base_url))


def order(desk: Desk, camera: Camera, action: int = RIGHT, step: int = 4) -> dict[str, Any]:
    response = desk.post("ptz", camera.pk, body={"action": action, "step": step})
    assert response.status_code == 200
    return content_of(response)


def test_order_reaches_the_gateway(desk: Desk, dome: Camera, roadside: GatewayDouble) -> None:
    result = order(desk, dome)
    (received,) = roadside.received
    assert (received.camera_num, received.action, received.step) == (dome.number, RIGHT, 4)
    assert (result["is_done"], result["outcome"]) == (True, "成功")


def test_order_takes_control_for_the_province(desk: Desk, dome: Camera, other_desk: Desk) -> None:
    control = order(desk, dome)["control"]
    assert control["lease"]["level"] == "mine"
    assert control["lease"]["holder"] == "王工"
    assert 25 < control["lease"]["seconds_left"] <= 30
    (line,) = control["log"]
    assert (line["who"], line["words"], line["step"], line["is_done"]) == ("王工", "向右", 4, True)


def test_a_colleague_sees_who_holds_it(desk: Desk, monitor_desk: Desk, dome: Camera) -> None:
    order(desk, dome)
    lease = monitor_desk.json("state", selected=dome.pk)["control"]["lease"]
    assert (lease["level"], lease["holder"]) == ("province", "王工")


def test_a_namesake_is_not_the_holder(desk: Desk, monitor_desk: Desk, dome: Camera) -> None:
    User.objects.filter(pk=monitor_desk.user.pk).update(full_name="王工")
    order(desk, dome)
    assert monitor_desk.json("state", selected=dome.pk)["control"]["lease"]["level"] == "province"


def test_orders_of_the_ministry_are_named_so(desk: Desk, dome: Camera) -> None:
    PtzOrder.objects.create(
        camera=dome,
        level=PtzLevel.MINISTRY,
        actor_kind=ActorKind.PARTNER,
        actor_id=1,
        actor_name="部级平台",
        action=6,
        step=2,
        outcome=PtzOutcome.HELD,
        message="省级控制中",
    )
    (line,) = desk.json("state", selected=dome.pk)["control"]["log"]
    assert (line["who"], line["words"], line["is_done"], line["outcome"]) == (
        "部级",
        "变倍长",
        False,
        "省级控制中",
    )


def test_release_stops(desk: Desk, dome: Camera, roadside: GatewayDouble) -> None:
    order(desk, dome)
    order(desk, dome, STOP)
    assert roadside.actions == [RIGHT, STOP]


def test_refusal_of_the_gateway_comes_in_words(desk: Desk, dome: Camera, roadside: GatewayDouble) -> None:
    roadside.default = (500, "云台未接入")
    result = order(desk, dome)
    assert result["is_done"] is False
    assert "云台未接入" in result["message"]


def test_a_fixed_camera_does_not_turn(desk: Desk, dome: Camera, roadside: GatewayDouble) -> None:
    Camera.objects.filter(pk=dome.pk).update(camera_type=CameraType.FIXED)
    result = order(desk, dome)
    assert (result["is_done"], result["message"]) == (False, "该摄像机没有云台，不可控制")
    assert roadside.received == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"step": 1}, "action 的值“null”应为 0 到 14 的整数"),
        ({"action": 15}, "action 的值“15”应为 0 到 14 的整数"),
        ({"action": -1}, "action 的值“-1”应为 0 到 14 的整数"),
        ({"action": 1.5}, "action 的值“1.5”应为 0 到 14 的整数"),
        ({"action": 1, "step": 9}, "step 的值“9”应为 1 到 8 的整数"),
        ({"action": 1, "step": 0}, "step 的值“0”应为 1 到 8 的整数"),
        (b"action=1", "请求体不是 JSON"),
    ],
)
def test_malformed_orders_move_nothing(
    desk: Desk, dome: Camera, roadside: GatewayDouble, body: object, words: str
) -> None:
    assert refusal_of(desk.post("ptz", dome.pk, body=body), 400) == words
    assert roadside.received == []


def test_another_companys_camera_is_not_there(
    other_desk: Desk, dome: Camera, roadside: GatewayDouble
) -> None:
    response = other_desk.post("ptz", dome.pk, body={"action": 1, "step": 4})
    assert refusal_of(response, 404) == "摄像机不存在"
    assert roadside.received == []


def test_a_refused_watcher_leaves_a_row(monitor_desk: Desk, dome: Camera, roadside: GatewayDouble) -> None:
    response = monitor_desk.post("ptz", dome.pk, body={"action": 1, "step": 4})
    assert response.status_code == 403
    assert roadside.received == []
    log = BehaviourLog.objects.get(object_id=dome.number)
    assert (log.actor_id, log.outcome) == (monitor_desk.user.pk, Outcome.REFUSED)
