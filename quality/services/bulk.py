"""Verdicts of thousands of cameras in one statement each: a fifth of the time of bulk_create."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from quality.choices import ALL_GOOD, NOTHING_SAID, QualitySource
from quality.models import CameraQuality, QualityChange, QualityVerdict, never

_EMPTY = """
INSERT INTO quality_cameraquality (camera_id, flags, sources, since)
SELECT camera_id, %s, %s, %s::jsonb FROM unnest(%s::bigint[]) AS v (camera_id) ORDER BY camera_id
ON CONFLICT DO NOTHING
"""
_VERDICTS = """
INSERT INTO quality_qualityverdict (camera_id, source, flags, since, received, heard_at)
SELECT camera_id, %s, flags, since::jsonb, received, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS v (camera_id, flags, since, received)
ON CONFLICT (camera_id, source) DO UPDATE
SET flags = excluded.flags, since = excluded.since, received = excluded.received, heard_at = excluded.heard_at
"""
_STATES = """
UPDATE quality_cameraquality q
SET flags = v.flags, sources = v.sources, since = v.since::jsonb, changed_at = v.changed_at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
    AS v (camera_id, flags, sources, since, changed_at)
WHERE q.camera_id = v.camera_id
"""
_CHANGES = """
INSERT INTO quality_qualitychange (camera_id, at, before, after, source)
SELECT camera_id, %s, before, after, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS v (camera_id, before, after)
"""


def write_empty_states(camera_ids: Sequence[int]) -> None:
    """Rows of cameras of which nothing is known, unless they are there."""
    _execute(_EMPTY, ALL_GOOD, NOTHING_SAID, json.dumps(never()), list(camera_ids))


def write_verdicts(rows: Sequence[QualityVerdict], *, source: QualitySource, at: datetime) -> None:
    """What `source` said at `at`, of cameras whose row the caller has locked."""
    columns = zip(
        *((row.camera_id, row.flags, json.dumps(row.since), row.received) for row in rows), strict=True
    )
    _execute(_VERDICTS, source.value, at, *columns)


def write_states(rows: Sequence[CameraQuality]) -> None:
    """What holds now, of cameras whose row the caller has locked."""
    columns = zip(
        *((row.camera_id, row.flags, row.sources, json.dumps(row.since), row.changed_at) for row in rows),
        strict=True,
    )
    _execute(_STATES, *columns)


def write_changes(rows: Sequence[QualityChange], *, source: QualitySource, at: datetime) -> None:
    columns = zip(*((row.camera_id, row.before, row.after) for row in rows), strict=True)
    _execute(_CHANGES, at, source.value, *columns)


def _execute(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(value) if isinstance(value, tuple) else value for value in params])
