"""Writing what came of a shard: rows of pictures and gaps, and how much is stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.db import connection, transaction

from access.days import day_of
from snapshots.capture.crew import Shot

# A picture replaces whatever is there, a gap only another gap.
_SAVE = """
INSERT INTO snapshots_snapshot AS kept (camera_id, slot_at, taken_at, result, size_bytes, width, height, keep_days)
SELECT shot.camera_id, %s, shot.taken_at, shot.result, shot.size_bytes, shot.width, shot.height, shot.keep_days
FROM unnest(%s::bigint[], %s::timestamptz[], %s::smallint[], %s::integer[], %s::smallint[], %s::smallint[],
    %s::smallint[]) AS shot (camera_id, taken_at, result, size_bytes, width, height, keep_days)
ORDER BY shot.camera_id
ON CONFLICT (camera_id, slot_at) DO UPDATE SET taken_at = EXCLUDED.taken_at, result = EXCLUDED.result,
    size_bytes = EXCLUDED.size_bytes, width = EXCLUDED.width, height = EXCLUDED.height,
    keep_days = EXCLUDED.keep_days
WHERE EXCLUDED.result = 0 OR kept.result <> 0
"""
_COUNT = """
INSERT INTO snapshots_storedday AS stored (day, keep_days, pictures, size_bytes) VALUES (%s, %s, %s, %s)
ON CONFLICT (day, keep_days) DO UPDATE SET pictures = stored.pictures + EXCLUDED.pictures,
    size_bytes = stored.size_bytes + EXCLUDED.size_bytes
"""


def save_shots(
    shots: Sequence[Shot], moment: datetime, *, keep_days: Mapping[int, int] | None = None
) -> None:
    """Write the rows of one slot in one statement; `keep_days` has the cameras that do not keep as the platform does."""
    pictures = [shot.picture for shot in shots]
    longer = keep_days or {}
    columns: list[list[object]] = [
        [shot.camera_id for shot in shots],
        [picture and picture.taken_at.astimezone(UTC) for picture in pictures],
        [int(shot.result) for shot in shots],
        [picture and len(picture.jpeg) for picture in pictures],
        [picture and picture.width for picture in pictures],
        [picture and picture.height for picture in pictures],
        [longer.get(shot.camera_id, 0) for shot in shots],
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SAVE, [moment, *columns])
        for days, (number, size) in _stored(shots, longer).items():
            cursor.execute(_COUNT, [day_of(moment), days, number, size])


def _stored(shots: Sequence[Shot], longer: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Pictures and bytes by days of keeping, those without any picture too: their gaps are kept as long."""
    numbers: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    for shot in shots:
        days = longer.get(shot.camera_id, 0)
        numbers[days] += shot.picture is not None
        sizes[days] += len(shot.picture.jpeg) if shot.picture else 0
    # In one order everywhere, or two shards would wait for each other.
    return {days: (numbers[days], sizes[days]) for days in sorted(numbers)}
