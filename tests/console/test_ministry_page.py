"""部级对接: who gets in, what is said in which state, and what the buttons do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from time_machine import TimeMachineFixture

from access.days import day_of
from access.models import BehaviourLog, Organisation, User
from ministry.choices import DifferenceKind, Interface
from ministry.models import (
    CameraDelivery,
    InterfaceState,
    UpperPlatform,
)
from ministry.services import calls
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON, find, headline, note_call, park, press, shape, told
from tests.mock_ministry.running import PRIVATE_KEY

pytestmark = pytest.mark.django_db

Happening = Callable[[UpperPlatform, Organisation], None]

ACTIONS = (
    "ministry_retry",
    "ministry_retry_parked",
    "ministry_check",
    "ministry_repair",
    "ministry_token",
)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    calls.ensure_partition(day_of(NOON))
    return time_machine


# Rights -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ministry_standing", "ministry_calls", *ACTIONS])
def test_the_platform_of_others_is_not_there(
    name: str, neighbour_desk: Desk, admin_desk: Desk, platform: UpperPlatform
) -> None:
    ask = press if name in ACTIONS else lambda desk, name, platform: desk.get(name, platform.pk)
    response = ask(neighbour_desk, name, platform)
    assert (response.status_code, text_of(response)) == (404, "上级平台不存在")
    assert BehaviourLog.objects.filter(object_kind="upper_platform").count() == 0


def test_lesser_roles_are_refused_and_see_no_entry(
    desk: Desk, monitor_desk: Desk, auditor_desk: Desk, admin_desk: Desk, platform: UpperPlatform
) -> None:
    for lesser in (desk, monitor_desk, auditor_desk):
        assert "没有“部级对接”权限" in text_of(lesser.get("ministry"))
        assert lesser.get("ministry").status_code == 403
        assert press(lesser, "ministry_retry", platform).status_code == 403
    assert 'href="/ministry/"' not in desk.page("wall")
    assert 'href="/ministry/"' in admin_desk.page("wall")
    assert 'href="/ministry/" aria-current="page"' in admin_desk.page("ministry")


def test_whom_no_platform_concerns_sees_none(
    neighbour_desk: Desk, admin_desk: Desk, platform: UpperPlatform
) -> None:
    assert "尚未登记上级平台" in neighbour_desk.page("ministry")
    assert "部级平台</h2>" not in neighbour_desk.page("ministry")
    assert "部级平台</h2>" in admin_desk.page("ministry")


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_is_done_by_a_link(name: str, admin_desk: Desk, platform: UpperPlatform) -> None:
    assert admin_desk.get(name, platform.pk).status_code == 405


def test_no_secret_leaves(admin_desk: Desk, platform: UpperPlatform) -> None:
    page = admin_desk.page("ministry")
    assert "secret-token" not in page
    assert PRIVATE_KEY not in page


def test_settings_are_offered_to_whom_they_open(
    admin_desk: Desk, superuser: User, platform: UpperPlatform
) -> None:
    path = f"/admin/ministry/upperplatform/{platform.pk}/change/"
    assert path not in admin_desk.page("ministry")
    assert path in Desk(superuser).page("ministry")


# Words --------------------------------------------------------------------------------------------


def change(**fields: Any) -> Happening:
    def happens(platform: UpperPlatform, office: Organisation) -> None:
        UpperPlatform.objects.filter(pk=platform.pk).update(**fields)

    return happens


def refused_token(platform: UpperPlatform, office: Organisation) -> None:
    change(failures=5, retry_at=NOON + timedelta(seconds=2), last_error="上级平台答复 403：令牌无效")(
        platform, office
    )
    note_call(platform, code=403)


def refused_interface(platform: UpperPlatform, office: Organisation) -> None:
    InterfaceState.objects.create(
        platform=platform,
        interface=Interface.QUALITY,
        failures=7,
        retry_at=NOON + timedelta(seconds=75),
        last_failure_at=NOON - timedelta(seconds=5),
        last_error="ReportCameraQuality：上级平台答复 400：应为十位",
    )


def late(platform: UpperPlatform, office: Organisation) -> None:
    told(platform, 1, office, status=0)
    told(platform, 2, office, status=0)


def fresh(platform: UpperPlatform, office: Organisation) -> None:
    delivery = told(platform, 1, office, status=0)
    delivery.camera.status_at = NOON - timedelta(seconds=3)
    delivery.camera.save()


def hour_missed(platform: UpperPlatform, office: Organisation) -> None:
    told(platform, 1, office, status_at=NOON - timedelta(minutes=45))


def parked_one(platform: UpperPlatform, office: Organisation) -> None:
    park(told(platform, 1, office, status=0))


@pytest.mark.parametrize(
    ("happens", "state", "words"),
    [
        (change(), "online", "已同步"),
        (change(is_active=False), "offline", "已停用，不上报"),
        (change(last_success_at=None), "unknown", "尚未上报"),
        (change(failures=2), "fault", "连续 2 次没有成功，正在重试"),
        (
            change(failures=11, retry_at=NOON + timedelta(seconds=23)),
            "fault",
            "连接中断，第 7 次重试在 23 秒后",
        ),
        (change(failures=11, retry_at=NOON), "fault", "连接中断，第 7 次重试就在此刻"),
        (change(failures=1, retry_at=NOON + timedelta(minutes=2)), "busy", "对方要求稍候，2 分钟后继续"),
        (refused_token, "fault", "令牌被拒绝，请更换令牌；换不成时请重新录入"),
        (refused_interface, "fault", "“图像质量”接口连续被拒绝，下次尝试在 1 分钟后"),
        (late, "busy", "正在追赶 2 项，最早的等了 1 小时"),
        (fresh, "online", "已同步"),
        (hour_missed, "busy", "正在追赶 1 项"),
        (parked_one, "online", "已同步"),
    ],
)
def test_how_it_stands_in_words(
    happens: Happening,
    state: str,
    words: str,
    admin_desk: Desk,
    platform: UpperPlatform,
    office: Organisation,
) -> None:
    happens(platform, office)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert (shape(page), headline(page)) == (state, words)


def test_what_needs_a_hand_stands_beside(
    admin_desk: Desk, platform: UpperPlatform, office: Organisation
) -> None:
    parked_one(platform, office)
    find(platform, DifferenceKind.CONTENT, DifferenceKind.STRANGER)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert "1 项被对方拒绝，已搁置" in page
    assert "2 处台账差异待修复" in page


def test_failures_of_an_interface_are_told_in_words(
    admin_desk: Desk, platform: UpperPlatform, office: Organisation
) -> None:
    refused_interface(platform, office)
    page = admin_desk.page("ministry_standing", platform.pk)
    for words in ("连续 7 次被拒绝", "上级平台答复 400：应为十位", "12:29:55", "在 1 分钟后"):
        assert words in page


def test_the_hour_and_the_token(admin_desk: Desk, platform: UpperPlatform, office: Organisation) -> None:
    told(platform, 1, office)
    told(platform, 2, office, status_at=NOON - timedelta(minutes=45))
    change(token_at=NOON - timedelta(days=2))(platform, office)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert '<progress max="2" value="1">' in page
    assert "11-20 12:30" in page
    assert "正在进行" in page
    CameraDelivery.objects.update(status_at=NOON)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert '<progress max="2" value="2">' in page
    assert "13:00:00" in page
