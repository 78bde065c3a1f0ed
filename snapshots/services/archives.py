"""A day of one camera as a ZIP, written while it is sent: pictures as they are, and a list of the gaps."""

import logging
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from access.actors import Actor
from access.archives import Outlet, file_name
from access.csv_rows import Cell, csv_pieces
from access.days import ZONE, day_start
from access.services.logs import record
from cameras.models import Camera
from protocol.errors import NotFoundError
from snapshots.capture.store import held_name, name_of, open_whole
from snapshots.models import Snapshot
from snapshots.selectors import Slot, day_strip, held_pictures

logger = logging.getLogger(__name__)

GAPS_NAME: Final = "缺失时段.csv"
# One bad picture is no failing storage.
_MOST_FAILURES: Final = 3
_LOST: Final = "图片缺失或暂时无法读取"


@dataclass(frozen=True)
class DayArchive:
    """`pieces` are read once, as they are sent; at most one picture lies in memory."""

    filename: str
    pieces: Iterator[bytes]


def pack_day(*, camera: Camera, day: date, actor: Actor) -> DayArchive:
    """NotFoundError for a day of which nothing is kept. Leaves a row in the behaviour log."""
    slots = day_strip(camera, day)
    pictures = sum(slot.has_picture for slot in slots)
    if not slots:
        raise NotFoundError(f"{day} 没有截图")
    record(
        actor,
        "下载截图",
        object_kind="camera",
        object_id=camera.pk,
        object_name=camera.name,
        detail={"日期": str(day), "张数": pictures, "缺失": len(slots) - pictures},
    )
    name = file_name(camera.name, fallback="摄像机")
    return DayArchive(f"{name}_{day:%Y%m%d}.zip", _pack(name, slots, _places(camera, day)))


def _places(camera: Camera, day: date) -> dict[datetime, list[str]]:
    """Names under which a picture may be stored: in its day, or held for a case."""
    of_the_day = {
        "camera": camera,
        "slot_at__gte": day_start(day),
        "slot_at__lt": day_start(day + timedelta(days=1)),
    }
    places: dict[datetime, list[str]] = defaultdict(list)
    for slot_at, keep_days in Snapshot.objects.filter(**of_the_day).values_list("slot_at", "keep_days"):
        places[slot_at].append(name_of(camera.pk, slot_at, keep_days))
    for slot_at, hold_id in held_pictures(camera).filter(**of_the_day).values_list("slot_at", "hold_id"):
        places[slot_at].append(held_name(hold_id, slot_at))
    return places


def _pack(name: str, slots: list[Slot], places: Mapping[datetime, list[str]]) -> Iterator[bytes]:
    outlet = Outlet()
    gaps: list[list[Cell]] = [["时段", "原因"]]
    reader = PictureReader()
    with zipfile.ZipFile(outlet, "w") as archive:
        for slot in slots:
            jpeg = reader.read(places.get(slot.slot_at, ())) if slot.has_picture else None
            if jpeg is None:
                gaps.append([f"{slot.slot_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}", slot.reason or _LOST])
                continue
            archive.writestr(_entry(name, slot), jpeg)
            yield outlet.taken()
        archive.writestr(GAPS_NAME, b"".join(csv_pieces(gaps)))
    yield outlet.taken()


class PictureReader:
    """Reads pictures until the storage has failed too often: each failure may take seconds, and a day has hundreds."""

    def __init__(self) -> None:
        self._failures = 0

    def read(self, names: Iterable[str]) -> bytes | None:
        """None for one that is missing or cannot be read; it is listed with the gaps."""
        for name in names:
            if self._failures >= _MOST_FAILURES:
                return None
            try:
                file = open_whole(name)
                if file is not None:
                    with file:
                        jpeg: bytes = file.read()
                    return jpeg
            except OSError:
                self._failures += 1
                logger.exception("a picture could not be read")
        return None


def _entry(name: str, slot: Slot) -> zipfile.ZipInfo:
    """Stored: a JPEG does not become smaller."""
    local = slot.slot_at.astimezone(ZONE)
    # With seconds, as a trial may have a period under a minute.
    clock = f"{local:%H%M%S}" if local.second else f"{local:%H%M}"
    taken: datetime = (slot.taken_at or slot.slot_at).astimezone(ZONE)
    return zipfile.ZipInfo(f"{name}_{local:%Y%m%d}_{clock}.jpg", taken.timetuple()[:6])
