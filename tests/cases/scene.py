"""A road with its pictures, and a case on it, as tests of case files need them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from access.actors import Actor
from access.choices import Action, ActorKind
from access.days import day_of
from access.models import Organisation, User
from cameras.choices import Orientation
from cameras.models import Camera, CameraException
from cases.models import CaseFile
from cases.services.files import open_case
from snapshots.capture.store import keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.ptz.ledger import make_camera

# 12:02 in Shanghai; the event was two hours ago.
NOW = datetime(2026, 11, 22, 4, 2, tzinfo=UTC)
EVENT = datetime(2026, 11, 22, 2, 1, tzinfo=UTC)
SLOT = timedelta(minutes=5)
# Of the slot in which the event falls.
EVENT_SLOT = EVENT.replace(minute=0)
JPEG = b"\xff\xd8" + bytes(range(256)) * 8 + b"\xff\xd9"
WANG = Actor(ActorKind.STAFF, 7, "王工", "10.1.1.1")
HALF_HOUR = timedelta(minutes=30)


def stand(organisation: Organisation, number: int, way: Orientation = Orientation.UP, **fields: Any) -> Camera:
    """A camera at K1100+<number>, in the ledger since a month."""
    camera = make_camera(organisation, number, orientation=way, **fields)
    Camera.objects.filter(pk=camera.pk).update(created_at=NOW - timedelta(days=30))
    camera.refresh_from_db()
    return camera


def take(camera: Camera, number: int, result: SnapshotResult = SnapshotResult.TAKEN) -> datetime:
    """The slot so many after that of the event."""
    at = EVENT_SLOT + number * SLOT
    ensure_day(day_of(at))
    taken_at = at + timedelta(seconds=20) if result == SnapshotResult.TAKEN else None
    Snapshot.objects.create(camera=camera, slot_at=at, taken_at=taken_at, result=result)
    if taken_at:
        keep_picture(camera.pk, at, JPEG)
    return at


def begin(*cameras: Camera, **changed: object) -> CaseFile:
    """A case around the event, half an hour to either side."""
    asked: dict[str, object] = {
        "title": "货车追尾",
        "road": "G2",
        "stake_m": 1_100_300,
        "event_at": EVENT,
        "before": HALF_HOUR,
        "after": HALF_HOUR,
        "actor": WANG,
        **changed,
    }
    return open_case(cameras=cameras, **asked)  # type: ignore[arg-type]


def deny(camera: Camera, user: User, action: Action = Action.WATCH) -> None:
    CameraException.objects.create(
        camera=camera, organisation=camera.organisation, user=user, action=action, is_denied=True
    )
