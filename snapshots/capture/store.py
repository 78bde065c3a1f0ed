"""Names of pictures, and putting them there: `<day>/<time of the slot>/<thousand of cameras>/<camera>.jpg`.

The pictures of an organisation that keeps them longer than the others go to a day of their own, `<day>-<days>`, so
that each goes as a whole when its time has come. Names are built from numbers alone (threats.md 19).
"""

import os
import re
from datetime import date, datetime

from django.core.files.base import ContentFile, File

from access.days import ZONE
from snapshots.capture.errors import CaptureError
from snapshots.choices import SnapshotResult
from snapshots.storage.contract import pictures

# A folder of 20,000 files is slow to list and to delete on most file systems.
_CAMERAS_A_FOLDER = 1000
_DAY_FOLDER = re.compile(r"(\d{8})(?:-(\d{1,4}))?")
_END_OF_IMAGE = b"\xff\xd9"


def name_of(camera_id: int, slot_at: datetime, keep_days: int = 0) -> str:
    """`keep_days` is 0 where the retention of the platform holds."""
    local = slot_at.astimezone(ZONE)
    # With seconds, as a trial may have a period under a minute.
    return f"{day_folder(local.date(), keep_days)}/{local:%H%M%S}/{camera_id // _CAMERAS_A_FOLDER}/{camera_id}.jpg"


def day_folder(day: date, keep_days: int = 0) -> str:
    return f"{day:%Y%m%d}-{keep_days}" if keep_days else f"{day:%Y%m%d}"


def held_folder(hold_id: int) -> str:
    return f"held/{hold_id}"


def held_name(hold_id: int, slot_at: datetime) -> str:
    """Of a picture that is held for a case; a hold has one camera."""
    local = slot_at.astimezone(ZONE)
    return f"{held_folder(hold_id)}/{local:%Y%m%d}/{int(slot_at.timestamp())}.jpg"


def parse_day_folder(name: str) -> tuple[date, int] | None:
    """Day and days of keeping; None for what is no folder of ours."""
    found = _DAY_FOLDER.fullmatch(name)
    if not found:
        return None
    try:
        day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=ZONE).date()
    except ValueError:
        return None
    return day, int(found[2] or 0)


def keep_picture(camera_id: int, slot_at: datetime, jpeg: bytes, keep_days: int = 0) -> None:
    """Raises CaptureError (STORAGE); nothing half-written stays then."""
    try:
        pictures().save(name_of(camera_id, slot_at, keep_days), ContentFile(jpeg))
    except OSError as error:
        raise CaptureError(SnapshotResult.STORAGE, str(error)) from error


def open_whole(name: str) -> File[bytes] | None:
    """The file at its beginning; None when it is missing or was cut short. OSError when the storage fails."""
    try:
        file = pictures().open(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        file.seek(-len(_END_OF_IMAGE), os.SEEK_END)
        is_whole = file.read() == _END_OF_IMAGE
        file.seek(0)
    except (OSError, ValueError):
        is_whole = False
    if not is_whole:
        file.close()
        return None
    return file
