"""GetCameraPlayURL (document 2.1) through the verb."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.models import Organisation, Partner
from cameras.models import Camera, Gateway, PtzGrant
from cameras.services.status import report_status, set_stream_presence
from protocol.bodies import StatusItem
from protocol.codes import OnlineStatus
from protocol.play_urls import UrlVerdict, check_path
from streaming.choices import VideoType
from streaming.models import MediaServer, PushSession
from tests.cameras.ledger import COMPANY, OFFICE, camera, number, register, wire
from tests.cast import Caller, answer_of
from tests.protocol.samples import sample
from tests.streaming.roadside import GatewayDouble, make_server

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEYS = ["cameraNum", "flv_url", "hls_url", "isCameraControl", "online", "message", "isCamerControl"]


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def online(gateway: Gateway) -> None:
    """Cameras 1 and 3 have a stream, 2 has none."""
    set_stream_presence(present=[camera(1).pk, camera(3).pk])


def entries(caller: Caller, **params: object) -> list[dict[str, Any]]:
    answer = caller.get("GetCameraPlayURL", **params)
    assert (answer["code"], answer["msg"]) == (200, "成功"), answer
    found: list[dict[str, Any]] = answer["videoRequestUrl"]
    return found


def one(caller: Caller, n: int = 1, **params: object) -> dict[str, Any]:
    (entry,) = entries(caller, cameraNum=number(n), **params)
    return entry


def verdict(url: str, keys: list[str], *, at: float) -> UrlVerdict:
    parts = urlsplit(url)
    (auth_key,) = parse_qs(parts.query, strict_parsing=True)["auth_key"]
    return check_path(parts.path, auth_key, keys, now=at)


@pytest.mark.usefixtures("online")
class TestAnswer:
    def test_keys_and_order_are_those_of_the_document(self, ministry: Caller) -> None:
        printed = sample("get_camera_play_url_answer")
        answer = ministry.get("GetCameraPlayURL", department=COMPANY, videoType=0)
        assert list(answer) == [*printed, "message"]
        for entry in answer["videoRequestUrl"]:
            assert list(entry) == KEYS
            assert list(entry)[: len(printed["videoRequestUrl"][0])] == list(printed["videoRequestUrl"][0])
            for key, value in printed["videoRequestUrl"][0].items():
                assert type(entry[key]) is type(value)

    def test_the_spelling_of_the_table_is_no_extra(self, ministry: Caller) -> None:
        Partner.objects.filter(pk=ministry.partner.pk).update(has_extras=False)
        answer = ministry.get("GetCameraPlayURL", cameraNum=number(1))
        assert list(answer) == ["code", "msg", "videoRequestUrl"]
        assert list(answer["videoRequestUrl"][0]) == KEYS

    def test_addresses_are_absolute_and_signed_for_five_seconds(
        self, ministry: Caller, server: MediaServer, settings: LazySettings
    ) -> None:
        entry = one(ministry)
        assert (entry["online"], entry["message"]) == (1, "G2 京沪高速 济南段 1 号")
        for name, suffix in (("flv_url", ".flv"), ("hls_url", ".m3u8")):
            parts = urlsplit(entry[name])
            assert f"{parts.scheme}://{parts.netloc}" == server.http_url
            assert parts.path == f"/live/{number(1)}_0{suffix}"
            issued = NOON.timestamp()
            for passed, expected in ((0, UrlVerdict.OK), (5, UrlVerdict.OK), (6, UrlVerdict.EXPIRED)):
                assert verdict(entry[name], settings.PLAY_URL_KEYS[:1], at=issued + passed) == expected
            assert verdict(entry[name], ["another key"], at=issued) == UrlVerdict.FORGED

    def test_issued_late_in_a_second_it_lives_as_long(
        self, ministry: Caller, settings: LazySettings, clock: TimeMachineFixture
    ) -> None:
        clock.shift(0.9)
        url = one(ministry)["flv_url"]
        assert verdict(url, settings.PLAY_URL_KEYS, at=NOON.timestamp() + 5.9) == UrlVerdict.OK
        assert verdict(url, settings.PLAY_URL_KEYS, at=NOON.timestamp() + 6.9) == UrlVerdict.EXPIRED

    def test_a_partner_may_have_its_own_time(self, ministry: Caller, settings: LazySettings) -> None:
        Partner.objects.filter(pk=ministry.partner.pk).update(play_ttl_seconds=60)
        url = one(ministry)["flv_url"]
        assert verdict(url, settings.PLAY_URL_KEYS, at=NOON.timestamp() + 60) == UrlVerdict.OK
        assert verdict(url, settings.PLAY_URL_KEYS, at=NOON.timestamp() + 61) == UrlVerdict.EXPIRED

    def test_no_two_addresses_are_alike_and_the_viewer_is_named(self, ministry: Caller) -> None:
        first, second = one(ministry)["flv_url"], one(ministry)["flv_url"]
        assert first != second
        pattern = rf"auth_key=\d+-[0-9a-f]{{32}}-p{ministry.partner.pk}-[0-9a-f]{{32}}$"
        assert re.search(pattern, first)

    def test_offline_is_an_entry_with_empty_addresses(self, ministry: Caller) -> None:
        entry = one(ministry, 2)
        assert (entry["flv_url"], entry["hls_url"], entry["online"]) == ("", "", 0)
        assert list(entry) == KEYS

    def test_a_fault_is_told_as_0(self, ministry: Caller, gateway_partner: Caller) -> None:
        report_status(partner=gateway_partner.partner, items=[StatusItem(number(2), OnlineStatus.FAULT)])
        assert camera(2).status == OnlineStatus.FAULT
        assert one(ministry, 2)["online"] == 0

    def test_the_number_is_echoed_as_registered(self, ministry: Caller, gateway_partner: Caller) -> None:
        register(gateway_partner, wire(9, cameraNum=number(9).upper()))
        assert one(ministry, 9)["cameraNum"] == number(9).upper()

    def test_a_single_camera_may_be_answered_as_an_object(self, ministry: Caller) -> None:
        Partner.objects.filter(pk=ministry.partner.pk).update(has_object_answer=True)
        answer = ministry.get("GetCameraPlayURL", cameraNum=number(1))
        assert answer["videoRequestUrl"]["cameraNum"] == number(1)
        assert isinstance(ministry.get("GetCameraPlayURL", department=OFFICE)["videoRequestUrl"], list)

    def test_high_and_low_have_addresses_of_their_own(self, ministry: Caller) -> None:
        assert f"{number(1)}_0.flv" in one(ministry, videoType=0)["flv_url"]
        assert f"{number(1)}_1.flv" in one(ministry, videoType=1)["flv_url"]
        assert f"{number(1)}_1.m3u8" in one(ministry, videotype="1")["hls_url"]

    def test_the_server_that_carries_the_stream_is_named(self, ministry: Caller) -> None:
        second = make_server("https://live2.example.cn", name="second")
        PushSession.objects.create(camera=camera(1), video_type=VideoType.LOW, media_server=second)
        assert one(ministry)["flv_url"].startswith("https://live2.example.cn/live/")
        assert one(ministry, 3)["flv_url"].startswith("http://127.0.0.1:")


@pytest.mark.usefixtures("online")
class TestControl:
    @pytest.mark.parametrize(
        ("camera_type", "override", "is_opened", "told"),
        [
            (2, None, True, 1),
            (2, None, False, 0),
            (1, None, True, 0),
            (1, True, True, 1),
            (2, False, True, 0),
        ],
    )
    def test_it_can_turn_and_is_opened_to_this_partner(
        self, ministry: Caller, camera_type: int, override: bool | None, is_opened: bool, told: int
    ) -> None:
        Camera.objects.update(camera_type=camera_type, ptz_override=override)
        if is_opened:
            PtzGrant.objects.create(camera=camera(1), partner=ministry.partner)
        for entry in (one(ministry), one(ministry, department=OFFICE)):
            assert (entry["isCameraControl"], entry["isCamerControl"]) == (told, told)

    def test_opened_to_another_partner_is_not_opened(self, ministry: Caller, other_gateway: Caller) -> None:
        PtzGrant.objects.create(camera=camera(1), partner=other_gateway.partner)
        assert one(ministry)["isCameraControl"] == 0
        assert one(ministry, department=OFFICE)["isCameraControl"] == 0


@pytest.mark.usefixtures("online")
class TestScope:
    def test_a_department_means_it_and_what_is_below(self, ministry: Caller) -> None:
        assert {e["cameraNum"] for e in entries(ministry, department=COMPANY)} == {
            number(1),
            number(2),
            number(3),
        }
        assert {e["cameraNum"] for e in entries(ministry, department="泰安管理处")} == {number(3)}
        assert {e["cameraNum"] for e in entries(ministry, department=COMPANY, cameraNum="")} == {
            number(1),
            number(2),
            number(3),
        }

    def test_with_a_number_the_department_may_be_absent_or_must_hold_it(self, ministry: Caller) -> None:
        assert one(ministry)["cameraNum"] == number(1)
        assert one(ministry, department=OFFICE)["cameraNum"] == number(1)
        refused = ministry.get("GetCameraPlayURL", cameraNum=number(1), department="泰安管理处")
        assert refused["code"] == 404
        assert number(1) in refused["msg"]

    def test_neither_is_malformed(self, ministry: Caller) -> None:
        answer = ministry.get("GetCameraPlayURL", videoType=0)
        assert answer["code"] == 400
        assert "department" in answer["msg"]
        assert "cameraNum" in answer["msg"]

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({"department": "没有这个单位"}, "没有这个单位"),
            ({"cameraNum": number(77)}, number(77)),
            ({"cameraNum": "../../etc/passwd"}, "../../etc/passwd"),
        ],
    )
    def test_what_is_unknown_is_404_and_named(
        self, ministry: Caller, params: dict[str, str], named: str
    ) -> None:
        answer = ministry.get("GetCameraPlayURL", **params)
        assert answer["code"] == 404
        assert named in answer["msg"]

    def test_outside_the_subtree_is_as_if_unknown(
        self, ministry: Caller, other_gateway: Caller, other_company: Organisation
    ) -> None:
        register(other_gateway, wire(7, department="齐鲁交通", roadSec="潍坊管理处"))
        assert len(entries(ministry, department="齐鲁交通")) == 1
        Partner.objects.filter(pk=ministry.partner.pk).update(organisation=other_company)
        assert len(entries(ministry, department="齐鲁交通")) == 1
        unknown = ministry.get("GetCameraPlayURL", cameraNum=number(1))
        assert unknown["code"] == 404
        assert unknown["msg"] == f"摄像机不存在：{number(1)}"
        assert ministry.get("GetCameraPlayURL", department=COMPANY)["code"] == 404

    def test_a_deleted_camera_is_unknown(self, ministry: Caller, gateway_partner: Caller) -> None:
        gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
        assert ministry.get("GetCameraPlayURL", cameraNum=number(1))["code"] == 404
        assert len(entries(ministry, department=COMPANY)) == 2

    @pytest.mark.parametrize("value", ["2", "-1", "low", "1.0", "0x1"])
    def test_another_video_type_is_malformed(self, ministry: Caller, value: str) -> None:
        answer = ministry.get("GetCameraPlayURL", cameraNum=number(1), videoType=value)
        assert answer["code"] == 400
        assert "videoType" in answer["msg"]

    def test_a_repeated_parameter_is_malformed(self, ministry: Caller) -> None:
        answer = ministry.get("GetCameraPlayURL", cameraNum=[number(1), number(2)])
        assert answer["code"] == 400
        assert "cameraNum" in answer["msg"]

    def test_who_may_not_play_gets_nothing(self, gateway_partner: Caller, ministry: Caller) -> None:
        assert gateway_partner.get("GetCameraPlayURL", cameraNum=number(1))["code"] == 403
        refused = ministry.request("GET", "GetCameraPlayURL", {"cameraNum": number(1)}, token="unknown")
        assert answer_of(refused)["code"] == 403
        assert ministry.post("GetCameraPlayURL", {}, cameraNum=number(1))["code"] == 400


@pytest.mark.usefixtures("online")
class TestHighOnDemand:
    def test_asking_for_one_camera_wants_it(self, ministry: Caller) -> None:
        one(ministry, videoType=1)
        wanted = PushSession.objects.get(video_type=VideoType.HIGH)
        assert (wanted.camera, wanted.is_wanted) == (camera(1), True)

    def test_low_offline_or_a_whole_department_want_none(
        self, ministry: Caller, roadside: GatewayDouble
    ) -> None:
        one(ministry, videoType=0)
        one(ministry, 2, videoType=1)
        assert f"{number(1)}_1.flv" in entries(ministry, department=COMPANY, videoType=1)[0]["flv_url"]
        assert not PushSession.objects.filter(video_type=VideoType.HIGH).exists()
        assert not roadside.peer.requests


@pytest.mark.usefixtures("online")
def test_without_a_media_server_a_camera_counts_as_offline(ministry: Caller) -> None:
    """Also in the seconds in which its stream is still believed to be there."""
    MediaServer.objects.update(is_active=False)
    for entry in (one(ministry), one(ministry, videoType=1), *entries(ministry, department=COMPANY)):
        assert (entry["flv_url"], entry["hls_url"], entry["online"]) == ("", "", 0)
    assert not PushSession.objects.filter(video_type=VideoType.HIGH).exists()


def test_the_number_of_queries_does_not_grow_with_the_department(
    gateway: Gateway, gateway_partner: Caller, ministry: Caller
) -> None:
    one(ministry)
    counts = []
    for more in (0, 27):
        register(gateway_partner, *[wire(n) for n in range(10, 10 + more)])
        set_stream_presence(present=Camera.objects.values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            assert len(entries(ministry, department=COMPANY)) == 3 + more
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 5
    with CaptureQueriesContext(connection) as queries:
        one(ministry)
    assert len(queries) <= 5
