"""Pictures held for a case: they stay when their day goes, and go when the hold is released."""

import errno
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.choices import Action
from access.days import day_of
from access.models import Alarm, BehaviourLog, Organisation, User
from cameras.models import Camera, CameraException
from cameras.services.ledger import remove_cameras
from protocol.errors import MalformedError
from snapshots.capture.store import keep_picture, name_of
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, PictureHold, Snapshot
from snapshots.selectors import day_strip
from snapshots.services.holds import HELD_ALARM, hold_pictures, release_hold
from snapshots.services.links import picture_url
from snapshots.services.partitions import ensure_day, keep_partitions
from snapshots.slots import slot_at
from snapshots.storage.folder import FolderStorage
from tests.ptz.ledger import make_camera
from tests.snapshots.files import path_of
from tests.snapshots.test_snapshot_verb import body_of, fetch

pytestmark = pytest.mark.django_db

# 2026-11-22 12:00 in Shanghai.
NOON = slot_at(1_795_320_000)
JPEG = b"\xff\xd8 evidence \xff\xd9"
SLOT = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: LazySettings, time_machine: TimeMachineFixture) -> Path:
    settings.SNAPSHOT_ROOT = tmp_path
    settings.ALLOWED_HOSTS = ["*"]
    time_machine.move_to(NOON + timedelta(hours=1), tick=False)
    return tmp_path


@pytest.fixture
def camera(office: Organisation) -> Camera:
    """With a picture in each of six slots from noon."""
    camera = make_camera(office, 1)
    for number in range(6):
        take(camera, NOON + number * SLOT)
    return camera


def take(camera: Camera, moment: datetime) -> None:
    ensure_day(day_of(moment))
    keep_picture(camera.pk, moment, JPEG)
    Snapshot.objects.create(
        camera=camera,
        slot_at=moment,
        taken_at=moment + timedelta(seconds=12),
        result=SnapshotResult.TAKEN,
        size_bytes=len(JPEG),
        width=352,
        height=288,
    )


def hold(camera: Camera, begins: datetime = NOON, ends: datetime = NOON + 3 * SLOT) -> PictureHold:
    return hold_pictures(camera=camera, begins_at=begins, ends_at=ends, reason="追尾事故", actor=SYSTEM)


def held_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in (folder / "held").rglob("*.jpg"))


def pass_days(time_machine: TimeMachineFixture, days: int) -> None:
    time_machine.move_to(NOON + timedelta(days=days, hours=1), tick=False)
    keep_partitions()


def test_held_pictures_outlive_their_day(
    camera: Camera, folder: Path, time_machine: TimeMachineFixture
) -> None:
    held = hold(camera)
    assert (held.pictures, held.size_bytes, held.secured_until) == (3, 3 * len(JPEG), NOON + 3 * SLOT)
    pass_days(time_machine, 9)
    assert not Snapshot.objects.exists()
    assert [entry.name for entry in folder.iterdir()] == ["held"]
    for number in range(3):
        assert body_of(fetch(picture_url(camera.pk, NOON + number * SLOT))) == JPEG
    assert fetch(picture_url(camera.pk, NOON + 3 * SLOT)).status_code == 404
    strip = day_strip(camera, day_of(NOON))
    assert [(slot.slot_at, slot.has_picture) for slot in strip] == [
        (NOON + number * SLOT, True) for number in range(3)
    ]


def test_time_between_slots_belongs_to_the_slot_that_has_it(camera: Camera) -> None:
    held = hold(camera, NOON + timedelta(minutes=2), NOON + timedelta(minutes=6))
    times = HeldPicture.objects.filter(hold=held).order_by("slot_at").values_list("slot_at", flat=True)
    assert list(times) == [NOON, NOON + SLOT]


def test_pictures_that_come_later_are_held_too(
    camera: Camera, folder: Path, time_machine: TimeMachineFixture
) -> None:
    held = hold(camera, NOON, NOON + timedelta(hours=3))
    assert held.pictures == 6
    later = NOON + timedelta(hours=2)
    take(camera, later)
    pass_days(time_machine, 1)
    held.refresh_from_db()
    assert (held.pictures, held.secured_until) == (7, held.ends_at)
    pass_days(time_machine, 9)
    assert body_of(fetch(picture_url(camera.pk, later))) == JPEG


def test_day_stays_until_its_held_pictures_are_copied(
    camera: Camera, folder: Path, time_machine: TimeMachineFixture
) -> None:
    """As when the storage was down all the time."""
    (folder / "held").write_text("a file where the folder should be")
    held = hold(camera)
    assert (held.pictures, held.secured_until) == (0, NOON)
    pass_days(time_machine, 9)
    assert path_of(camera.pk, NOON).exists()
    assert Snapshot.objects.count() == 6
    (folder / "held").unlink()
    pass_days(time_machine, 9)
    assert not Snapshot.objects.exists()
    assert body_of(fetch(picture_url(camera.pk, NOON))) == JPEG


