"""The behaviour log through clocks, restores and nights: what is no flaw, and who is told of one."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.utils import timezone

from access.choices import Severity
from access.models import Alarm, BehaviourLog, LogBlock
from access.services import log_chain, log_watch
from access.services.log_anchors import anchor_file, anchor_head
from access.services.log_chain import forget_old_rows, seal_log
from access.services.log_watch import watch_log
from access.tasks import verify_behaviour_log
from tests.access.test_log_chain import flaws, seal, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[BehaviourLog]:
    """Ten rows in three blocks."""
    monkeypatch.setattr(log_chain, "MOST_ROWS", 4)
    settings.LOG_ANCHOR_FOLDER = tmp_path
    cache.delete("log-chain:mark")
    written = write(10)
    seal()
    return written


def test_what_was_edited_is_an_alarm_the_next_morning(rows: list[BehaviourLog]) -> None:
    anchor_head()
    assert watch_log() == 0
    BehaviourLog.objects.filter(pk=rows[4].pk).update(actor_name="李工")
    verify_behaviour_log()
    alarm = Alarm.objects.get(key=log_watch.ALARM)
    assert (alarm.severity, str(rows[4].pk) in alarm.message) == (Severity.CRITICAL, True)
    BehaviourLog.objects.filter(pk=rows[4].pk).update(actor_name=rows[4].actor_name)
    assert watch_log() == 0
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


def test_anchors_that_cannot_be_read_are_told_too(rows: list[BehaviourLog]) -> None:
    anchor_head()
    anchor_file().write_text("{}\n")
    assert watch_log() == 1
    assert "锚点" in Alarm.objects.get(key=log_watch.ALARM).message


def test_a_clock_that_was_set_forward_does_not_take_the_log_along(rows: list[BehaviourLog]) -> None:
    LogBlock.objects.filter(number=1).update(newest_at=timezone.now() - timedelta(days=10))
    assert forget_old_rows(timezone.now() + timedelta(days=500)) == 4
    assert BehaviourLog.objects.filter(pk=rows[4].pk).exists()


def test_a_restored_database_is_sealed_as_far_as_it_goes(rows: list[BehaviourLog]) -> None:
    cache.set("log-chain:mark", {"id": rows[-1].pk + 500, "next": 1}, None)
    write(2)
    for _ in range(4):
        seal_log()
    write(2)
    for _ in range(4):
        seal_log()
    assert flaws() == []


def test_anchors_that_are_gone_are_a_flaw(rows: list[BehaviourLog]) -> None:
    LogBlock.objects.update(sealed_at=timezone.now() - timedelta(hours=5))
    assert "anchor-missing" in flaws()
    anchor_head()
    assert "anchor-missing" not in flaws()


def test_what_is_not_sealed_for_long_is_an_alarm(rows: list[BehaviourLog]) -> None:
    late = write(1)[0]
    BehaviourLog.objects.filter(pk=late.pk).update(at=timezone.now() - timedelta(minutes=31))
    seal_log()
    assert Alarm.objects.get(key="log-chain:lag").closed_at is None
    seal()
    seal_log()
    assert Alarm.objects.get(key="log-chain:lag").closed_at is not None
