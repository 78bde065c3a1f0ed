"""Tokens that die, silence, inner errors: what goes wrong between us and an upper platform."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from time_machine import TimeMachineFixture

from access.models import Alarm
from ministry.models import CameraDelivery, DeliveryTrouble, UpperPlatform
from ministry.services.health import is_probing
from ministry.services.sync import sync_platform
from tests.ministry.upper import calls, connect, delivery, held, only_platform, sync, told_statuses, trouble
from tests.mock_ministry.running import RunningMinistry

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.mark.usefixtures("cameras", "platform")
class TestTokens:
    def test_an_expired_token_is_exchanged_and_kept(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        first = upper.account.first_token
        time_machine.move_to(datetime.now(UTC) + timedelta(hours=3))
        sync()
        assert sorted(held(upper)) == [1, 2, 3]
        assert only_platform().token not in ("", first)
        assert only_platform().token_at is not None
        assert len(calls(upper, "TokenInfo")) == 1
        sync()
        assert len(calls(upper, "TokenInfo")) == 1

    def test_a_lost_exchange_is_repeated_with_the_old_token(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(datetime.now(UTC) + timedelta(hours=3))
        upper.break_down("lost", verbs=["TokenInfo"])
        sync()
        assert only_platform().token == upper.account.first_token
        assert not held(upper)
        upper.break_down("none")
        sync()
        assert sorted(held(upper)) == [1, 2, 3]

    def test_token_and_key_are_encrypted_at_rest(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT token, private_key FROM ministry_upperplatform")
            for stored in cursor.fetchone():
                assert stored.startswith("sm4gcm$")

    def test_a_refused_token_is_an_alarm_until_staff_mend_it(self, upper: RunningMinistry) -> None:
        UpperPlatform.objects.update(token="somebody-elses")
        sync()
        alarm = Alarm.objects.get(closed_at=None)
        assert alarm.title == "部级平台：令牌被拒绝"
        # No further try would fare better: the breaker is open at once.
        assert is_probing(only_platform().failures)
        assert len(upper.calls()) == 2
        connect(upper)
        assert sync_platform(platform=only_platform()) > 0
        assert not Alarm.objects.filter(closed_at=None).exists()
        assert (only_platform().failures, only_platform().last_error) == (0, "")


@pytest.mark.usefixtures("cameras", "platform")
class TestTrouble:
    def test_silence_opens_the_breaker_and_becomes_an_alarm(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        upper.break_down("down", seconds=3600)
        for _ in range(4):
            sync()
        assert not Alarm.objects.exists()
        sync()
        assert Alarm.objects.get(closed_at=None).title == "部级平台：上报失败"
        waits = []
        for _ in range(8):
            before = only_platform().retry_at
            assert before is not None
            time_machine.move_to(before - timedelta(seconds=0.1), tick=False)
            assert sync_platform(platform=only_platform()) == 0
            time_machine.move_to(before, tick=False)
            CameraDelivery.objects.update(claimed_until=None)
            sync_platform(platform=only_platform())
            waits.append((only_platform().retry_at - before).total_seconds())  # type: ignore[operator]
        # One try each, after waits that double, less up to a quarter.
        assert len(upper.calls()) == 5 + 8
        assert all(0.75 * full <= wait <= full for full, wait in zip([4, 8, 16, 32], waits, strict=False))
        assert all(45 <= wait <= 60 for wait in waits[4:])
        upper.break_down("none")
        sync()
        assert sorted(held(upper)) == [1, 2, 3]
        assert (only_platform().failures, only_platform().last_error) == (0, "")
        assert only_platform().last_success_at is not None
        assert not Alarm.objects.filter(closed_at=None).exists()

    def test_an_inner_error_of_theirs_is_a_strike_for_all_and_refuses_none(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        upper.break_down("error500", verbs=["VideoInformation"])
        sync()
        assert "500" in trouble(1).reason
        assert (trouble(1).strikes, trouble(1).refusals, delivery(1).is_in_doubt) == (1, 0, True)
        upper.break_down("none")
        time_machine.shift(2)
        sync()
        assert told_statuses(upper) == {1: 0, 2: 0, 3: 0}
        assert not DeliveryTrouble.objects.exists()

    def test_a_ministry_that_fails_at_everything_parks_nobody(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        upper.break_down("error500", seconds=1e6)
        for _ in range(120):
            time_machine.shift(60)
            sync_platform(platform=only_platform())
        assert len(calls(upper, "VideoInformation")) < 50
        assert not DeliveryTrouble.objects.exclude(parked_at=None).exists()
        assert "登记与修改" in Alarm.objects.get(closed_at=None).title
        upper.break_down("none")
        time_machine.shift(600)
        sync()
        time_machine.shift(600)
        sync()
        assert sorted(held(upper)) == [1, 2, 3]
        assert not Alarm.objects.filter(closed_at=None).exists()

    def test_a_platform_out_of_use_is_not_called(self, upper: RunningMinistry) -> None:
        UpperPlatform.objects.update(is_active=False)
        assert sync() == 0
        assert not upper.calls()


