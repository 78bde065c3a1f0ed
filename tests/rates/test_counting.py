"""When days are counted, again and finally."""

import threading
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.locks import Work
from access.models import Organisation
from cameras.choices import OnlineStatus
from cameras.models import Camera
from rates.models import CameraDay, CountedDay
from rates.services.counting import count_day, count_due_days
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.ptz.ledger import make_camera
from tests.rates.days import BEGIN, DAY, END, LATER, SLOTS, register, slot, status, take

pytestmark = pytest.mark.django_db

ONE = timedelta(days=1)


def test_today_and_what_is_not_final(camera: Camera) -> None:
    week = [DAY - number * ONE for number in range(8)]
    assert count_due_days(now=BEGIN + timedelta(hours=9)).counted == week
    # All but today are final by now.
    assert count_due_days(now=BEGIN + timedelta(hours=10)).counted == [DAY]
    # Half an hour after midnight the last rows of yesterday may still come.
    assert count_due_days(now=END + timedelta(minutes=32)).counted == [DAY + ONE, DAY]
    assert count_due_days(now=LATER).counted == [DAY + ONE, DAY]
    assert count_due_days(now=LATER + timedelta(hours=1)).counted == [DAY + ONE]
    assert CountedDay.objects.get(day=DAY).counted_at == LATER


def test_late_rows_are_corrected_and_what_is_as_it_was_is_left_alone(camera: Camera) -> None:
    take(camera, range(200))
    take(camera, range(200, SLOTS), SnapshotResult.NOT_RUN)
    assert count_day(DAY, now=LATER) == 1
    assert count_day(DAY, now=LATER) == 0
    Snapshot.objects.filter(slot_at=slot(250)).update(result=SnapshotResult.TAKEN)
    assert count_day(DAY, now=LATER) == 1
    row = CameraDay.objects.get(day=DAY)
    assert (row.slots, row.missed, row.pictured) == (201, 87, 201)


def test_a_day_keeps_the_place_its_camera_had(camera: Camera, other_company: Organisation) -> None:
    Camera.objects.filter(pk=camera.pk).update(road="G2 & S11")
    count_day(DAY, now=LATER)
    before = CameraDay.objects.get(day=DAY)
    assert (before.organisation_id, before.road) == (camera.organisation_id, "G2")
    Camera.objects.filter(pk=camera.pk).update(organisation=other_company, road="G25")
    ensure_day(DAY + ONE)
    assert count_due_days(now=LATER + ONE).counted[0] == DAY + 2 * ONE
    after = CameraDay.objects.get(day=DAY + ONE)
    assert (after.organisation_id, after.road) == (other_company.pk, "G25")


def test_old_days_are_forgotten(camera: Camera, settings: LazySettings) -> None:
    settings.ONLINE_KEEP_DAYS = 3
    count_due_days(now=BEGIN + timedelta(hours=9))
    report = count_due_days(now=LATER)
    assert report.counted == [DAY + ONE, DAY]
    assert report.forgotten == 1
    assert CountedDay.objects.earliest("day").day == DAY + ONE - 3 * ONE


@pytest.mark.parametrize("count", [3, 30])
def test_queries_do_not_grow(count: int, office: Organisation) -> None:
    for number in range(count):
        camera = make_camera(office, number)
        register(camera)
        status(camera, (BEGIN, OnlineStatus.ONLINE))
        take(camera, [1])
    with CaptureQueriesContext(connection) as queries:
        assert count_day(DAY, now=LATER) == count
    # Ids, memory and one statement, and the day itself.
    assert len([each for each in queries if "SAVEPOINT" not in each["sql"]]) == 5


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_count_twice(camera: Camera) -> None:
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [Work.ONLINE_RATES])
            held.set()
            over.wait(20)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [Work.ONLINE_RATES])
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(20)
    try:
        assert count_due_days(now=LATER).counted == []
    finally:
        over.set()
        other.join()
    assert count_due_days(now=LATER).counted


def test_slots_of_another_period_belong_to_those_of_today(camera: Camera, settings: LazySettings) -> None:
    """The last second of a day that began with a picture every ten seconds."""
    at = END - timedelta(seconds=10)
    Snapshot.objects.create(camera=camera, slot_at=at, taken_at=at, result=SnapshotResult.TAKEN)
    count_day(DAY, now=LATER)
    row = CameraDay.objects.get(day=DAY)
    assert (row.slots, row.missed, row.pictured) == (1, 287, 1)
