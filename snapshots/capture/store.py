"""Pictures as files: `<root>/<day>/<time of the slot>/<thousand of cameras>/<camera>.jpg`.

Names are built from numbers alone (threats.md 19). A picture is written beside its place and moved there, so that
a reader never meets half of one. It is not forced to disk unless SNAPSHOT_FSYNC says so: after a power cut the
newest pictures may be cut short, and `open_picture` does not give those out.
"""

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from access.days import ZONE
from snapshots.capture.errors import CaptureError
from snapshots.choices import SnapshotResult

# A folder of 20,000 files is slow to list and to delete on most file systems.
_CAMERAS_A_FOLDER = 1000
_DAY_FOLDER = re.compile(r"\d{8}")
_END_OF_IMAGE = b"\xff\xd9"


def path_of(camera_id: int, slot_at: datetime) -> Path:
    local = slot_at.astimezone(ZONE)
    root: Path = settings.SNAPSHOT_ROOT
    # With seconds, as a trial may have a period under a minute.
    return (
        root
        / f"{local:%Y%m%d}"
        / f"{local:%H%M%S}"
        / str(camera_id // _CAMERAS_A_FOLDER)
        / f"{camera_id}.jpg"
    )


def keep_picture(camera_id: int, slot_at: datetime, jpeg: bytes) -> None:
    """Raises CaptureError (STORAGE); nothing half-written stays then."""
    path = path_of(camera_id, slot_at)
    unfinished = f"{path}.{os.getpid()}-{threading.get_ident()}"
    try:
        try:
            _write(unfinished, jpeg)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(unfinished, jpeg)
        Path(unfinished).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(unfinished).unlink()
        raise CaptureError(SnapshotResult.STORAGE, str(error)) from error


def _write(path: str, jpeg: bytes) -> None:
    # Three system calls: Path.open with its buffer and encoding takes twice as long.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        if os.write(file, jpeg) != len(jpeg):
            raise OSError("the picture could not be written whole")
        if settings.SNAPSHOT_FSYNC:
            os.fsync(file)
    finally:
        os.close(file)


def open_picture(camera_id: int, slot_at: datetime) -> BinaryIO | None:
    """The file at its beginning; None when it is missing or was cut short."""
    try:
        file = path_of(camera_id, slot_at).open("rb")
    except OSError:
        return None
    try:
        file.seek(-len(_END_OF_IMAGE), os.SEEK_END)
        is_whole = file.read() == _END_OF_IMAGE
        file.seek(0)
    except OSError:
        is_whole = False
    if not is_whole:
        file.close()
        return None
    return file


def drop_days_before(oldest: date, *, until: float) -> Iterator[str]:
    """Deletes the folders of earlier days, slot by slot until `until` (monotonic); names of those that are gone.

    A day has millions of pictures: what is left when the time is over goes with the next call.
    """
    root: Path = settings.SNAPSHOT_ROOT
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        if _DAY_FOLDER.fullmatch(folder.name) and folder.name < f"{oldest:%Y%m%d}":
            for slot in _folders_in(folder):
                if time.monotonic() >= until:
                    return
                _remove(slot)
            _remove(folder)
            yield folder.name


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []


def _remove(folder: Path) -> None:
    # Somebody else may be deleting it as well: then it is looked at again.
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
