"""Organisations that keep their pictures longer: their own folder, a thinned partition, and all of it gone in time."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.test import Client

from access.days import day_of, day_start
from access.models import BehaviourLog, Organisation, User
from access.services.organisations import place_department
from cameras.models import Camera
from snapshots.capture.crew import Shot
from snapshots.capture.decode import Picture, Planes
from snapshots.capture.store import keep_picture, name_of
from snapshots.choices import SnapshotResult
from snapshots.models import RetentionRule, Snapshot, StoredDay
from snapshots.services.partitions import ensure_day, keep_partitions
from snapshots.services.rows import save_shots
from snapshots.services.ways import ways_of
from snapshots.storage.contract import pictures
from tests.ptz.ledger import make_camera
from tests.snapshots.files import path_of

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
TAKEN_AT = day_start(DAY) + timedelta(hours=12)
JPEG = b"picture\xff\xd9"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: LazySettings) -> Path:
    settings.SNAPSHOT_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def cameras(office: Organisation, other_company: Organisation) -> tuple[Camera, Camera]:
    """The office's is kept as long as the platform says, the other company's 30 days."""
    RetentionRule.objects.create(organisation=other_company, days=30)
    return make_camera(office, 1), make_camera(other_company, 2)


def take(*cameras: Camera, moment: datetime = TAKEN_AT) -> None:
    """As a round does it."""
    ensure_day(day_of(moment))
    ways = ways_of([camera.pk for camera in cameras])
    for camera in cameras:
        keep_picture(camera.pk, moment, JPEG, ways.keep_days.get(camera.pk, 0))
    blank = Planes(*([None] * 3))  # type: ignore[arg-type]
    shots = [
        Shot(camera.pk, SnapshotResult.TAKEN, Picture(JPEG, blank, 352, 288, moment)) for camera in cameras
    ]
    save_shots(shots, moment, keep_days=ways.keep_days)


def after(days: int) -> datetime:
    return day_start(DAY + timedelta(days=days)) + timedelta(minutes=30)


def kept() -> set[int]:
    return set(Snapshot.objects.values_list("camera_id", flat=True))


def partitions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE %s", [f"%_{DAY:%Y%m%d}%thin%"])
        (leftovers,) = cursor.fetchone() or (0,)
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname = %s", [f"snapshots_snapshot_{DAY:%Y%m%d}"]
        )
        (found,) = cursor.fetchone() or (0,)
    assert not leftovers or found
    return int(found)


def test_longer_pictures_survive_the_drop_of_their_day(cameras: tuple[Camera, Camera], folder: Path) -> None:
    usual, longer = cameras
    take(usual, longer)
    assert path_of(longer.pk, TAKEN_AT, 30).read_bytes() == JPEG
    assert keep_partitions(now=after(7)).folders == []
    assert kept() == {usual.pk, longer.pk}
    report = keep_partitions(now=after(8))
    assert (report.dropped, report.folders) == ([], ["20261101"])
    assert kept() == {longer.pk}
    assert [entry.name for entry in folder.iterdir()] == ["20261101-30"]
    # Nothing is thinned again on the same day, and rows are whole after it.
    assert keep_partitions(now=after(8)).folders == []
    row = Snapshot.objects.get()
    assert (row.keep_days, row.slot_at, row.taken_at, row.width) == (30, TAKEN_AT, TAKEN_AT, 352)
    assert keep_partitions(now=after(30)).folders == []
    assert kept() == {longer.pk}
    report = keep_partitions(now=after(31))
    assert (report.dropped, report.folders) == ([DAY], ["20261101-30"])
    assert (kept(), partitions(), list(folder.iterdir())) == (set(), 0, [])
    assert not StoredDay.objects.exists()


def test_thinned_day_takes_and_finds_rows_as_before(cameras: tuple[Camera, Camera]) -> None:
    usual, longer = cameras
    take(usual, longer)
    keep_partitions(now=after(8))
    take(longer, moment=TAKEN_AT + timedelta(minutes=5))
    with pytest.raises(IntegrityError, match="already exists"), transaction.atomic():
        Snapshot.objects.create(camera=longer, slot_at=TAKEN_AT, result=SnapshotResult.OFFLINE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s ORDER BY 1",
            [f"snapshots_snapshot_{DAY:%Y%m%d}"],
        )
        definitions = [definition for (definition,) in cursor.fetchall()]
    assert len(definitions) == 2
    assert any("WHERE (result = 0)" in definition for definition in definitions)


def test_gaps_are_kept_as_long_as_pictures(cameras: tuple[Camera, Camera]) -> None:
    _, longer = cameras
    ensure_day(DAY)
    save_shots([Shot(longer.pk, SnapshotResult.OFFLINE)], TAKEN_AT, keep_days={longer.pk: 30})
    keep_partitions(now=after(8))
    assert kept() == {longer.pk}


def test_picture_is_kept_as_it_was_promised(cameras: tuple[Camera, Camera]) -> None:
    """A rule that goes or changes holds for what is taken from then on."""
    _, longer = cameras
    take(longer)
    RetentionRule.objects.update(days=10)
    take(longer, moment=TAKEN_AT + timedelta(minutes=5))
    RetentionRule.objects.all().delete()
    keep_partitions(now=after(11))
    assert [row.slot_at for row in Snapshot.objects.all()] == [TAKEN_AT]
    assert pictures().folders() == ["20261101-30"]
    # Two kinds of keeping went at different times, the third stays.
    assert list(StoredDay.objects.values_list("keep_days", flat=True)) == [30]


def test_nearest_rule_holds_and_none_below_the_platforms(
    company: Organisation, office: Organisation, settings: LazySettings
) -> None:
    camera = make_camera(office, 1)
    settings.SNAPSHOT_RETENTION_DAYS = 15
    assert ways_of([camera.pk]).keep_days == {}
    RetentionRule.objects.create(organisation=company, days=60)
    assert ways_of([camera.pk]).keep_days == {camera.pk: 60}
    RetentionRule.objects.create(organisation=office, days=20)
    assert ways_of([camera.pk]).keep_days == {camera.pk: 20}
    RetentionRule.objects.filter(organisation=office).update(days=10)
    assert ways_of([camera.pk]).keep_days == {}


def test_rule_under_seven_days_is_refused_everywhere(office: Organisation) -> None:
    with pytest.raises(ValidationError):
        RetentionRule(organisation=office, days=6).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionRule.objects.create(organisation=office, days=6)
    RetentionRule(organisation=office, days=7).full_clean()


def test_rules_are_changed_in_the_admin_and_logged(office: Organisation, superuser: User) -> None:
    client = Client()
    client.force_login(superuser)
    add = "/admin/snapshots/retentionrule/add/"
    refused = client.post(add, {"organisation": office.pk, "days": 6})
    assert "7" in str(refused.context["adminform"].form.errors["days"])
    client.post(add, {"organisation": office.pk, "days": 30})
    rule = RetentionRule.objects.get()
    client.post(f"/admin/snapshots/retentionrule/{rule.pk}/delete/", {"post": "yes"})
    logged = BehaviourLog.objects.filter(object_kind="organisation").order_by("pk")
    verbs = list(logged.values_list("verb", "object_name", "detail"))
    assert verbs == [
        ("修改截图保留天数", office.name, {"保留天数": 30}),
        ("删除截图保留天数", office.name, {"保留天数": 30}),
    ]


def test_what_is_stored_is_counted_by_day_and_keeping(cameras: tuple[Camera, Camera]) -> None:
    usual, longer = cameras
    take(usual, longer)
    take(usual, moment=TAKEN_AT + timedelta(minutes=5))
    counted = {stored.keep_days: (stored.pictures, stored.size_bytes) for stored in StoredDay.objects.all()}
    assert counted == {0: (2, 2 * len(JPEG)), 30: (1, len(JPEG))}


def test_folder_of_no_day_stays(folder: Path) -> None:
    for name in ("20260101-30x", "20260132", "held"):
        pictures().save(f"{name}/1.jpg", ContentFile(JPEG))
    assert keep_partitions(now=after(400)).folders == []
    assert name_of(1, datetime(2026, 11, 1, 16, 0, tzinfo=UTC), 30).startswith("20261102-30/000000/")


def test_a_day_is_copied_only_when_the_time_of_some_rows_is_over(
    cameras: tuple[Camera, Camera], province: Organisation
) -> None:
    middle = place_department(within=province, department="济青公司", road_section="")
    RetentionRule.objects.create(organisation=middle, days=10)
    usual, longer = cameras
    third = make_camera(middle, 3)
    take(usual, longer, third)
    keep_partitions(now=after(8))
    first = relation()
    for days in (9, 10):
        keep_partitions(now=after(days))
        assert relation() == first
    keep_partitions(now=after(11))
    second = relation()
    assert (second != first, kept()) == (True, {longer.pk})
    keep_partitions(now=after(20))
    assert relation() == second


def relation() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)::oid", [f"snapshots_snapshot_{DAY:%Y%m%d}"])
        return int((cursor.fetchone() or (0,))[0])
