"""True online rate (真实在线率): what one five-minute slot of one camera counts as. The only place that says so.

Three answers for each slot that counts: claimed online, picture there, picture good. A rate is the share of the
counted slots with that answer; the true online rate is that of "picture there".

Which slots count:
- Those in the ledger at their beginning: from the registration on (`created_at`), up to the deletion
  (`deleted_at`), and over: never the present one, which may still get its picture. No slot of a camera that
  waits for review.
- Not those in which the platform failed the camera: it did not run (no row, or NOT_RUN), it could not store the
  picture (STORAGE), its media server was not to be reached or refused it (UNREACHABLE, REFUSED). They are
  `missed`: shown, held against nobody. So are slots before a review was over, and those between a deletion and
  a registration anew: no picture was asked for, so there is no row.
- Everything else: a camera without a stream, without a key frame in time, with a picture that does not decode or
  is not H.264 has no picture.

Claimed online: the status at the beginning of the slot, as StatusChange has it, and so as it was reported upward.
Blips shorter than STATUS_BLIP_SECONDS are no change there. A fault is not online, nor is a camera of which nothing
was heard yet.
Picture there: the slot has a picture.
Picture good: it has one, and at the end of the slot none of the flags held that speak of the picture (all but
"offline", which the picture disproves). At the end, because the verdict that a picture leads to comes after it.

`COUNT_DAY` says this in SQL for all cameras, `judge_slots` in Python for one of them; a test holds them together.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cameras.choices import OnlineStatus
from quality.choices import QualityFlag
from snapshots.choices import SnapshotResult

# The platform's own failures.
MISSED = frozenset(
    {
        SnapshotResult.NOT_RUN,
        SnapshotResult.STORAGE,
        SnapshotResult.UNREACHABLE,
        SnapshotResult.REFUSED,
    }
)


@dataclass(frozen=True, slots=True)
class Life:
    """When a camera was in the ledger; times are unix seconds."""

    created_at: float
    deleted_at: float | None
    is_pending: bool


@dataclass(frozen=True, slots=True)
class History:
    """What held from when on, in order; the first entry from ever."""

    times: Sequence[float]
    values: Sequence[bool]

    def at(self, moment: float) -> bool:
        return self.values[bisect_right(self.times, moment) - 1]


@dataclass(frozen=True, slots=True)
class SlotState:
    """One slot that is over. `is_counted` False: missed, and nothing else is True."""

    slot: int
    is_counted: bool
    is_claimed: bool
    is_pictured: bool
    is_good: bool


def is_bad(flags: str) -> bool:
    """Whether a picture with these flags is not good."""
    return "1" in flags[QualityFlag.OFFLINE + 1 :]


def judge_slots(
    slots: Sequence[int],
    *,
    now: float,
    period: int,
    life: Life,
    online: History,
    bad: History,
    results: Mapping[int, SnapshotResult],
) -> list[SlotState]:
    """Those of `slots` (unix seconds in which they begin) that the camera answers for."""
    return [
        _judge(slot, slot + period, online, bad, results.get(slot, SnapshotResult.NOT_RUN))
        for slot in slots
        if _answers_for(life, slot) and slot + period <= now
    ]


def _answers_for(life: Life, slot: int) -> bool:
    is_there = life.created_at <= slot and (life.deleted_at is None or slot < life.deleted_at)
    return is_there and not life.is_pending


def _judge(slot: int, end: int, online: History, bad: History, result: SnapshotResult) -> SlotState:
    if result in MISSED:
        return SlotState(slot, is_counted=False, is_claimed=False, is_pictured=False, is_good=False)
    is_pictured = result == SnapshotResult.TAKEN
    return SlotState(
        slot,
        is_counted=True,
        is_claimed=online.at(slot),
        is_pictured=is_pictured,
        is_good=is_pictured and not bad.at(end),
    )


def count_parameters(*, begin: datetime, end: datetime, until: datetime, period: int) -> dict[str, Any]:
    """Of COUNT_DAY: a day from `begin` to `end`, of which slots that end by `until` are over."""
    slots = -(-86_400 // period)
    return {
        "begin": begin,
        "end": end,
        "until": until,
        "period": period,
        "slots": slots,
        "none": "0" * slots,
        "online": OnlineStatus.ONLINE.value,
        "taken": SnapshotResult.TAKEN.value,
        "missed": sorted(result.value for result in MISSED),
        # SQL counts characters from 1.
        "first_flag": QualityFlag.OFFLINE + 2,
    }


def _number(moment: str) -> str:
    """SQL: how many slots of the day begin before `moment`, an expression that may be infinite."""
    bounded = f"LEAST(GREATEST({moment}, %(begin)s), %(until)s)"
    return f"ceil(extract(epoch FROM {bounded} - %(begin)s) / %(period)s)::int"


def _between(since: str, until: str) -> str:
    """SQL: a bit for each slot of the day, 1 for those that begin from `since` on and before `until`."""
    first, end = _number(since), _number(until)
    return f"(repeat('0', {first}) || rpad(repeat('1', {end} - {first}), %(slots)s - {first}, '0'))::varbit"


# Rows of one day for the cameras numbered from `first` to `last`; what is as it was is not written again. `end` is
# no later than now, `until` the beginning of the first slot that is not over. The day of a camera is a string of bits
# for each question, a bit for each slot: so the pictures, of which there are millions, are read once, in the order
# in which they lie, and joined with nothing.
COUNT_DAY = f"""
WITH camera AS (
    SELECT id, organisation_id, gateway_id, trim(split_part(road, '&', 1)) AS road, deleted_at,
        GREATEST(%(begin)s, created_at) AS since, LEAST(%(end)s, deleted_at) AS gone,
        {_between("created_at", "COALESCE(deleted_at, 'infinity')")} AS answers
    FROM cameras_camera
    WHERE id BETWEEN %(first)s AND %(last)s AND NOT is_pending AND created_at < %(until)s
        AND (deleted_at IS NULL OR deleted_at > %(begin)s)
),
status AS (
    SELECT camera_id, at AS since, LEAD(at, 1, 'infinity') OVER times AS until, is_online,
        NOT is_online AND LAG(is_online, 1, FALSE) OVER times AS is_flap
    FROM (
        SELECT c.id AS camera_id, '-infinity'::timestamptz AS at, 0 AS id,
            COALESCE((SELECT b.status = %(online)s FROM cameras_statuschange b
                WHERE b.camera_id = c.id AND b.at <= %(begin)s ORDER BY b.at DESC, b.id DESC LIMIT 1), FALSE) AS is_online
        FROM camera c
        UNION ALL
        SELECT s.camera_id, s.at, s.id, s.status = %(online)s
        FROM camera c JOIN cameras_statuschange s ON s.camera_id = c.id AND s.at > %(begin)s AND s.at < %(end)s
    ) changes
    WINDOW times AS (PARTITION BY camera_id ORDER BY at, id)
),
claimed AS (
    SELECT camera_id, bit_or({_between("since", "until")}) AS bits FROM status WHERE is_online GROUP BY camera_id
),
quality AS (
    -- What held up to a change is the state before it; after the last one what holds still. Shifted by a slot, so
    -- that the beginning of a slot finds what held at its end.
    SELECT camera_id, LAG(at, 1, '-infinity') OVER times AS since, at AS until,
        position('1' IN substr(before, %(first_flag)s)) > 0 AS is_bad
    FROM (
        SELECT q.camera_id, q.at - make_interval(secs => %(period)s) AS at, q.id, q.before
        FROM camera c JOIN quality_qualitychange q ON q.camera_id = c.id AND q.at > %(begin)s AND q.at <= %(until)s
        UNION ALL
        SELECT c.id, 'infinity', NULL, COALESCE(
            (SELECT n.before FROM quality_qualitychange n
                WHERE n.camera_id = c.id AND n.at > %(until)s ORDER BY n.at, n.id LIMIT 1),
            (SELECT h.flags FROM quality_cameraquality h WHERE h.camera_id = c.id),
            -- What was known of a deleted camera is forgotten, its history is not.
            CASE WHEN c.deleted_at IS NOT NULL THEN
                (SELECT l.after FROM quality_qualitychange l
                    WHERE l.camera_id = c.id AND l.at <= %(until)s ORDER BY l.at DESC, l.id DESC LIMIT 1)
            END,
            '')
        FROM camera c
    ) changes
    WINDOW times AS (PARTITION BY camera_id ORDER BY at, id)
),
bad AS (
    SELECT camera_id, bit_or({_between("since", "until")}) AS bits FROM quality WHERE is_bad GROUP BY camera_id
),
seen AS (
    -- Gaps are few: a second string of them costs less than one of the pictures.
    SELECT camera_id, bit_or(bit) AS counted, bit_or(bit) FILTER (WHERE result <> %(taken)s) AS gaps
    FROM (
        SELECT camera_id, result, set_bit(%(none)s::varbit,
            floor((date_part('epoch', slot_at) - date_part('epoch', %(begin)s::timestamptz)) / %(period)s)::int, 1) AS bit
        FROM snapshots_snapshot
        WHERE slot_at >= %(begin)s AND slot_at < %(until)s AND camera_id BETWEEN %(first)s AND %(last)s
            AND result <> ALL(%(missed)s)
    ) slots
    GROUP BY camera_id
),
away AS (
    SELECT c.id, count(*) FILTER (WHERE s.is_flap) AS flaps,
        sum(extract(epoch FROM LEAST(s.until, c.gone) - GREATEST(s.since, c.since)))
            FILTER (WHERE NOT s.is_online) AS seconds
    FROM camera c JOIN status s ON s.camera_id = c.id AND s.since < c.gone AND s.until > c.since
    GROUP BY c.id
),
answered AS (
    SELECT c.*, answers & COALESCE(n.counted, %(none)s::varbit) AS counted,
        answers & COALESCE(n.counted, %(none)s::varbit) & ~COALESCE(n.gaps, %(none)s::varbit) AS pictured,
        COALESCE(o.bits, %(none)s::varbit) AS claimed, COALESCE(b.bits, %(none)s::varbit) AS bad,
        COALESCE(a.seconds, 0)::int AS seconds, COALESCE(a.flaps, 0) AS flaps
    FROM camera c LEFT JOIN seen n ON n.camera_id = c.id LEFT JOIN claimed o ON o.camera_id = c.id
    LEFT JOIN bad b ON b.camera_id = c.id LEFT JOIN away a ON a.id = c.id
)
INSERT INTO rates_cameraday AS kept (day, camera_id, organisation_id, gateway_id, road, slots, missed,
    claimed, pictured, good, hollow, offline_seconds, flaps)
SELECT %(day)s, id, organisation_id, gateway_id, road, bit_count(counted), bit_count(answers & ~counted),
    bit_count(counted & claimed), bit_count(pictured), bit_count(pictured & ~bad),
    bit_count(counted & claimed & ~pictured), seconds, flaps
FROM answered
WHERE bit_count(answers) > 0
ORDER BY id
ON CONFLICT (day, camera_id) DO UPDATE SET organisation_id = EXCLUDED.organisation_id,
    gateway_id = EXCLUDED.gateway_id, road = EXCLUDED.road, slots = EXCLUDED.slots, missed = EXCLUDED.missed,
    claimed = EXCLUDED.claimed, pictured = EXCLUDED.pictured, good = EXCLUDED.good, hollow = EXCLUDED.hollow,
    offline_seconds = EXCLUDED.offline_seconds, flaps = EXCLUDED.flaps
WHERE kept IS DISTINCT FROM EXCLUDED
"""  # noqa: S608 - put together from the constants of this module
