"""What they hold otherwise is told anew by the next run; what was never ours only when staff say so."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import TimeMachineFixture

from access.actors import SYSTEM, Actor
from access.choices import ActorKind
from access.models import Alarm, BehaviourLog
from ministry.choices import DifferenceKind
from ministry.models import CameraDelivery, LedgerCheck, LedgerDifference, UpperPlatform
from ministry.selectors import backlog_by_interface
from ministry.selectors.overview import MOST_STRANGERS, listed_strangers
from ministry.services.reconciliation import (
    AUTOMATIC,
    check_and_repair,
    check_ledger,
    forget_old_checks,
    repair,
)
from ministry.tasks import check_ledger_of, keep_partitions
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.ministry.holding import Holding
from tests.ministry.upper import delivery, only_platform, sync
from tests.protocol.peer import Peer, reply

pytestmark = [pytest.mark.django_db]

STAFF = Actor(ActorKind.STAFF, 7, "李工")
ALL = frozenset(DifferenceKind)
STRANGER = "0f1c5a4e-6f0b-4a55-9d3b-000000000099"


def check() -> LedgerCheck:
    return check_ledger(platform=only_platform())


def hourly() -> LedgerCheck:
    return check_and_repair(platform=only_platform())


def tamper(holding: Holding) -> None:
    """One difference of every kind but the stranger; camera 3 has been deleted and they kept it."""
    kept = dict(holding.of(3))
    camera(3).__class__.objects.filter(pk=camera(3).pk).update(deleted_at=datetime(2026, 1, 1, tzinfo=UTC))
    sync()
    holding.cameras[number(3)] = kept
    holding.lose(1)
    holding.of(2)["road"] = "G3"
    holding.statuses[number(2)] = 2


def test_the_hourly_check_brings_their_copy_back(holding: Holding) -> None:
    tamper(holding)
    assert hourly().differences == 4
    assert LedgerDifference.objects.filter(repaired_at=None).count() == 0
    sync()
    assert sorted(holding.cameras) == [number(1), number(2)]
    assert holding.of(2)["road"] == "G2"
    assert holding.statuses == {number(1): 0, number(2): 0}
    assert (hourly().differences, Alarm.objects.count()) == (0, 0)


@pytest.mark.parametrize("kind", [DifferenceKind.MISSING, DifferenceKind.CONTENT])
def test_what_they_lost_or_changed_is_registered_anew(holding: Holding, kind: DifferenceKind) -> None:
    tamper(holding)
    n = 1 if kind == DifferenceKind.MISSING else 2
    assert repair(check=check(), actor=STAFF, kinds=[kind]) == 1
    row = delivery(n)
    assert (row.version, row.is_in_doubt, row.status, row.quality) == (0, True, None, None)
    others = CameraDelivery.objects.exclude(pk=row.pk)
    assert not others.filter(version=0).exists()
    (repaired,) = LedgerDifference.objects.exclude(repaired_at=None)
    assert (repaired.kind, repaired.number) == (kind, number(n))


def test_a_status_is_told_anew_alone(holding: Holding, odd: Peer) -> None:
    tamper(holding)
    assert repair(check=check(), actor=STAFF, kinds=[DifferenceKind.STATUS]) == 1
    assert (delivery(2).version, delivery(2).status) == (1, None)
    before = len(odd.of("VideoInformation"))
    sync()
    assert holding.statuses[number(2)] == 0
    assert len(odd.of("VideoInformation")) == before


def test_what_we_deleted_is_deleted_there_again(holding: Holding) -> None:
    tamper(holding)
    assert repair(check=check(), actor=STAFF, kinds=[DifferenceKind.SURPLUS]) == 1
    assert (delivery(3).version, delivery(3).is_in_doubt) == (0, True)
    sync()
    assert number(3) not in holding.cameras
    assert not CameraDelivery.objects.filter(camera=camera(3)).exists()


def test_a_camera_that_was_deleted_before_it_was_ever_told(holding: Holding, cameras: Caller) -> None:
    """Its row, with nothing acknowledged, is there already."""
    register(cameras, wire(4))
    CameraDelivery.objects.create(platform=only_platform(), camera=camera(4))
    cameras.post("VideoInformationDel", {"cameras": [number(4)]})
    holding.cameras[number(4)] = wire(4)
    assert hourly().differences == 1
    sync()
    assert number(4) not in holding.cameras


def test_what_came_back_to_life_is_not_deleted(holding: Holding, cameras: Caller) -> None:
    tamper(holding)
    result = check()
    register(cameras, wire(3, department="齐鲁交通", roadSec="潍坊管理处"))
    assert repair(check=result, actor=STAFF, kinds=[DifferenceKind.SURPLUS]) == 0
    sync()
    assert number(3) in holding.cameras


class TestStrangers:
    @pytest.fixture(autouse=True)
    def stranger(self, holding: Holding) -> None:
        holding.cameras[STRANGER] = {"cameraNum": STRANGER, "cameraName": "别省的"}
        holding.statuses[STRANGER] = 1

    def test_they_are_never_deleted_by_themselves(self, holding: Holding, odd: Peer) -> None:
        assert hourly().differences == 1
        assert repair(check=check(), actor=SYSTEM, kinds=AUTOMATIC) == 0
        sync()
        assert STRANGER in holding.cameras
        assert odd.of("VideoInformationDel") == []
        # Only staff can end it, so they hear of it.
        alarm = Alarm.objects.get(closed_at=None)
        assert alarm.title == "邻省：台账差异未消除"
        assert f"对方多出（不是本平台登记的） 1 个。例如：对方多出（不是本平台登记的） {STRANGER}" in alarm.message

    def test_staff_delete_them(self, holding: Holding) -> None:
        check()
        assert repair(check=check(), actor=STAFF, kinds=[DifferenceKind.STRANGER]) == 1
        assert sorted(holding.cameras) == [number(1), number(2), number(3)]
        assert LedgerDifference.objects.get().repaired_at is not None
        assert hourly().differences == 0
        assert not Alarm.objects.filter(closed_at=None).exists()

    def test_a_hundred_to_a_request(self, holding: Holding, odd: Peer) -> None:
        holding.cameras |= {f"x-{n}": {"cameraNum": f"x-{n}"} for n in range(199)}
        assert repair(check=check(), actor=STAFF, kinds=ALL) == 200
        assert len(odd.of("VideoInformationDel")) == 2

    def test_only_those_that_are_listed(self, holding: Holding) -> None:
        holding.cameras |= {f"x-{n}": {"cameraNum": f"x-{n}"} for n in range(520)}
        result = check()
        listed = {row.number for row in listed_strangers(result)}
        before = set(holding.cameras)
        assert repair(check=result, actor=STAFF, kinds=ALL) == MOST_STRANGERS == len(listed)
        assert before - set(holding.cameras) == listed
        assert sum(row.repaired_at is None for row in listed_strangers(result)) == 21

    def test_one_that_was_registered_with_us_meanwhile_stays(self, holding: Holding, cameras: Caller) -> None:
        holding.cameras[number(4)] = wire(4)
        result = check()
        register(cameras, wire(4))
        assert repair(check=result, actor=STAFF, kinds=ALL) == 1
        assert number(4) in holding.cameras

    def test_a_refused_deletion_stays_for_another_try(self, holding: Holding, odd: Peer) -> None:
        holding.cameras |= {f"x-{n}": {"cameraNum": f"x-{n}"} for n in range(199)}
        holding.before = lambda request: reply(500) if request.path.endswith("Del") else None
        result = check()
        assert repair(check=result, actor=STAFF, kinds=ALL) == 0
        assert len(odd.of("VideoInformationDel")) == 1
        holding.before = lambda _: None
        assert repair(check=result, actor=STAFF, kinds=ALL) == 200


def test_what_is_in_a_request_is_left_to_the_next_check(holding: Holding) -> None:
    tamper(holding)
    result = check()
    CameraDelivery.objects.update(claimed_until=datetime(2999, 1, 1, tzinfo=UTC))
    assert repair(check=result, actor=STAFF, kinds=[DifferenceKind.MISSING, DifferenceKind.STATUS]) == 0
    assert (delivery(1).version, delivery(2).status) == (1, 0)
    assert not LedgerDifference.objects.exclude(repaired_at=None).exists()


def test_what_was_registered_since_the_check_is_not_touched(holding: Holding) -> None:
    tamper(holding)
    result = check()
    CameraDelivery.objects.update(registered_at=result.ended_at, status_at=result.ended_at)
    assert repair(check=result, actor=STAFF, kinds=ALL) == 1
    assert LedgerDifference.objects.exclude(repaired_at=None).get().kind == DifferenceKind.SURPLUS


def test_a_repair_is_in_the_behaviour_log(holding: Holding) -> None:
    holding.lose(1)
    result = check()
    repair(check=result, actor=STAFF, kinds=ALL)
    repair(check=result, actor=STAFF, kinds=ALL)
    row = BehaviourLog.objects.get(verb="修复台账差异")
    assert (row.actor_name, row.object_name) == ("李工", "邻省")
    assert row.detail == {"核对": result.pk, "对方没有": 1}


def test_what_is_told_anew_has_waited_only_since(holding: Holding, time_machine: TimeMachineFixture) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    time_machine.move_to(later, tick=False)
    sync()
    time_machine.move_to(later + timedelta(seconds=1), tick=False)
    tamper(holding)
    time_machine.move_to(later + timedelta(seconds=2), tick=False)
    hourly()
    waiting = [kind.oldest for kind in backlog_by_interface(only_platform()).values() if kind.waiting]
    assert waiting == [later + timedelta(seconds=2)] * 2


def test_a_difference_that_a_repair_did_not_end_is_an_alarm(holding: Holding) -> None:
    """A platform that cuts names answers every registration with success."""
    holding.of(1)["cameraName"] = "G2"
    hourly()
    assert not Alarm.objects.exists()
    sync()
    holding.of(1)["cameraName"] = "G2"
    hourly()
    alarm = Alarm.objects.get(closed_at=None)
    assert "内容不同 1 个。例如：内容不同 " + number(1) in alarm.message
    assert "对方“G2”" in alarm.message
    sync()
    hourly()
    assert not Alarm.objects.filter(closed_at=None).exists()


def test_what_differs_after_every_repair_is_left_to_staff(holding: Holding) -> None:
    for _ in range(3):
        holding.of(1)["cameraName"] = "G2"
        hourly()
        assert delivery(1).version == 0
        sync()
    for _ in range(2):
        holding.of(1)["cameraName"] = "G2"
        result = hourly()
        assert delivery(1).version == 1
    assert Alarm.objects.filter(closed_at=None).exists()
    assert repair(check=result, actor=STAFF, kinds=ALL) == 1


def test_a_check_that_failed_ends_no_alarm(holding: Holding) -> None:
    holding.cameras[STRANGER] = {"cameraNum": STRANGER}
    hourly()
    holding.before = lambda _: reply(500)
    hourly()
    assert Alarm.objects.filter(closed_at=None).count() == 1


def test_the_button_compares_and_the_timetable_repairs(holding: Holding) -> None:
    holding.lose(1)
    check_ledger_of(only_platform().pk)
    assert delivery(1).version == 1
    check_ledger_of(only_platform().pk, is_repaired=True)
    assert delivery(1).version == 0
    UpperPlatform.objects.all().delete()
    check_ledger_of(0)


def test_checks_are_kept_as_long_as_the_delivery_log(holding: Holding) -> None:
    holding.lose(1)
    old, new = check(), check()
    LedgerCheck.objects.filter(pk=old.pk).update(began_at=datetime.now(UTC) - timedelta(days=91))
    assert forget_old_checks(now=datetime.now(UTC) - timedelta(days=2)) == 0
    keep_partitions()
    assert list(LedgerCheck.objects.all()) == [new]
    assert LedgerDifference.objects.count() == 1


def test_a_ledger_that_seems_all_wrong_is_left_to_staff(holding: Holding, cameras: Caller) -> None:
    """An empty answer is rather a fault of theirs than the loss of everything."""
    register(cameras, *[wire(n) for n in range(100, 160)])
    sync()
    holding.cameras.clear()
    before = CameraDelivery.objects.filter(version__gt=0).count()
    check_and_repair(platform=only_platform())
    assert CameraDelivery.objects.filter(version__gt=0).count() == before
    assert Alarm.objects.get(closed_at=None).title == "邻省：台账差异过多，未自动修复"
