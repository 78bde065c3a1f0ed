"""Our side of bench/ministry_sync.py: the ledger, its changes, and how the peer differs from it."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import F, QuerySet

from access.actors import SYSTEM
from access.models import Partner
from bench.ministry_peer import FIRST_TOKEN
from cameras.choices import OnlineStatus
from cameras.models import Camera, StatusChange
from cameras.selectors import camera_record, department_name
from cameras.services.ledger import remove_cameras, save_camera
from cameras.services.status import report_status
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.platforms import add_upstream, remove_upstream
from protocol import codes
from protocol.bodies import StatusItem
from protocol.cameras import camera_to_wire

# Document 1.1 b names 100 for deletions; the setting MINISTRY_BATCH_SIZE has it for all.
BATCH: Final = 100
# A private key is any number below the order of the curve; the peer accepts every signature.
PRIVATE_KEY: Final = "1" * 64
USER: Final = "bench"
DEVICE_CODE: Final = "YmVuY2g="
_PLATFORM: Final = "bench"


@dataclass(frozen=True)
class Differences:
    """Cameras: not held at the peer, or without a status there; held, but not as our ledger has them."""

    lost: int
    stale: int

    def __bool__(self) -> bool:
        return bool(self.lost or self.stale)


def cameras() -> QuerySet[Camera]:
    rows = Camera.objects.filter(deleted_at=None, is_pending=False)
    return rows.select_related("organisation__parent", "gateway").order_by("pk")


def by_department(rows: Iterable[Camera]) -> dict[str, list[Camera]]:
    found: dict[str, list[Camera]] = defaultdict(list)
    for camera in rows:
        found[department_name(camera)].append(camera)
    return found


def fewest_requests() -> int:
    """Registrations in full batches, and statuses in full batches of each department (protocol.md section 3)."""
    rows = list(cameras())
    departments = Counter(department_name(camera) for camera in rows)
    return math.ceil(len(rows) / BATCH) + sum(math.ceil(count / BATCH) for count in departments.values())


def connect(base_url: str) -> None:
    add_upstream(
        name=_PLATFORM,
        base_url=base_url,
        user=USER,
        device_code=DEVICE_CODE,
        token=FIRST_TOKEN,
        private_key=PRIVATE_KEY,
        actor=SYSTEM,
    )


def switch_off() -> None:
    UpperPlatform.objects.filter(name=_PLATFORM).update(is_active=False)


def disconnect() -> None:
    remove_upstream(name=_PLATFORM, actor=SYSTEM)


def tidy() -> None:
    """What autovacuum does on a platform; benchmarks run without it."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def pending() -> int:
    """Cameras of which the newest version or status is not acknowledged, tombstones included."""
    told = CameraDelivery.objects.filter(platform__name=_PLATFORM, version__gt=0)
    current = told.filter(
        camera__deleted_at=None, version=F("camera__version"), status=F("camera__status")
    ).count()
    return cameras().count() - current + told.exclude(camera__deleted_at=None).count()


def differences(held: dict[str, Any], statuses: dict[str, Any]) -> Differences:
    """What the peer holds, by lower-case number, against the ledger."""
    lost = stale = 0
    live = set()
    for camera in cameras():
        key = camera.number_key
        live.add(key)
        if key not in held or key not in statuses:
            lost += 1
        elif held[key] != camera_to_wire(camera_record(camera), gateway_num=False):
            stale += 1
        else:
            stale += statuses[key][0] != camera.status
    return Differences(lost, stale + len(held.keys() - live))


class Changes:
    """What gateways and staff do to the ledger, through the services they come in by."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        # Of another level than a gateway: it may report any camera.
        self._partner = Partner.objects.get(user=USER)
        self._ids = list(cameras().values_list("pk", flat=True))
        self._draw.shuffle(self._ids)
        self.made = 0

    def break_one(self) -> str | None:
        """An online camera that was not touched yet is reported faulty; its number, None if none is left."""
        while self._ids:
            camera = Camera.objects.get(pk=self._ids.pop())
            if camera.status == OnlineStatus.ONLINE:
                self._report([camera], OnlineStatus.FAULT)
                return camera.number_key
        return None

    def make_some(self) -> None:
        """Two statuses, now and then a new name, now and then a deletion."""
        self.made += 1
        some = cameras().filter(pk__in=self._draw.sample(self._ids, min(4, len(self._ids))))
        for camera in some[:2]:
            is_online = camera.status == OnlineStatus.ONLINE
            self._report([camera], OnlineStatus.FAULT if is_online else OnlineStatus.ONLINE)
        if self.made % 2:
            for camera in some[2:3]:
                camera.name = f"{camera.name[:100]} 改名 {self.made}"
                save_camera(camera=camera, actor=SYSTEM)
        if self.made % 10 == 0:
            remove_cameras(list(some[3:4]), actor=SYSTEM)

    def _report(self, rows: Sequence[Camera], status: OnlineStatus) -> None:
        items = [StatusItem(camera.number, codes.OnlineStatus(status)) for camera in rows]
        outcome = report_status(partner=self._partner, items=items)
        if outcome.applied != len(rows):
            raise RuntimeError(f"the ledger does not know {outcome.unknown}")


def changed_at(key: str) -> float:
    """Unix seconds of the newest status change of the camera."""
    return StatusChange.objects.filter(camera__number_key=key).latest("at").at.timestamp()
