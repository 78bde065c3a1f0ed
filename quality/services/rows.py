"""Rows of the diagnosis: locked in one order, written by one statement however many, and what is new in them told."""

import json
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from django.db import connection

from quality.choices import NOTHING_SAID, UNSAID, QualityFlag, QualitySource
from quality.diagnosis import Look
from quality.models import CameraDiagnosis, CameraView, never, no_shifts
from quality.services.verdicts import Verdict, record_quality

# A picture is not worth more: whoever holds a row longer costs its camera one look.
_MOST_WAIT: Final = "3s"
_OF_A_BURST: Final = (QualityFlag.FLICKER, QualityFlag.STRIPES)

_EMPTY = """
INSERT INTO quality_cameradiagnosis
    (camera_id, flags, scores, confidence, told_slots, sensitivity, trace, slot, failures, wants_burst)
SELECT camera_id, %s, v.none, v.none, v.none, %s::jsonb, '', 0, 0, FALSE
FROM unnest(%s::bigint[]) AS c (camera_id), (SELECT %s::jsonb AS none) v ORDER BY camera_id
ON CONFLICT DO NOTHING
"""
_ROWS = """
UPDATE quality_cameradiagnosis d
SET flags = v.flags, scores = v.scores::jsonb, confidence = v.confidence::jsonb,
    told_slots = v.told_slots::jsonb, trace = v.trace, slot = v.slot, failures = v.failures,
    view_since = v.view_since, wants_burst = v.wants_burst
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::bigint[],
    %s::smallint[], %s::timestamptz[], %s::boolean[])
    AS v (camera_id, flags, scores, confidence, told_slots, trace, slot, failures, view_since, wants_burst)
WHERE d.camera_id = v.camera_id
"""
_VIEWS = """
INSERT INTO quality_cameraview (camera_id, band, memory, view_since, learned_at)
SELECT camera_id, band, memory, view_since, learned_at
FROM unnest(%s::bigint[], %s::smallint[], %s::bytea[], %s::timestamptz[], %s::timestamptz[])
    AS v (camera_id, band, memory, view_since, learned_at) ORDER BY camera_id
ON CONFLICT (camera_id, band) DO UPDATE
SET memory = excluded.memory, view_since = excluded.view_since, learned_at = excluded.learned_at
"""


def lock_rows(camera_ids: Collection[int], *, skip_locked: bool = False) -> dict[int, CameraDiagnosis]:
    """By camera id, made where there was none. Within a transaction, which from here on waits for no lock for long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_MOST_WAIT])
    rows = _locked(camera_ids, skip_locked)
    missing = [pk for pk in camera_ids if pk not in rows]
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(_EMPTY, [NOTHING_SAID, json.dumps(no_shifts()), missing, json.dumps(never())])
        rows |= _locked(missing, skip_locked)
    return rows


def _locked(camera_ids: Collection[int], skip_locked: bool) -> dict[int, CameraDiagnosis]:
    rows = CameraDiagnosis.objects.select_for_update(skip_locked=skip_locked).filter(camera__in=camera_ids)
    return {row.camera_id: row for row in rows.order_by("camera_id")}


def take_look(row: CameraDiagnosis, look: Look, slot: int) -> None:
    """What a picture or a burst of `slot` said. Does not save."""
    for flag in QualityFlag:
        if not np.isnan(look.scores[flag]):
            row.scores[flag] = round(float(look.scores[flag]), 3)
        is_said = look.verdicts[flag] != UNSAID
        row.confidence[flag] = round(float(look.confidence[flag]), 3) if is_said else None
        if not _is_told_by_stream(row, flag, look.verdicts[flag]):
            say_flag(row, flag, look.verdicts[flag], slot)
    row.trace = look.trace.to_bytes()
    # Who is said to flicker has to be looked at in the same way to be cleared.
    row.wants_burst = bool(look.suspects) or any(look.verdicts[flag] == "1" for flag in _OF_A_BURST)


def _is_told_by_stream(row: CameraDiagnosis, flag: QualityFlag, word: str) -> bool:
    if flag == QualityFlag.SIGNAL_LOST:
        return word == UNSAID or (row.failures > 0 and row.flags[flag] == "1")
    return flag == QualityFlag.OFFLINE


def say_flag(row: CameraDiagnosis, flag: QualityFlag, word: str, slot: int) -> None:
    """Does not save."""
    if word == "1" and row.flags[flag] != "1":
        row.told_slots[flag] = slot
    elif word == "0":
        row.told_slots[flag] = None
    row.flags = row.flags[:flag] + word + row.flags[flag + 1 :]


def keep_rows(rows: Sequence[CameraDiagnosis], said_before: dict[int, str]) -> int:
    """Write rows the caller has locked; what they say now and did not say before goes among the verdicts.

    Returns of how many cameras something that holds has changed.
    """
    if not rows:
        return 0
    columns = zip(*(_columns(row) for row in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(column) for column in columns])
    news = {row.camera_id: Verdict(row.flags) for row in rows if row.flags != said_before[row.camera_id]}
    return record_quality(verdicts=news, source=QualitySource.DIAGNOSIS) if news else 0


def _columns(row: CameraDiagnosis) -> tuple[object, ...]:
    lists = (json.dumps(values) for values in (row.scores, row.confidence, row.told_slots))
    facts = (row.slot, row.failures, row.view_since, row.wants_burst)
    return (row.camera_id, row.flags, *lists, bytes(row.trace), *facts)


def keep_views(views: Sequence[CameraView]) -> None:
    if not views:
        return
    columns = zip(
        *((view.camera_id, view.band, view.memory, view.view_since, view.learned_at) for view in views),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(_VIEWS, [list(column) for column in columns])
