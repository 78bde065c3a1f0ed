"""The province configures cameras at gateways: handed out, told of, and what comes back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access.actors import SYSTEM
from access.models import Alarm, BehaviourLog
from cameras.choices import PtzDriver, SourceMode
from cameras.models import CameraSource, Gateway, GatewayConfiguration
from cameras.services.configurations import remove_sources, save_source, tell_gateways
from cameras.services.ledger import save_camera
from gateway.assignment import read_assignment
from protocol.forwarding import networks_of
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller
from tests.protocol.peer import Peer, peer_answering, reply

pytestmark = pytest.mark.django_db

GET, REPORT = "gateway.GetConfiguration", "gateway.ReportConfiguration"
PASSWORD = "p@ss/word: 口令"


@pytest.fixture
def roadside() -> Iterator[Peer]:
    with peer_answering(lambda _: reply(200)) as peer:
        yield peer


@pytest.fixture
def gateway(gateway_partner: Caller, roadside: Peer) -> Gateway:
    made = make_gateway(gateway_partner.partner, roadside.base_url)
    register(gateway_partner, wire(1), wire(2), wire(3))
    return made


def configure(n: int, **changes: Any) -> CameraSource:
    given = {"address": f"rtsp://10.1.0.{n}:554/stream2", "user": "admin", "password": PASSWORD, **changes}
    source = CameraSource.objects.filter(camera=camera(n)).first() or CameraSource(camera=camera(n))
    for name, value in given.items():
        setattr(source, name, value)
    source.full_clean()
    return save_source(source=source, actor=SYSTEM)


def fetch(caller: Caller, **params: object) -> dict[str, Any]:
    answer = caller.get(GET, **params)
    assert answer["code"] == 200, answer
    return answer


def running(version: int | None, *nums: str, rejected: object = None, fault: str = "") -> dict[str, Any]:
    cameras = [{"cameraNum": num, "origin": "platform", "fault": fault} for num in nums]
    return {"version": version, "rejected": rejected, "cameras": cameras}


def report(caller: Caller, body: object) -> dict[str, Any]:
    return caller.post(REPORT, body)


def test_a_gateway_gets_what_it_is_to_run_and_can_read_it(gateway: Gateway, gateway_partner: Caller) -> None:
    configure(1, mode=SourceMode.COPY)
    configure(2, ptz_driver=PtzDriver.ONVIF, ptz_address="http://10.1.0.2:8000/onvif", move_seconds=0.5)
    answer = fetch(gateway_partner)
    assert list(answer) == ["code", "msg", "version", "configuration", "message"]
    cameras = answer["configuration"]["cameras"]
    assert [one["cameraNum"] for one in cameras] == [number(1), number(2)]
    assert cameras[0]["source"] == {
        "adapter": "rtsp",
        "url": "rtsp://admin:p%40ss%2Fword%3A%20%E5%8F%A3%E4%BB%A4@10.1.0.1:554/stream2",
        "mode": "copy",
    }
    assert "high_url" not in cameras[0]["source"] and "high_mode" not in cameras[0]["source"]
    given = json.dumps({"version": answer["version"], **answer["configuration"]}).encode()
    read = read_assignment(given, networks_of(["10.1.0.0/16"]))
    assert (read.version, len(read.cameras)) == (1, 2)
    assert read.cameras[0].record.road_section == "济南管理处"
    ptz: Any = read.cameras[1].source
    assert (ptz.ptz.url, ptz.ptz.user, ptz.ptz.move_seconds) == ("http://10.1.0.2:8000/onvif", None, 0.5)


def test_the_main_stream_has_an_address_of_its_own(gateway: Gateway, gateway_partner: Caller) -> None:
    configure(1, high_address="rtsp://10.1.0.1:554/stream1", high_mode=SourceMode.TRANSCODE)
    answer = fetch(gateway_partner)
    given = json.dumps({"version": answer["version"], **answer["configuration"]}).encode()
    source: Any = read_assignment(given, networks_of(["10.1.0.0/16"])).cameras[0].source
    assert (source.url.split("@")[1], source.mode) == ("10.1.0.1:554/stream2", "auto")
    assert source.high_url == "rtsp://admin:p%40ss%2Fword%3A%20%E5%8F%A3%E4%BB%A4@10.1.0.1:554/stream1"
    assert source.high_mode == "transcode"


def test_what_it_holds_is_not_sent_again(gateway: Gateway, gateway_partner: Caller) -> None:
    configure(1)
    assert fetch(gateway_partner)["version"] == 1
    again = fetch(gateway_partner, version=1)
    assert (again["version"], again["configuration"]) == (1, None)
    assert fetch(gateway_partner, version=9)["configuration"] is not None
    # The same number out of a backup is another content.
    GatewayConfiguration.objects.update(handed_version=None)
    assert fetch(gateway_partner, version=1)["configuration"] is not None


def test_the_version_rises_with_the_content_only(gateway: Gateway, gateway_partner: Caller) -> None:
    def version() -> int:
        return int(fetch(gateway_partner)["version"])

    assert version() == 0
    configure(1)
    assert version() == 1
    configure(1)
    assert version() == 1
    configure(1, password="another")
    assert version() == 2
    renamed = camera(1)
    renamed.name = "新名称"
    save_camera(camera=renamed, actor=SYSTEM)
    assert version() == 3
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    answer = fetch(gateway_partner)
    assert (answer["version"], answer["configuration"]) == (4, {"cameras": []})
    remove_sources(list(CameraSource.objects.all()), actor=SYSTEM)
    assert version() == 4


def test_nobody_gets_another_gateways_cameras(
    gateway: Gateway, gateway_partner: Caller, other_gateway: Caller, ministry: Caller
) -> None:
    configure(1)
    assert other_gateway.get(GET)["code"] == 404
    make_gateway(other_gateway.partner)
    assert fetch(other_gateway)["configuration"] == {"cameras": []}
    assert ministry.get(GET)["code"] == 403
    assert ministry.post(REPORT, running(1))["code"] == 403
    # Given to the other gateway, it is that one's.
    moved = camera(1)
    moved.gateway = Gateway.objects.get(partner=other_gateway.partner)
    save_camera(camera=moved, actor=SYSTEM)
    assert fetch(gateway_partner)["configuration"] == {"cameras": []}
    assert len(fetch(other_gateway)["configuration"]["cameras"]) == 1


def test_what_waits_for_review_is_not_run(gateway: Gateway, gateway_partner: Caller) -> None:
    configure(1)
    camera(1).__class__.objects.update(is_pending=True)
    assert fetch(gateway_partner)["configuration"] == {"cameras": []}


def test_passwords_are_nowhere_but_in_the_answer(gateway: Gateway, gateway_partner: Caller) -> None:
    configure(1, ptz_driver=PtzDriver.ONVIF, ptz_user="ptz", ptz_password=f"{PASSWORD}2")
    fetch(gateway_partner)
    report(gateway_partner, running(1, number(1)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT password, ptz_password FROM cameras_camerasource")
        assert all(value.startswith("sm4gcm$") for value in cursor.fetchone())
        for table in ("cameras_gatewayconfiguration", "access_behaviourlog", "access_alarm"):
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608 - constant names
            kept = " ".join(row[0] for row in cursor.fetchall())
            assert PASSWORD not in kept and "p%40ss" not in kept
    verbs = BehaviourLog.objects.values_list("verb", flat=True)
    assert {"新增摄像机接入", "下发网关配置"} <= set(verbs)


def test_handing_out_is_logged_once_a_version(gateway: Gateway, gateway_partner: Caller) -> None:
    configure(1)
    for _ in range(3):
        fetch(gateway_partner)
    (entry,) = BehaviourLog.objects.filter(verb="下发网关配置")
    assert (entry.actor_name, entry.detail) == ("gateway-jinan", {"版本": 1, "摄像机": 1})


def test_a_gateway_that_asked_before_is_told_of_what_is_new(
    gateway: Gateway, gateway_partner: Caller, roadside: Peer
) -> None:
    configure(1)
    # One that never asked may not know the order.
    assert (tell_gateways(), roadside.requests) == (0, [])
    fetch(gateway_partner)
    report(gateway_partner, running(1, number(1)))
    assert tell_gateways() == 0
    configure(2)
    assert tell_gateways() == 1
    (order,) = roadside.requests
    assert (order.method, order.path) == ("POST", "/service/gateway.RefreshConfiguration")
    assert order.query == {"user": "gateway-jinan"}
    # It was told, and has a minute.
    assert tell_gateways() == 0
    GatewayConfiguration.objects.update(told_at=timezone.now() - timedelta(seconds=61))
    assert tell_gateways() == 1
    report(gateway_partner, running(2, number(1), number(2)))
    GatewayConfiguration.objects.update(told_at=None)
    assert tell_gateways() == 0


def test_a_gateway_that_refused_is_not_told_again_until_there_is_another(
    gateway: Gateway, gateway_partner: Caller, roadside: Peer, django_assert_num_queries: Any
) -> None:
    configure(1)
    fetch(gateway_partner)
    report(gateway_partner, running(None, rejected={"version": 1, "faults": []}))
    # Asked every few seconds: nothing is put together for it.
    with django_assert_num_queries(1):
        assert tell_gateways() == 0
    configure(1)
    assert tell_gateways() == 0
    configure(1, address="rtsp://10.1.0.9/stream2")
    assert tell_gateways() == 1


def test_a_gateway_that_is_away_is_told_later(
    gateway: Gateway, gateway_partner: Caller, roadside: Peer
) -> None:
    configure(1)
    fetch(gateway_partner)
    roadside.respond = lambda _: reply(404, msg="接口不存在")
    assert tell_gateways() == 0
    assert GatewayConfiguration.objects.get().told_error.startswith("网关答复 404")
    roadside.respond = lambda _: reply(200)
    GatewayConfiguration.objects.update(told_at=timezone.now() - timedelta(seconds=61))
    assert tell_gateways() == 1
    assert GatewayConfiguration.objects.get().told_error == ""


@pytest.mark.parametrize("fields", [{"is_active": False}, {"base_url": ""}])
def test_a_gateway_out_of_use_is_not_told(
    gateway: Gateway, gateway_partner: Caller, fields: dict[str, object]
) -> None:
    configure(1)
    fetch(gateway_partner)
    Gateway.objects.update(**fields)
    assert tell_gateways() == 0
    # Not even tried.
    assert GatewayConfiguration.objects.get().told_at is None


def test_a_refusal_is_kept_and_is_an_alarm_until_it_is_over(
    gateway: Gateway, gateway_partner: Caller
) -> None:
    fault = {"cameraNum": number(2), "place": "source.url", "reason": "10.9.0.1 不在网关允许的网段内"}
    rejected = {"version": 2, "faults": [fault]}
    assert report(gateway_partner, running(1, number(1), rejected=rejected))["code"] == 200
    kept = GatewayConfiguration.objects.get()
    assert (kept.running_version, kept.rejected_version, kept.faults) == (1, 2, [fault])
    (alarm,) = Alarm.objects.all()
    assert (alarm.closed_at, "source.url：10.9.0.1" in alarm.message) == (None, True)
    report(gateway_partner, running(3, number(1), number(2), fault="用户名或密码错误"))
    kept.refresh_from_db()
    assert (kept.rejected_version, kept.faults, len(kept.cameras)) == (None, [], 2)
    assert kept.cameras[0] == {"cameraNum": number(1), "origin": "platform", "fault": "用户名或密码错误"}
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "应为 JSON 对象"),
        ({"version": "7", "cameras": []}, "version 的值“7”应为 0 至"),
        ({"version": True, "cameras": []}, "version 的值"),
        ({"version": -1, "cameras": []}, "version 的值“-1”"),
        ({"version": 7.5, "cameras": []}, "version 的值“7.5”"),
        ({"version": 1e300, "cameras": []}, "version 的值"),
        ({"version": 7}, "cameras 的值"),
        ({"version": 7, "cameras": [7]}, "cameras[0] 的值“7”应为对象"),
        (running(7, ""), "cameras[0].cameraNum 的值“”不能为空"),
        (
            {"cameras": [{"cameraNum": "1", "origin": "staff", "fault": ""}]},
            "cameras[0].origin 的值“staff”应为 platform、file",
        ),
        (running(7, number(1), fault="x" * 201), "cameras[0].fault"),
        (running(7, rejected=[]), "rejected 的值"),
        (running(7, rejected={"version": 8, "faults": [{}]}), "rejected.faults[0].cameraNum"),
        (running(7, *["1"] * 2001), "cameras 有 2001 项，最多 2000 项"),
    ],
)
def test_a_report_that_is_none_is_refused_with_its_place(
    gateway: Gateway, gateway_partner: Caller, body: object, said: str
) -> None:
    answer = report(gateway_partner, body)
    assert (answer["code"], said in answer["msg"]) == (400, True), answer["msg"]
    assert not GatewayConfiguration.objects.exists()


def test_a_version_with_a_point_is_one_where_it_is_whole(gateway: Gateway, gateway_partner: Caller) -> None:
    rejected = {"version": 8.0, "faults": []}
    assert report(gateway_partner, {"version": 7.0, "rejected": rejected, "cameras": []})["code"] == 200
    kept = GatewayConfiguration.objects.get()
    assert (kept.running_version, kept.rejected_version) == (7, 8)


def test_a_partner_without_a_gateway_reports_for_none(gateway_partner: Caller) -> None:
    assert report(gateway_partner, running(1))["code"] == 404


def test_the_queries_do_not_grow_with_the_cameras(
    gateway: Gateway, gateway_partner: Caller, django_assert_max_num_queries: Any
) -> None:
    register(gateway_partner, *(wire(n) for n in range(4, 34)))
    counts = []
    for numbers in (range(1, 4), range(4, 34)):
        for n in numbers:
            configure(n)
        with django_assert_max_num_queries(100) as found:
            fetch(gateway_partner)
        counts.append(len(found.captured_queries))
    assert counts[0] == counts[1]
