"""视频上云: who gets in, what is said in which state, and how many statements it takes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Role
from access.days import day_of
from access.models import Organisation, Partner, PartnerToken, User
from access.services.staff import create_staff
from cameras.models import Camera, Gateway
from streaming.choices import PeakKind, PlayResult, PushState, SignerKind, VideoType
from streaming.models import MediaServer, PlayCheck, PlayDomain, ViewerLimit, ViewerPeak, Viewing
from tests.cast import PASSWORD, Caller
from tests.console.desk import Desk, text_of
from tests.console.streams import push, row_of, words_of
from tests.console.uplink import NOON, headline, shape
from tests.ptz.ledger import make_camera, make_gateway

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def server(media_server: MediaServer) -> MediaServer:
    """Heard a moment ago."""
    media_server.last_seen_at = NOON - timedelta(seconds=3)
    media_server.save()
    return media_server


@pytest.fixture
def section_desk(company: Organisation) -> Desk:
    """Keeps the ledger of the company."""
    role = Role.SECTION_ADMIN
    user = create_staff(username="wu", password=PASSWORD, full_name="吴工", role=role, organisation=company)
    return Desk(user)


def watch(camera: Camera, server: MediaServer, uid: str, client: str) -> None:
    facts = {"video_type": VideoType.LOW, "protocol": "ws", "began_at": NOON}
    Viewing.objects.create(media_server=server, camera=camera, uid=uid, client=client, **facts)


def fail(camera: Camera, failures: int = 2, result: PlayResult = PlayResult.SILENT) -> None:
    PlayCheck.objects.create(
        camera=camera,
        checked_at=NOON - timedelta(minutes=4),
        result=result,
        detail="4 秒内没有足够的数据",
        failures=failures,
    )


def sum_of(page: str, name: str) -> str:
    return words_of(page.split(f'data-testid="{name}"')[1].split("</dd>")[0])


# Rights -------------------------------------------------------------------------------------------


def test_lesser_roles_are_refused_and_see_no_entry(
    desk: Desk, monitor_desk: Desk, auditor_desk: Desk, section_desk: Desk, admin_desk: Desk
) -> None:
    for lesser in (desk, monitor_desk, auditor_desk):
        for name in ("streams", "streams_standing", "streams_pushes"):
            refused = lesser.get(name)
            assert refused.status_code == 403
            assert "没有“维护台账”权限" in text_of(refused)
    assert 'href="/streams/"' not in desk.page("wall")
    for keeper in (section_desk, admin_desk):
        assert 'href="/streams/" aria-current="page"' in keeper.page("streams")


def test_another_company_is_left_out(
    section_desk: Desk,
    neighbour_desk: Desk,
    admin_desk: Desk,
    office: Organisation,
    server: MediaServer,
    gateway_partner: Caller,
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7", last_error="连接超时")
    camera = make_camera(office, 1, gateway)
    push(camera, server)
    watch(camera, server, "p1", "a")
    fail(camera)
    for desk in (section_desk, admin_desk):
        page = desk.page("streams_standing")
        assert (page.count(camera.name), page.count("10.0.0.7")) == (2, 1)
        assert camera.name in desk.page("streams_pushes")
    assert 'data-testid="asker"' in admin_desk.page("streams_standing")
    page = section_desk.page("streams_standing")
    assert 'data-testid="asker"' not in page
    assert "只含您维护台账的单位" in page
    page = neighbour_desk.page("streams_standing")
    assert camera.name not in page
    assert "10.0.0.7" not in page
    assert "embedded 正常 内置 0 0 0 0" in row_of(page, "server")
    assert "没有符合条件的推流会话" in neighbour_desk.page("streams_pushes")


# Words --------------------------------------------------------------------------------------------


def test_all_is_well(admin_desk: Desk, office: Organisation, server: MediaServer) -> None:
    push(make_camera(office, 1), server)
    page = admin_desk.page("streams_standing")
    assert (shape(page), headline(page)) == ("online", "一切正常")
    assert "在线的都能播放" in page
    assert "没有启用的网关" in page
    assert page.count("现在没有人观看") == 2


def test_nothing_online_is_no_good_news(
    admin_desk: Desk, office: Organisation, server: MediaServer, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    push(make_camera(office, 1, gateway), server, state=PushState.FAILED)
    page = admin_desk.page("streams_standing")
    assert "在线的都能播放" not in page
    assert "现在没有一路在线，无从试播" in page
    assert shape(page) == "fault"
    assert "应有的 1 路低码流一路也没有" in headline(page)


def test_without_a_server_in_use(admin_desk: Desk, province: Organisation) -> None:
    page = admin_desk.page("streams_standing")
    assert (shape(page), headline(page)) == ("unknown", "没有启用的媒体服务器")
    assert "尚未登记媒体服务器" in page


def test_what_needs_a_hand_is_said_first(
    admin_desk: Desk, office: Organisation, server: MediaServer, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    first, second = make_camera(office, 1, gateway), make_camera(office, 2, gateway)
    push(first, server)
    push(second, server, state=PushState.FAILED)
    push(first, server, video_type=VideoType.HIGH)
    fail(first, failures=3)
    fail(second, failures=1)
    MediaServer.objects.update(silent_since=NOON - timedelta(seconds=40), last_error="连接被拒绝")
    page = admin_desk.page("streams_standing")
    assert (shape(page), headline(page)) == (
        "fault",
        "1 台媒体服务器无应答，1 路在线但无法播放，1 个网关有异常",
    )
    assert "无应答 40 秒 内置 1 2 1" in row_of(page, "server")
    assert "连接被拒绝" in row_of(page, "server")
    assert "1 路低码流没有推上来" in row_of(page, "gateway")
    assert "1 2 100" in row_of(page, "gateway")
    row = row_of(page, "unplayable-row")
    assert f"{first.name} 有连接无数据 4 秒内没有足够的数据 3 12:26:00" in row
    assert f'href="/?camera={first.pk}"' in page
    assert second.name not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"last_error": "证书已过期"}, "证书已过期"),
        ({"capacity": 0}, "超过路数上限 0"),
        ({}, "正常"),
        ({"is_active": False, "last_error": "证书已过期"}, None),
        ({"base_url": "", "last_error": "证书已过期"}, None),
    ],
)
def test_what_is_said_of_a_gateway(
    fields: dict[str, Any],
    words: str | None,
    admin_desk: Desk,
    office: Organisation,
    server: MediaServer,
    gateway_partner: Caller,
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    push(make_camera(office, 1, gateway), server)
    Gateway.objects.filter(pk=gateway.pk).update(**fields)
    page = admin_desk.page("streams_standing")
    assert ('data-testid="gateway"' in page) == (words is not None)
    assert words is None or words in row_of(page, "gateway")
    assert ("1 个网关有异常" in page) == (words not in (None, "正常"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"first_used_at": None}, "尚未使用"),
        ({"first_used_at": NOON}, "至 13:30:00"),
        ({"first_used_at": NOON, "expires_at": NOON}, "已过期 12:30:00"),
        ({"revoked_at": NOON}, "已全部吊销"),
    ],
)
def test_whether_a_gateway_can_be_spoken_to(
    fields: dict[str, Any],
    words: str,
    admin_desk: Desk,
    server: MediaServer,
    gateway_partner: Caller,
) -> None:
    make_gateway(gateway_partner.partner, "http://10.0.0.7")
    PartnerToken.objects.update(**{"expires_at": NOON + timedelta(hours=1), **fields})
    assert f" {words} " in row_of(admin_desk.page("streams_standing"), "gateway")


@pytest.mark.parametrize(
    ("base_url", "days", "words"),
    [
        ("http://10.0.0.7", None, "不加密"),
        ("https://10.0.0.7", None, "尚未见到"),
        ("https://10.0.0.7", 300, "至 "),
        ("https://10.0.0.7", 12, "12 天后到期"),
        ("https://10.0.0.7", -1, "已过期 "),
    ],
)
def test_how_long_the_certificate_of_a_gateway_lasts(
    base_url: str,
    days: int | None,
    words: str,
    admin_desk: Desk,
    server: MediaServer,
    gateway_partner: Caller,
) -> None:
    gateway = make_gateway(gateway_partner.partner, base_url)
    until = None if days is None else NOON + timedelta(days=days, hours=1)
    Gateway.objects.filter(pk=gateway.pk).update(software="box/2.1", certificate_until=until)
    row = row_of(admin_desk.page("streams_standing"), "gateway")
    assert f" {words}" in row and " box/2.1 " in row


def test_rare_key_frames_are_marked(admin_desk: Desk, office: Organisation, server: MediaServer) -> None:
    push(make_camera(office, 1), server, gop_ms=4000)
    page = admin_desk.page("streams_pushes")
    assert 'data-state="fault" title="要求不超过 2 s"' in page and " 4.0 " in row_of(page, "push")


def test_those_with_trouble_come_first(
    admin_desk: Desk, office: Organisation, server: MediaServer, gateway_partner: Caller, ministry: Caller
) -> None:
    well = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    Gateway.objects.filter(pk=well.pk).update(code="A", name="")
    Gateway.objects.create(
        code="B", partner=ministry.partner, base_url="http://10.0.0.8", last_error="证书已过期"
    )
    page = admin_desk.page("streams_standing")
    assert [row_of(page, "gateway", number)[0] for number in range(2)] == ["B", "A"]


def test_play_domains_and_what_was_proven_of_them(
    admin_desk: Desk, section_desk: Desk, server: MediaServer
) -> None:
    fields = {"base_url": "https://play.example.cn", "signer": SignerKind.TENCENT}
    fault = {"title": "到时失效", "is_good": False, "words": "可播放"}
    PlayDomain.objects.create(name="a", **fields)
    PlayDomain.objects.create(name="b", checked_at=NOON, findings=[fault], **fields)
    PlayDomain.objects.create(name="c", checked_at=NOON, findings=[{**fault, "is_good": True}], **fields)
    page = admin_desk.page("streams_standing")
    assert [row_of(page, "domain", number).split("否 ")[1] for number in range(3)] == [
        "未验收，或验收后改过设置 —",
        "到时失效：可播放 12:30:00",
        "通过 12:30:00",
    ]
    assert 'data-testid="domain"' not in section_desk.page("streams_standing")


# Viewers ------------------------------------------------------------------------------------------


def test_who_watches_what_now_and_at_most(
    admin_desk: Desk, operator: User, ministry: Caller, office: Organisation, server: MediaServer
) -> None:
    first, second = make_camera(office, 1), make_camera(office, 2)
    partner, today = ministry.partner, day_of(NOON)
    Partner.objects.filter(pk=partner.pk).update(most_viewers=64)
    ViewerLimit.objects.create(camera=first, most_viewers=5)
    for number, uid in enumerate((f"p{partner.pk}", f"p{partner.pk}", f"u{operator.pk}", "cdn", "0")):
        watch(second if number == 4 else first, server, uid, f"v-{number}")
    for kind, subject, peak in ((PeakKind.ALL, 0, 31), (PeakKind.PARTNER, partner.pk, 25)):
        ViewerPeak.objects.create(day=today, kind=kind, subject_id=subject, peak=peak, at=NOON)
    ViewerPeak.objects.create(day=today, kind=PeakKind.CAMERA, subject_id=first.pk, peak=9, at=NOON)
    page = admin_desk.page("streams_standing")
    assert (sum_of(page, "viewers"), sum_of(page, "peak")) == ("5", "31 12:30")
    assert [row_of(page, "asker", number) for number in range(4)] == [
        f"{partner.name} 接入方 2 25 64",
        "未知 — 1 1 —",
        "播放域名回源 CDN 1 1 —",
        f"{operator.display_name} 用户 1 1 —",
    ]
    assert row_of(page, "watched").endswith(f"{first.name} 4 9 5")
    assert row_of(page, "watched", 1).endswith(f"{second.name} 1 1 —")


def test_outgoing_traffic_against_the_plan(
    admin_desk: Desk, office: Organisation, server: MediaServer
) -> None:
    MediaServer.objects.update(egress_kbps=300_000)
    page = admin_desk.page("streams_standing")
    assert sum_of(page, "egress") == "300.0 / 300 Mbit/s"
    assert '<div class="hand"><dt>出口' not in page
    MediaServer.objects.update(egress_kbps=300_100)
    assert '<div class="hand"><dt>出口' in admin_desk.page("streams_standing")


@pytest.mark.parametrize("count", [3, 30])
def test_queries_do_not_grow(
    count: int, admin_desk: Desk, office: Organisation, server: MediaServer, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    for number in range(count):
        camera = make_camera(office, number, gateway)
        push(camera, server, state=PushState.FAILED)
        watch(camera, server, f"p{gateway_partner.partner.pk}", f"v-{number}")
        fail(camera)
    admin_desk.page("streams_standing")
    with CaptureQueriesContext(connection) as queries:
        page = admin_desk.page("streams_standing")
    assert page.count('data-testid="unplayable-row"') == count
    assert len(queries) == 25
