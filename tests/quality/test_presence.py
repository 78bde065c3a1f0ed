"""Offline among the verdicts: it follows the status at once, not with the next picture."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from cameras.choices import OnlineStatus
from cameras.models import Camera
from cameras.services.status import set_stream_presence, settle_statuses
from quality.models import CameraDiagnosis, CameraQuality
from quality.services.presence import follow_statuses
from snapshots.capture.crew import Shot
from snapshots.choices import SnapshotResult
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.engine import ToldEngine, judge
from tests.quality.reports import held, history, report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway")]


def go(clock: TimeMachineFixture, *, is_online: bool) -> None:
    """The stream of camera 1 comes or goes, and stays so beyond the blip filter."""
    if is_online:
        set_stream_presence(present=[camera(1).pk])
    else:
        set_stream_presence(absent=[camera(1).pk])
    clock.shift(timedelta(seconds=12))
    settle_statuses()


def test_the_verdict_follows_the_status_between_two_pictures(clock: TimeMachineFixture) -> None:
    go(clock, is_online=True)
    assert follow_statuses() == 0
    go(clock, is_online=False)
    assert (follow_statuses(), held()) == (1, "100000000")
    judge(ToldEngine(), NOON, Shot(camera(1).pk, SnapshotResult.OFFLINE))
    go(clock, is_online=True)
    assert (follow_statuses(), held()) == (1, "000000000")
    assert history() == [("100000000", "d"), ("000000000", "d")]
    assert (follow_statuses(), len(history())) == (0, 2)


def test_an_outage_between_two_looks_at_the_state_overrules_the_gateways_word(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    go(clock, is_online=True)
    follow_statuses()
    report(gateway, (1, "100000000"))
    clock.shift(timedelta(seconds=5))
    go(clock, is_online=False)
    follow_statuses()
    go(clock, is_online=True)
    assert (follow_statuses(), held()) == (1, "000000000")


def test_of_what_nobody_knows_nothing_is_said() -> None:
    assert follow_statuses() == 0
    assert not CameraDiagnosis.objects.exists()


def test_deleted_cameras_are_left_alone() -> None:
    known = Camera.objects.filter(pk=camera(1).pk)
    known.update(status=OnlineStatus.OFFLINE, status_at=timezone.now(), deleted_at=timezone.now())
    assert follow_statuses() == 0
    assert not CameraQuality.objects.exists()


def test_the_number_of_queries_does_not_grow(gateway: Caller) -> None:
    counts = []
    for first, last in ((1, 3), (4, 33)):
        register(gateway, *(wire(n) for n in range(first, last + 1)))
        Camera.objects.update(status=OnlineStatus.OFFLINE, status_at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert follow_statuses() == last - first + 1
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_being_judged_is_left_to_the_next_look() -> None:
    Camera.objects.update(status=OnlineStatus.OFFLINE, status_at=timezone.now())
    follow_statuses()
    Camera.objects.update(status=OnlineStatus.ONLINE)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM quality_cameradiagnosis WHERE camera_id = %s FOR UPDATE", [camera(1).pk]
            )
        assert follow_statuses() == 2
        other.rollback()
    finally:
        other.close()
    assert (follow_statuses(), held()) == (1, "000000000")