def test_released_pictures_go_and_those_of_another_hold_stay(
    camera: Camera, folder: Path, time_machine: TimeMachineFixture
) -> None:
    first, second = hold(camera), hold(camera, NOON + SLOT, NOON + 2 * SLOT)
    pass_days(time_machine, 9)
    assert release_hold(hold=first, actor=SYSTEM)
    assert not release_hold(hold=first, actor=SYSTEM)
    assert first.released_by == "系统"
    assert held_files(folder) == [f"held/{second.pk}/20261122/{int((NOON + SLOT).timestamp())}.jpg"]
    assert fetch(picture_url(camera.pk, NOON)).status_code == 404
    assert body_of(fetch(picture_url(camera.pk, NOON + SLOT))) == JPEG
    verbs = list(BehaviourLog.objects.order_by("pk").values_list("verb", "object_name", "reason"))
    assert verbs == [
        ("留存截图", camera.name, "追尾事故"),
        ("留存截图", camera.name, "追尾事故"),
        ("解除截图留存", camera.name, "追尾事故"),
    ]


def test_release_within_the_retention_takes_nothing_from_the_day(camera: Camera) -> None:
    held = hold(camera)
    release_hold(hold=held, actor=SYSTEM)
    assert body_of(fetch(picture_url(camera.pk, NOON))) == JPEG


@pytest.mark.parametrize(
    ("begins", "ends", "reason", "said"),
    [
        (NOON, NOON, "事故", "先后"),
        (NOON, NOON - SLOT, "事故", "先后"),
        (NOON, NOON + timedelta(days=32), "事故", "31 天"),
        (NOON, NOON + SLOT, "  ", "事由"),
    ],
)
def test_hold_without_sense_is_refused(
    camera: Camera, begins: datetime, ends: datetime, reason: str, said: str
) -> None:
    with pytest.raises(MalformedError, match=said):
        hold_pictures(camera=camera, begins_at=begins, ends_at=ends, reason=reason, actor=SYSTEM)
    assert not PictureHold.objects.exists()


def test_staff_hold_and_release_in_the_admin(camera: Camera, superuser: User) -> None:
    client = Client()
    client.force_login(superuser)
    form = {
        "camera": camera.pk,
        "begins_at_0": "2026-11-22",
        "begins_at_1": "12:00:00",
        "ends_at_0": "2026-11-22",
        "ends_at_1": "12:15:00",
        "reason": "追尾事故",
    }
    add = "/admin/snapshots/picturehold/add/"
    refused = client.post(add, {**form, "ends_at_1": "11:00:00"})
    assert "先后" in refused.content.decode()
    assert client.post(add, form).status_code == 302
    held = PictureHold.objects.get()
    assert (held.pictures, held.held_by) == (3, superuser.display_name)
    change = client.post(f"/admin/snapshots/picturehold/{held.pk}/change/", {**form, "reason": "别的"})
    assert change.status_code == 403
    page = client.get("/admin/snapshots/picturehold/")
    assert "解除所选留存" in page.content.decode()
    client.post(
        "/admin/snapshots/picturehold/", {"action": "release", "_selected_action": [held.pk]}, follow=True
    )
    held.refresh_from_db()
    assert held.released_by == superuser.display_name
    assert not HeldPicture.objects.exists()


def test_what_is_copied_is_not_copied_again_and_one_bad_picture_stops_nothing(
    camera: Camera, folder: Path, monkeypatch: pytest.MonkeyPatch, time_machine: TimeMachineFixture
) -> None:
    copied: list[str] = []
    copy = FolderStorage.copy

    def failing(self: FolderStorage, name: str, target: str) -> None:
        if name == name_of(camera.pk, NOON + SLOT):
            raise OSError(errno.EIO, "bad sector")
        copied.append(name)
        copy(self, name, target)

    monkeypatch.setattr(FolderStorage, "copy", failing)
    held = hold(camera, NOON, NOON + 6 * SLOT)
    assert (held.pictures, held.secured_until, len(copied)) == (5, NOON + SLOT, 5)
    # The hourly run: the day stays and somebody is told.
    pass_days(time_machine, 9)
    assert len(copied) == 5
    assert path_of(camera.pk, NOON + SLOT).exists()
    alarm = Alarm.objects.get(key=HELD_ALARM)
    assert camera.name in alarm.message and alarm.closed_at is None
    monkeypatch.undo()
    pass_days(time_machine, 10)
    held.refresh_from_db()
    assert (held.pictures, held.secured_until) == (6, held.ends_at)
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


def test_a_long_hold_does_not_keep_its_form_waiting(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshots.services.holds._WAIT_SECONDS", 0.0)
    held = hold(camera)
    assert (held.pictures, held.secured_until) == (0, NOON)
    keep_partitions()
    held.refresh_from_db()
    assert (held.pictures, held.secured_until) == (3, held.ends_at)


def test_evidence_is_seen_after_its_camera_is_gone(
    camera: Camera, operator: User, outsider: User, time_machine: TimeMachineFixture
) -> None:
    hold(camera)
    remove_cameras([camera], actor=SYSTEM)
    pass_days(time_machine, 9)

    def look(user: User, at: datetime) -> int:
        client = Client()
        client.force_login(user)
        address, _, _ = picture_url(camera.pk, at).partition("?")
        response = fetch(address, client)
        if response.status_code == 200:
            assert body_of(response) == JPEG
        return response.status_code

    assert look(operator, NOON) == 200
    assert look(outsider, NOON) == 403
    assert look(operator, NOON + 4 * SLOT) == 403
    CameraException.objects.create(
        camera=camera, organisation=camera.organisation, user=operator, action=Action.SNAPSHOT, is_denied=True
    )
    assert look(operator, NOON) == 403
