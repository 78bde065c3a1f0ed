"""Our client to gateways, against a small gateway on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from access.models import BehaviourLog
from cameras.choices import GatewayStyle
from cameras.gateways import begin_push, finish_push, order_ptz
from cameras.models import Camera, Gateway, PtzGrant
from protocol.codes import PtzAction, VideoType
from protocol.commands import LOW_FORMAT, PushCommand
from protocol.errors import RemoteError
from protocol.tls import server_context
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller
from tests.protocol.certificates import write_certificates
from tests.protocol.peer import Peer, Reply, peer_answering, reply

pytestmark = pytest.mark.django_db

COMMAND = PushCommand("127.0.0.1", 1935, "/live/pub1", "auth_key=1-0-0-x", LOW_FORMAT)


@pytest.fixture
def roadside() -> Iterator[Peer]:
    with peer_answering(lambda _: reply(200)) as peer:
        yield peer


@pytest.fixture
def gateway(gateway_partner: Caller, roadside: Peer) -> Gateway:
    return make_gateway(gateway_partner.partner, roadside.base_url)


def begin(gateway: Gateway) -> int:
    return begin_push(gateway, number(1), VideoType.LOW, COMMAND).code


def test_an_order_is_what_the_document_prints(gateway: Gateway, roadside: Peer) -> None:
    assert begin(gateway) == 200
    (order,) = roadside.requests
    assert (order.method, order.path) == ("POST", "/service/video.VideoTransBegin")
    assert order.query == {"cameraNum": number(1), "videoType": "0", "user": "gateway-jinan"}
    assert (order.headers["appversion"], order.headers["content-type"]) == ("v1.0", "application/json")
    command = json.loads(order.body)["command"]
    assert list(command) == ["serverIp", "serverPort", "pubName", "authInfo", "video"]
    assert (command["serverPort"], command["authInfo"]) == (1935, "auth_key=1-0-0-x")


def test_a_gateway_may_want_the_port_as_a_string(gateway: Gateway, roadside: Peer) -> None:
    gateway.has_port_as_string = True
    begin(gateway)
    assert json.loads(roadside.requests[0].body)["command"]["serverPort"] == "1935"


def test_a_gateway_may_speak_the_single_style(gateway: Gateway, roadside: Peer) -> None:
    gateway.style = GatewayStyle.SINGLE
    roadside.respond = lambda _: Reply(b'"0"')
    assert order_ptz(gateway, number(1), PtzAction.LEFT, 3).ok
    (order,) = roadside.requests
    assert (order.method, order.path) == ("POST", "/service")
    body = json.loads(order.body)
    assert body["sipAction"] == "video.PTZControl"
    assert (body["cameraNum"], body["action"], body["step"]) == (number(1), 1, 3)


@pytest.mark.parametrize("code", [200, 201, 0, "200", "201", "0"])
def test_success_in_all_its_spellings(gateway: Gateway, roadside: Peer, code: object) -> None:
    roadside.respond = lambda _: reply(code)
    assert begin(gateway) == int(str(code))


@pytest.mark.parametrize(("code", "permanent"), [(400, True), (403, True), (404, True), (500, False)])
def test_a_refusal_is_told_in_the_words_of_the_gateway(
    gateway: Gateway, roadside: Peer, code: int, permanent: bool
) -> None:
    roadside.respond = lambda _: reply(code, msg="镜头被拆走了")
    with pytest.raises(RemoteError, match="镜头被拆走了") as refusal:
        begin(gateway)
    assert (refusal.value.permanent, refusal.value.remote_code) == (permanent, code)
    assert Gateway.objects.get().last_error == ""


def test_a_stream_that_is_not_pushed_is_finished(gateway: Gateway, roadside: Peer) -> None:
    roadside.respond = lambda _: reply(404)
    assert finish_push(gateway, number(1), VideoType.HIGH).code == 200
    assert roadside.requests[0].method == "GET"
    roadside.respond = lambda _: reply(500)
    with pytest.raises(RemoteError):
        finish_push(gateway, number(1), VideoType.HIGH)


def test_a_silent_gateway_is_remembered_until_it_answers(gateway: Gateway, roadside: Peer) -> None:
    begin(gateway)
    assert Gateway.objects.get().last_answer_at is not None
    gateway.base_url = "http://127.0.0.1:1"
    with pytest.raises(RemoteError) as silence:
        begin(gateway)
    assert (silence.value.permanent, silence.value.remote_code) == (False, None)
    assert "无法访问" in Gateway.objects.get().last_error
    gateway.base_url = roadside.base_url
    begin(gateway)
    assert Gateway.objects.get().last_error == ""


def test_a_gateway_is_shown_the_newest_token_it_has_used(
    gateway: Gateway, gateway_partner: Caller, roadside: Peer
) -> None:
    begin(gateway)
    fresh = gateway_partner.get("TokenInfo", **gateway_partner.token_query())["token"]["token"]
    begin(gateway)
    gateway_partner.request("POST", "ReportCameraStatus", body=[], token=fresh)
    begin(gateway)
    first = gateway_partner.issued.token
    assert [request.token for request in roadside.requests] == [first, first, fresh]


@pytest.mark.parametrize("address", ["http://203.0.113.7:8443", "http://169.254.169.254"])
def test_an_address_outside_the_networks_of_gateways_is_not_called(gateway: Gateway, address: str) -> None:
    gateway.base_url = address
    with pytest.raises(RemoteError, match="不在允许的网段") as refusal:
        begin(gateway)
    assert refusal.value.permanent


def test_the_networks_of_gateways_are_a_setting(
    gateway: Gateway, roadside: Peer, settings: LazySettings
) -> None:
    settings.GATEWAY_NETWORKS = ["10.0.0.0/8"]
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1"):
        begin(gateway)
    assert not roadside.requests


@pytest.mark.parametrize("fields", [{"is_active": False}, {"base_url": ""}])
def test_a_gateway_out_of_use_is_not_called(
    gateway: Gateway, roadside: Peer, fields: dict[str, object]
) -> None:
    for name, value in fields.items():
        setattr(gateway, name, value)
    with pytest.raises(RemoteError, match="未启用"):
        begin(gateway)
    assert not roadside.requests


def add_gateway(*options: str) -> None:
    call_command("add_gateway", "--code", "GW-0001", *options)


def test_add_gateway_makes_the_record_and_brings_it_up_to_date(gateway_partner: Caller) -> None:
    add_gateway("--base-url", "http://10.1.2.3:8443/")
    add_gateway("--base-url", "http://10.1.2.4:8443", "--style", "single", "--ptz-stop", "none")
    gateway = Gateway.objects.get()
    assert (gateway.base_url, gateway.style, gateway.ptz_stop) == ("http://10.1.2.4:8443", "single", "none")
    assert gateway.partner == gateway_partner.partner
    verbs = BehaviourLog.objects.filter(object_kind="gateway").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["新增网关", "修改网关"]


@pytest.mark.parametrize("url", ["10.1.2.3:8443", "ftp://10.1.2.3", "http://", "http://10.1.2.3:99999"])
def test_add_gateway_refuses_an_address_that_is_none(gateway_partner: Caller, url: str) -> None:
    with pytest.raises(CommandError, match="网关地址"):
        add_gateway("--base-url", url)
    assert not Gateway.objects.exists()


def test_add_gateway_wants_the_partner_of_a_gateway(ministry: Caller) -> None:
    with pytest.raises(CommandError, match="create_partner"):
        add_gateway("--base-url", "http://10.1.2.3")
    with pytest.raises(CommandError, match="不是路段网关"):
        call_command("add_gateway", "--code", "BJ-0001", "--base-url", "http://10.1.2.3")


def test_open_ptz_opens_all_or_none(gateway_partner: Caller, ministry: Caller) -> None:
    register(gateway_partner, wire(1), wire(2))
    with pytest.raises(CommandError, match=number(3)):
        call_command("open_ptz", "--partner-user", "ministry", "--cameras", f"{number(1)},{number(3)}")
    assert not PtzGrant.objects.exists()
    call_command("open_ptz", "--partner-user", "ministry", "--cameras", f"{number(1).upper()},{number(2)}")
    opened = PtzGrant.objects.filter(partner=ministry.partner).values_list("camera", flat=True)
    assert set(opened) == {camera(1).pk, camera(2).pk} == set(Camera.objects.values_list("pk", flat=True))


def test_a_gateway_is_verified_by_the_ca_of_its_record(gateway: Gateway, tmp_path: Path) -> None:
    made, other = write_certificates(tmp_path / "made"), write_certificates(tmp_path / "other")
    with peer_answering(lambda _: reply(200), server_context(made.certificate, made.key)) as peer:
        gateway.base_url = peer.base_url
        for ca_file in ("", str(other.ca)):
            gateway.ca_file = ca_file
            with pytest.raises(RemoteError, match="不是由受信任的 CA 签发"):
                begin(gateway)
        assert peer.requests == []
        gateway.refresh_from_db(fields=["last_error"])
        assert "不是由受信任的 CA 签发" in gateway.last_error
        gateway.ca_file = str(made.ca)
        assert begin(gateway) == 200
