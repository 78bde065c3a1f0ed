"""What piles up on the way to an upper platform is an alarm, which closes itself."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.models import Alarm
from cameras.models import Camera
from ministry.choices import Interface
from ministry.models import DeliveryTrouble, InterfaceState, UpperPlatform
from ministry.selectors import backlog_by_interface
from ministry.services.platforms import save_upstream
from ministry.tasks import watch
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller
from tests.ministry.upper import answering, sync
from tests.protocol.peer import Peer, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture, settings: LazySettings) -> TimeMachineFixture:
    settings.MINISTRY_BACKLOG_ALARM_SECONDS = 600
    time_machine.move_to(NOON, tick=False)
    return time_machine


def open_alarms() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).order_by("title").values_list("title", flat=True))


def take_all(odd: Peer) -> None:
    odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])


def test_what_waits_too_long_is_an_alarm_until_it_is_told(
    odd: Peer, cameras: Caller, clock: TimeMachineFixture
) -> None:
    take_all(odd)
    sync()
    register(cameras, wire(1, poiName="黄河大桥"), wire(4))
    clock.move_to(NOON + timedelta(seconds=600), tick=False)
    watch()
    assert open_alarms() == []
    clock.move_to(NOON + timedelta(seconds=661), tick=False)
    watch()
    watch()
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.times_seen) == ("邻省：上报积压", 2)
    assert alarm.message == "登记与修改 2 项等待上报，最早的已等待 11 分钟"
    sync()
    watch()
    assert open_alarms() == []


def test_the_hourly_repetition_is_no_backlog(odd: Peer, clock: TimeMachineFixture) -> None:
    take_all(odd)
    sync()
    clock.move_to(NOON + timedelta(hours=5), tick=False)
    watch()
    assert open_alarms() == []


def test_what_was_parked_is_an_alarm_with_its_reasons(odd: Peer, clock: TimeMachineFixture) -> None:
    odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 1, "info": "桩号超出"} for num in nums])
    for _ in range(5):
        DeliveryTrouble.objects.update(retry_at=NOON)
        sync()
    clock.move_to(NOON + timedelta(hours=5), tick=False)
    watch()
    # Parked things are no backlog: nobody is going to send them soon.
    alarm = Alarm.objects.get(closed_at=None)
    assert alarm.title == "邻省：3 项上报被反复拒绝"
    assert alarm.message.startswith("登记与修改 3 项已搁置，每小时重试一次。G2 京沪高速 济南段 ")
    assert alarm.message.count("（登记与修改）：桩号超出") == 3
    # What was refused is no longer owed.
    Camera.objects.update(deleted_at=NOON)
    watch()
    assert open_alarms() == []


def test_nothing_is_awaited_of_a_platform_that_is_switched_off(odd: Peer, clock: TimeMachineFixture) -> None:
    odd.respond = lambda _: reply(400)
    clock.move_to(NOON + timedelta(hours=5), tick=False)
    watch()
    assert open_alarms() == ["邻省：上报积压"]
    UpperPlatform.objects.update(is_active=False)
    watch()
    assert open_alarms() == []


def test_an_old_ledger_waits_for_a_new_platform_only_since_it_is_there(
    odd: Peer, cameras: Caller, clock: TimeMachineFixture
) -> None:
    Camera.objects.update(version_at=NOON - timedelta(days=90))
    odd.respond = lambda _: reply(500)
    sync()
    watch()
    assert open_alarms() == []
    clock.move_to(NOON + timedelta(seconds=601), tick=False)
    watch()
    assert open_alarms() == ["邻省：上报积压"]


def test_the_trouble_of_an_interface_ends_when_nothing_is_owed_there(
    odd: Peer, cameras: Caller, clock: TimeMachineFixture
) -> None:
    take_all(odd)
    sync()
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    odd.respond = lambda _: reply(500)
    for _ in range(6):
        sync()
        clock.shift(120)
    assert open_alarms() == ["邻省：删除连续被拒绝"]
    register(cameras, wire(1))
    take_all(odd)
    sync()
    watch()
    assert open_alarms() == []
    assert InterfaceState.objects.get(interface=Interface.DELETE).failures == 0


def test_alarms_end_when_a_platform_is_switched_off(odd: Peer) -> None:
    odd.respond = lambda _: reply(403)
    sync()
    assert open_alarms() == ["邻省：令牌被拒绝"]
    platform = UpperPlatform.objects.get()
    platform.is_active = False
    save_upstream(platform=platform, actor=SYSTEM, has_new_token=False)
    assert open_alarms() == []


def test_results_of_a_camera_that_is_gone_are_owed_no_more(odd: Peer, cameras: Caller) -> None:
    take_all(odd)
    sync()
    odd.respond = lambda _: reply(500)
    cameras.post("ReportAnalyse", [{"cameraNum": number(1), "data": "{}"}])
    sync()
    platform = UpperPlatform.objects.get()
    assert backlog_by_interface(platform)[Interface.ANALYSE].waiting == 1
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    assert backlog_by_interface(platform)[Interface.ANALYSE].waiting == 0
