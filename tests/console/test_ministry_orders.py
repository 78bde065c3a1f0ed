"""部级对接: what the buttons do, the lists they stand beside, and the delivery log."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Outcome
from access.days import day_of
from access.models import BehaviourLog, Organisation
from ministry.choices import DifferenceKind, Interface
from ministry.models import (
    CameraDelivery,
    DeliveryTrouble,
    InterfaceState,
    LedgerCheck,
    LedgerDifference,
    UpperPlatform,
)
from ministry.services import calls
from ministry.tasks import check_ledger_of
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON, find, note_call, park, press, pressed, told
from tests.ministry.upper import connect
from tests.mock_ministry.running import RunningMinistry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    calls.ensure_partition(day_of(NOON))
    return time_machine


def logged() -> BehaviourLog:
    return BehaviourLog.objects.get(object_kind="upper_platform", actor_name="赵主任")


# Retrying -----------------------------------------------------------------------------------------


def test_retry_ends_the_waiting(admin_desk: Desk, platform: UpperPlatform) -> None:
    later = NOON + timedelta(seconds=40)
    UpperPlatform.objects.update(failures=9, retry_at=later)
    InterfaceState.objects.create(
        platform=platform, interface=Interface.STATUS, failures=6, retry_at=later
    )
    page = pressed(admin_desk, "ministry_retry", platform)
    assert "12:30:00</span> 已取消等待，马上重试" in page
    assert "就在此刻" in page
    assert UpperPlatform.objects.get().retry_at is None
    assert InterfaceState.objects.get().retry_at is None
    assert logged().address == "127.0.0.1"


def test_what_is_parked_is_told_and_retried(
    admin_desk: Desk, platform: UpperPlatform, office: Organisation
) -> None:
    delivery = told(platform, 1, office, status=0)
    park(delivery)
    park(told(platform, 2, office, version=0, status=None), Interface.REGISTER)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert page.count('data-testid="parked-item"') == 2
    for words in ("第 1 条 不属于济南段", "11-22 10:30", "G2 济南段 1 号", f"/?camera={delivery.camera_id}"):
        assert words in page
    page = pressed(admin_desk, "ministry_retry_parked", platform, interface=int(Interface.STATUS))
    assert "1 项搁置的上报马上重试" in page
    assert page.count('data-testid="parked-item"') == 1
    assert DeliveryTrouble.objects.exclude(parked_at=None).get().interface == Interface.REGISTER
    assert logged()
    assert "1 项搁置的上报马上重试" in pressed(admin_desk, "ministry_retry_parked", platform)
    page = pressed(admin_desk, "ministry_retry_parked", platform)
    assert "没有搁置的上报" in page
    assert 'data-testid="parked"' not in page


@pytest.mark.parametrize("count", [3, 30])
def test_queries_do_not_grow_with_what_is_parked(
    count: int, admin_desk: Desk, platform: UpperPlatform, office: Organisation
) -> None:
    for number in range(1, count + 1):
        park(told(platform, number, office, status=0))
    find(platform, *[DifferenceKind.MISSING] * count)
    admin_desk.page("ministry_standing", platform.pk)
    with CaptureQueriesContext(connection) as queries:
        page = admin_desk.page("ministry_standing", platform.pk)
    assert page.count('data-testid="parked-item"') == count
    assert page.count('data-testid="difference"') == count
    assert len(queries) == 19


# Token --------------------------------------------------------------------------------------------


def test_the_token_is_exchanged_or_it_is_told_why_not(admin_desk: Desk, upper: RunningMinistry) -> None:
    platform = connect(upper)
    page = pressed(admin_desk, "ministry_token", platform)
    assert "12:30:00</span> 令牌已更换" in page
    assert "11-22" not in page.split("令牌更换于")[1].split("</dd>")[0]
    assert logged().outcome == Outcome.DONE
    UpperPlatform.objects.update(token="x")
    platform.token = "a-token-of-long-ago"
    platform.save()
    page = pressed(admin_desk, "ministry_token", platform)
    assert 'data-good="false"' in page
    assert "令牌没有更换：令牌交换：对方" in page


# Check and repair ---------------------------------------------------------------------------------


def test_a_check_is_asked_for_and_shown_when_done(
    admin_desk: Desk, clock: TimeMachineFixture
) -> None:
    with RunningMinistry(has_ledger_verbs=False) as upper:
        _check_by_acknowledgements(admin_desk, upper, clock)


def _check_by_acknowledgements(admin_desk: Desk, upper: RunningMinistry, clock: TimeMachineFixture) -> None:
    platform = connect(upper)
    assert "尚未核对" in admin_desk.page("ministry_standing", platform.pk)
    assert "正在核对…" in pressed(admin_desk, "ministry_check", platform)
    assert logged().verb == "核对上级平台台账"
    clock.shift(2)
    check_ledger_of(platform.pk)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert "正在核对…" not in page
    assert "对方没有点位查询接口，按其确认记录比对" in page
    # What they only acknowledged is no proof.
    assert "未看到对方台账" in page
    assert "对方持有的与我方一致" not in page
    LedgerCheck.objects.update(is_by_ledger=True)
    assert "对方持有的与我方一致" in admin_desk.page("ministry_standing", platform.pk)
    LedgerCheck.objects.update(error="对方无法访问")
    assert "对方持有的与我方一致" not in admin_desk.page("ministry_standing", platform.pk)


def test_differences_stand_by_kind(
    admin_desk: Desk, platform: UpperPlatform, office: Organisation
) -> None:
    check = find(platform, DifferenceKind.MISSING, DifferenceKind.STRANGER, DifferenceKind.STRANGER)
    delivery = told(platform, 1, office)
    LedgerDifference.objects.filter(kind=DifferenceKind.MISSING).update(camera=delivery.camera)
    page = admin_desk.page("ministry_standing", platform.pk)
    assert page.count('data-testid="difference"') == 3
    assert 'data-testid="repair" ' in page
    assert "修复 1 处" in page
    assert "确认在对方删除 2 个点位" in page
    assert f"/?camera={delivery.camera_id}" in page
    assert f'"check": {check.pk}' in page
    # One that was deleted here leads nowhere.
    delivery.camera.deleted_at = NOON
    delivery.camera.save()
    assert f"/?camera={delivery.camera_id}" not in admin_desk.page("ministry_standing", platform.pk)


def test_repair_leaves_strangers_alone(
    admin_desk: Desk, platform: UpperPlatform, office: Organisation
) -> None:
    check = find(platform, DifferenceKind.MISSING, DifferenceKind.STRANGER)
    delivery = told(platform, 1, office)
    LedgerDifference.objects.filter(kind=DifferenceKind.MISSING).update(camera=delivery.camera)
    page = pressed(admin_desk, "ministry_repair", platform, check=check.pk)
    assert "已安排修复 1 处差异" in page
    assert CameraDelivery.objects.get().version == 0
    assert LedgerDifference.objects.filter(repaired_at=None).get().kind == DifferenceKind.STRANGER
    assert logged()


@pytest.mark.parametrize("agreed", [None, 1, 3])
def test_strangers_are_deleted_only_as_agreed(
    agreed: int | None, admin_desk: Desk, platform: UpperPlatform
) -> None:
    check = find(platform, DifferenceKind.STRANGER, DifferenceKind.STRANGER)
    fields = {"check": check.pk, "kind": int(DifferenceKind.STRANGER)}
    response = press(
        admin_desk, "ministry_repair", platform, **fields, **({"agreed": agreed} if agreed else {})
    )
    assert response.status_code == 400
    assert "须先看过清单再确认" in text_of(response)
    assert LedgerDifference.objects.filter(repaired_at=None).count() == 2


def test_agreed_strangers_are_deleted_over_there(admin_desk: Desk, upper: RunningMinistry) -> None:
    platform = connect(upper)
    check = find(platform, DifferenceKind.STRANGER, DifferenceKind.STRANGER)
    kind = int(DifferenceKind.STRANGER)
    page = pressed(admin_desk, "ministry_repair", platform, check=check.pk, kind=kind, agreed=2)
    assert "已在对方删除 2 个点位" in page
    assert upper.calls()[-1]["verb"] == "VideoInformationDel"
    assert "台账差异待修复" not in page


def test_an_older_list_is_not_repaired(admin_desk: Desk, platform: UpperPlatform) -> None:
    old = find(platform, DifferenceKind.MISSING)
    find(platform, DifferenceKind.MISSING, began_at=NOON)
    response = press(admin_desk, "ministry_repair", platform, check=old.pk)
    assert (response.status_code, text_of(response)) == (400, "已有更新的核对结果，请看过后再修复")


# The delivery log ---------------------------------------------------------------------------------


def test_the_log_by_interface_and_by_failure(admin_desk: Desk, platform: UpperPlatform) -> None:
    note_call(platform, department="山东高速")
    note_call(platform, code=404, error="没有此接口")
    note_call(platform, interface=Interface.QUALITY, verb="ReportCameraQuality", code=None, error="超时")

    def rows(**params: object) -> int:
        return admin_desk.page("ministry_calls", platform.pk, **params).count('data-testid="call"')

    assert rows() == 3
    assert rows(failures=1) == 2
    assert rows(interface=int(Interface.QUALITY)) == 1
    assert rows(interface=int(Interface.STATUS), failures=1) == 1
    page = admin_desk.page("ministry_calls", platform.pk)
    for words in ("没有此接口", "没有答复", "山东高速", "200 成功"):
        assert words in page
    assert "七天内没有这样的记录" in admin_desk.page("ministry_calls", platform.pk, interface=int(Interface.TOKEN))
    page = admin_desk.page("ministry_standing", platform.pk)
    assert 'class="mono hand">2</b> 次失败' in page


def test_the_log_goes_further_back(
    admin_desk: Desk, platform: UpperPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.calls.PAGE_ROWS", 2)
    calls.ensure_partition(day_of(NOON - timedelta(days=6)))
    # Two of the same moment, and one of another day.
    for seconds, count in ((1, 5), (2, 4), (2, 3), (9, 2), (6 * 86400, 1)):
        note_call(platform, seconds_ago=seconds, count=count)
    seen: list[str] = []
    url = f"/ministry/{platform.pk}/calls/"
    for _ in range(3):
        page = text_of(admin_desk.client.get(url))
        seen += [cell.split("<")[0] for cell in page.split('<td class="mono number">')[1::2]]
        url = page.rsplit('hx-get="', 1)[-1].split('"')[0]
    assert "回到最新" in page
    assert seen == ["5", "3", "4", "2", "1"]
    assert "更早的记录" not in page


@pytest.mark.parametrize(
    ("params", "said"),
    [({"interface": "9"}, "应为 0 到"), ({"before": "x"}, "before 的值“x”无法识别")],
)
def test_what_makes_no_sense_is_told(
    params: dict[str, str], said: str, admin_desk: Desk, platform: UpperPlatform
) -> None:
    response = admin_desk.get("ministry_calls", platform.pk, **params)
    assert response.status_code == 400
    assert said in text_of(response)
