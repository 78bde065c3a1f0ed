"""Pictures of many cameras in one answer, for whoever turns a whole road by a step.

A body of pieces, each its length (4 bytes, the highest first) and so many bytes of a JPEG, in the order asked for;
nothing where there is no picture. One permission, one look into the database and one connection instead of twenty.
"""

import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from snapshots.capture.store import name_of
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.archives import PictureReader
from snapshots.slots import slot_at
from snapshots.storage.contract import pictures

# Camera id and unix slot.
Key = tuple[int, int]

_LENGTH: Final = struct.Struct(">I")


def pack_sheet(keys: Sequence[Key], cameras: Collection[int]) -> Iterator[bytes]:
    """Of others than these `cameras` nothing is given out. The database is asked at once, the storage while it is sent."""
    names = _names([key for key in keys if key[0] in cameras])
    return _pieces([names.get(key, ()) for key in keys])


def _names(keys: Sequence[Key]) -> Mapping[Key, list[str]]:
    found: dict[Key, list[str]] = defaultdict(list)
    rows = Snapshot.objects.filter(
        camera__in={camera_id for camera_id, _ in keys},
        slot_at__in={slot_at(unix) for _, unix in keys},
        result=SnapshotResult.TAKEN,
    )
    for camera_id, at, keep_days in rows.values_list("camera", "slot_at", "keep_days"):
        found[camera_id, int(at.timestamp())].append(name_of(camera_id, at, keep_days))
    return found


def _pieces(names: Sequence[Iterable[str]]) -> Iterator[bytes]:
    for jpeg in _jpegs(names):
        yield _LENGTH.pack(len(jpeg or b"")) + (jpeg or b"")


def _jpegs(names: Sequence[Iterable[str]]) -> Iterator[bytes | None]:
    reader = PictureReader()
    # A store across the network is asked for several at once; a disk is faster than a thread.
    at_once = min(len(names), pictures().writes_at_once)
    if at_once < 2:
        yield from map(reader.read, names)
        return
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(reader.read, names)
