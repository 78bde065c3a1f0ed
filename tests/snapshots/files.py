"""Where the pictures of a test lie on disk."""

from datetime import datetime
from pathlib import Path

from django.conf import settings

from snapshots.capture.store import name_of


def path_of(camera_id: int, slot_at: datetime, keep_days: int = 0) -> Path:
    root: Path = settings.SNAPSHOT_ROOT
    return root / name_of(camera_id, slot_at, keep_days)
