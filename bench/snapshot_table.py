"""The table of pictures at full size: SnapShot, the latest picture of each camera, a day of one camera, a dropped day.

    python bench/snapshot_table.py [--json] [--rows 4000000] [--full]

Daily partitions of 20,000 cameras as in production, all of the province in them; --full is a week, 40 million rows
(8 GB and half an hour of the disk). The same plans hold at both sizes: partitions pruned, the primary key or the
index of pictures used, no partition read whole. SnapShot is streamed by the code of the verb, signed, to nowhere.
"""

import json
import os
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.harness import Row, arguments, manage, report, workplace

CAMERAS: Final = 20_000
SLOT: Final = 300
FULL_ROWS: Final = 40_000_000
# A camera's gaps, of a hundred slots.
GAPS: Final = 4
_FILL = """
INSERT INTO snapshots_snapshot (camera_id, slot_at, taken_at, result, size_bytes, width, height)
SELECT c.id, to_timestamp(s), CASE WHEN (c.id + s / 300) %% 100 < %s THEN NULL ELSE to_timestamp(s + 7) END,
    CASE WHEN (c.id + s / 300) %% 100 < %s THEN 2 ELSE 0 END, 16000, 352, 288
FROM generate_series(%s::bigint, %s::bigint, 300) s CROSS JOIN (SELECT id FROM cameras_camera ORDER BY id) c
"""


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--full", action="store_true", help=f"{FULL_ROWS:,} rows")
    options = parser.parse_args()
    rows = FULL_ROWS if options.full else options.rows
    with workplace() as environment:
        manage(environment, "fill_ledger", "--cameras", str(CAMERAS))
        os.environ.update(environment)
        report(_rows(rows), as_json=options.json)


def _rows(rows: int) -> list[Row]:
    import django

    django.setup()
    begin, end = _fill(rows)
    found = [*_listing(begin, end), *_single(end), *_plans(begin, end)]
    return [*found, _dropping(begin)]


def _fill(rows: int) -> tuple[int, int]:
    """Unix seconds of the first slot and of the end."""
    from django.db import connection

    from access.days import day_of
    from snapshots.services.partitions import ensure_day
    from snapshots.slots import slot_at

    slots = -(-rows // CAMERAS)
    end = int(time.time()) // SLOT * SLOT
    begin = end - slots * SLOT
    begun = time.monotonic()
    for first in range(begin, end, 12 * SLOT):
        last = min(first + 11 * SLOT, end - SLOT)
        for slot in (first, last):
            ensure_day(day_of(slot_at(slot)))
        with connection.cursor() as cursor:
            cursor.execute(_FILL, [GAPS, GAPS, first, last])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) snapshots_snapshot")
    print(f"{slots * CAMERAS:,} rows in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return begin, end


def _listing(begin: int, end: int) -> list[Row]:
    """What the verb answers, up to half a million entries of one company and the latest of all."""
    from cameras.models import Camera
    from snapshots.selectors import latest_of, pictures_between
    from snapshots.services.listing import issue_pictures

    everybody = Camera.objects.all()
    some = Camera.objects.filter(pk__in=list(everybody.order_by("pk").values_list("pk", flat=True)[:4000]))

    def consume(entries: Callable[[], Any]) -> tuple[int, float, float]:
        """Entries, CPU microseconds of each, and the peak of memory in MB."""
        tracemalloc.start()
        number = sum(1 for _ in issue_pictures(entries()))
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        cpu = resource.getrusage(resource.RUSAGE_SELF)
        sum(1 for _ in issue_pictures(entries()))
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
        return number, spent * 1e6 / number, peak

    few, _, small = consume(lambda: pictures_between(some, end - 3 * SLOT, end))
    span = min(end - begin, 130 * SLOT)
    many, us, large = consume(lambda: pictures_between(some, end - span, end))
    print(f"{few:,} entries: peak {small:.1f} MB; {many:,} entries: {large:.1f} MB", file=sys.stderr)
    latest, _, latest_mb = consume(lambda: latest_of(everybody))
    begun = time.monotonic()
    sum(1 for _ in issue_pictures(latest_of(everybody)))
    seconds = time.monotonic() - begun
    return [
        Row("snapshot_growth_mb", "MB", large, small, "<= 1.5 x", large <= 1.5 * small),
        Row("snapshot_us_per_entry", "us", us, None, "<= 6", us <= 6),
        Row("latest_20000_s", "s", seconds, None, "<= 2", latest == CAMERAS and seconds <= 2),
        Row("latest_20000_peak_mb", "MB", latest_mb, small, "<= 1.5 x", latest_mb <= 1.5 * small),
    ]


def _single(end: int) -> list[Row]:
    from access.days import day_of
    from cameras.models import Camera
    from snapshots.selectors import day_strip, latest_pictures
    from snapshots.slots import slot_at

    cameras = list(Camera.objects.order_by("pk")[:2000:40])

    def median_ms(look: Callable[[Camera], object]) -> float:
        times = []
        for camera in cameras:
            begun = time.monotonic()
            look(camera)
            times.append((time.monotonic() - begun) * 1000)
        return sorted(times)[len(times) // 2]

    day = median_ms(lambda camera: day_strip(camera, day_of(slot_at(end - SLOT))))
    latest = median_ms(lambda camera: latest_pictures([camera]))
    return [
        Row("day_of_one_camera_ms", "ms", day, None, "<= 20", day <= 20),
        Row("latest_of_one_camera_ms", "ms", latest, None, "<= 5", latest <= 5),
    ]


def _plans(begin: int, end: int) -> list[Row]:
    """Counted are partitions that are read whole: none may be."""
    from access.days import day_of, days_between
    from cameras.models import Camera
    from snapshots.choices import SnapshotResult
    from snapshots.models import Snapshot
    from snapshots.slots import slot_at

    camera = Camera.objects.order_by("pk")[:1]
    hour = Snapshot.objects.filter(
        camera_id=camera[0].pk, slot_at__gte=slot_at(end - 3600), slot_at__lt=slot_at(end)
    )
    latest = Snapshot.objects.filter(camera_id=camera[0].pk, result=SnapshotResult.TAKEN)
    plans = {
        "an hour of one camera": hour.explain(format="json"),
        "the latest of one camera": latest.order_by("-slot_at")[:1].explain(format="json"),
    }
    days = len(list(days_between(day_of(slot_at(begin)), day_of(slot_at(end - SLOT)))))
    whole, touched = 0, 0
    for name, text in plans.items():
        nodes = list(_nodes(json.loads(text)[0]["Plan"]))
        scans = [node for node in nodes if "Relation Name" in node]
        whole += sum(node["Node Type"] == "Seq Scan" for node in scans)
        if name.startswith("an hour"):
            touched = len(scans)
    return [
        Row("partitions_read_whole", "", whole, None, "0", whole == 0),
        Row("partitions_of_an_hour", "", touched, days, "<= 2", touched <= 2),
    ]


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _dropping(begin: int) -> Row:
    from access.days import DailyTable, day_of
    from snapshots.slots import slot_at

    begun = time.monotonic()
    dropped = DailyTable("snapshots_snapshot").drop(day_of(slot_at(begin)))
    seconds = time.monotonic() - begun
    return Row("drop_a_day_s", "s", seconds, None, "<= 1", dropped and seconds <= 1)


if __name__ == "__main__":
    main()
