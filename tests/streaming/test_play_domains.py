"""Addresses that lead through a play domain: signed as it wants them, and dead on time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.models import BehaviourLog
from cameras.models import Gateway
from cameras.services.status import set_stream_presence
from protocol.errors import MalformedError
from streaming.choices import Audience, HlsWay, SignerKind, VideoType
from streaming.models import MediaServer, PlayDomain, PushSession
from streaming.selectors import Placement
from streaming.services.domains import add_play_domain
from streaming.services.play import play_urls
from tests.cameras.ledger import COMPANY, camera, number
from tests.cast import Caller
from tests.streaming.edge import READERS, Edge
from tests.streaming.roadside import make_server

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEY, BACKUP = "provincekey1234", "another-key-5678"
CDN = "https://play.example.cn"


@pytest.fixture(autouse=True)
def clock(gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    set_stream_presence(present=[camera(1).pk, camera(3).pk])
    return time_machine


def domain(kind: str = "aliyun_a", **changes: Any) -> PlayDomain:
    fields = {"base_url": CDN, "key": KEY, "backup_key": BACKUP, "is_active": True, **changes}
    return add_play_domain(name="cdn", actor=SYSTEM, signer=SignerKind(kind), **fields)


def one(caller: Caller, n: int = 1) -> dict[str, Any]:
    (entry,) = caller.get("GetCameraPlayURL", cameraNum=number(n))["videoRequestUrl"]
    return dict(entry)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("validity", [0, 60])
def test_an_address_lives_as_long_as_the_document_says(
    ministry: Caller, clock: TimeMachineFixture, kind: str, validity: int
) -> None:
    domain(kind, validity_seconds=validity)
    edge = Edge(kind, KEY, validity=validity)
    url = one(ministry)["flv_url"]
    assert url.startswith(CDN)
    assert edge.takes_url(url)
    assert not Edge(kind, "strange", validity=validity).takes_url(url)
    clock.shift(5)
    assert edge.takes_url(url)
    clock.shift(60 if kind == "aliyun_b" else 1)
    assert not edge.takes_url(url)


class TestWhere:
    def test_hls_leads_to_the_server_or_through_a_domain_of_our_own(
        self, ministry: Caller, server: MediaServer, clock: TimeMachineFixture
    ) -> None:
        domain("aliyun_c", validity_seconds=5)
        assert one(ministry)["hls_url"].startswith(f"{server.http_url}/live/")
        clock.shift(1)
        domain("own", key="", validity_seconds=0)
        assert one(ministry)["hls_url"].startswith(f"{server.http_url}/live/")
        clock.shift(1)
        domain("own", key="", validity_seconds=0, hls_way=HlsWay.DOMAIN)
        assert one(ministry)["hls_url"].startswith(f"{CDN}/live/")

    def test_many_cameras_are_led_there_too(self, ministry: Caller) -> None:
        domain("tencent")
        entries = ministry.get("GetCameraPlayURL", department=COMPANY)["videoRequestUrl"]
        online = [entry["flv_url"] for entry in entries if entry["online"]]
        assert len(online) == 2
        assert all(Edge("tencent", KEY).takes_url(url) for url in online)

    def test_own_signatures_under_another_name(self, ministry: Caller, server: MediaServer) -> None:
        before = one(ministry)["flv_url"]
        domain("own", key="", backup_key="")
        after = one(ministry)["flv_url"]
        assert before.startswith(server.http_url)
        assert after.startswith(f"{CDN}/live/")
        assert after.count("auth_key=") == 1

    def test_staff_go_there_only_when_it_is_for_them(self) -> None:
        placement = Placement
        domain()
        assert play_urls(camera(1), VideoType.LOW, audience=Audience.STAFF).ws_url.startswith("ws://127")
        domain(is_for_staff=True)
        urls = play_urls(camera(1), VideoType.LOW, audience=Audience.STAFF, placement=placement())
        assert urls.flv_url.startswith(CDN)
        # A CDN passes no WebSocket on.
        assert urls.ws_url == ""

    @pytest.mark.parametrize("changes", [{"is_active": False}, {"is_for_partners": False}])
    def test_one_that_is_not_for_them_is_passed_over(
        self, ministry: Caller, server: MediaServer, changes: dict[str, Any]
    ) -> None:
        domain(**changes)
        assert one(ministry)["flv_url"].startswith(server.http_url)

    def test_one_of_a_server_is_for_its_streams(self, ministry: Caller, server: MediaServer) -> None:
        domain()
        other = make_server("http://127.0.0.1:9", name="second")
        add_play_domain(
            name="second",
            actor=SYSTEM,
            signer=SignerKind.ALIYUN_A,
            base_url="https://second.example.cn",
            key=KEY,
            media_server=other,
            is_active=True,
        )
        PushSession.objects.create(camera=camera(3), video_type=VideoType.LOW, media_server=other)
        assert one(ministry, 1)["flv_url"].startswith(CDN)
        assert one(ministry, 3)["flv_url"].startswith("https://second.example.cn")
        entries = ministry.get("GetCameraPlayURL", department=COMPANY)["videoRequestUrl"]
        hosts = {
            entry["cameraNum"]: entry["flv_url"].split("/live")[0] for entry in entries if entry["online"]
        }
        assert hosts == {number(1): CDN, number(3): "https://second.example.cn"}


class TestKeys:
    def test_a_change_acts_on_the_next_request(self, ministry: Caller, clock: TimeMachineFixture) -> None:
        made = domain()
        assert Edge("aliyun_a", KEY).takes_url(one(ministry)["flv_url"])
        clock.shift(1)
        domain(is_backup_signing=True)
        assert Edge("aliyun_a", BACKUP).takes_url(one(ministry)["flv_url"])
        clock.shift(1)
        domain(key="third", is_backup_signing=False)
        assert Edge("aliyun_a", "third").takes_url(one(ministry)["flv_url"])
        log = (
            BehaviourLog.objects.filter(object_id=str(made.pk)).order_by("-pk").values_list("verb", "detail")
        )
        assert log[0] == ("修改播放域名", {"修改": ["主密钥", "用备用密钥签名"]})
        assert "third" not in str(list(log))

    def test_they_are_sealed_in_the_database(self) -> None:
        domain()
        with connection.cursor() as cursor:
            cursor.execute("SELECT key, backup_key FROM streaming_playdomain")
            assert KEY not in str(cursor.fetchall())

    def test_one_statement_finds_the_domain_as_well(self, ministry: Caller) -> None:
        one(ministry)
        with CaptureQueriesContext(connection) as without:
            one(ministry)
        domain()
        one(ministry)
        with CaptureQueriesContext(connection) as queries:
            one(ministry)
        assert len(queries) == len(without)


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("aliyun_a", {"key": ""}, "key"),
        ("tencent", {"backup_key": "", "is_backup_signing": True}, "backup_key"),
        ("own", {"validity_seconds": 60}, "validity_seconds"),
        ("aliyun_c", {"hls_way": HlsWay.DOMAIN}, "hls_way"),
        ("aliyun_a", {"base_url": "play.example.cn"}, "base_url"),
    ],
)
def test_a_domain_that_could_not_work_is_refused(kind: str, changes: dict[str, Any], field: str) -> None:
    fields = {"base_url": CDN, "key": KEY, **changes}
    with pytest.raises(ValidationError) as raised:
        PlayDomain(name="cdn", signer=kind, **fields).full_clean()
    assert list(raised.value.message_dict) == [field]
    with pytest.raises(MalformedError):
        add_play_domain(name="cdn", actor=SYSTEM, signer=kind, **fields)
