"""How long a province's day takes to count, and the page 在线统计 to answer.

    python bench/online_rate.py [--json] [--cameras 20000] [--days 31] [--only count]

The rival of the count is the same definition asked camera by camera, timed for some and taken times all of them.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.harness import Row, arguments, manage, report, workplace

SLOTS = 288
# Cameras of which the rival is asked.
ASKED = 100
ROUNDS = 5

# In the order in which rounds write: slot by slot, shard by shard, as the cameras of a shard come in. Indexes come
# afterwards, which takes a third of the time.
_PICTURES = (
    "CREATE TABLE pictures (LIKE snapshots_snapshot INCLUDING DEFAULTS)",
    """
INSERT INTO pictures (camera_id, slot_at, taken_at, result, size_bytes, width, height)
SELECT c.id, t, CASE WHEN c.r < 3 THEN NULL ELSE t + interval '40 s' END, CASE WHEN c.r < 3 THEN 2 ELSE 0 END,
    16000, 352, 288
FROM generate_series(%(begin)s::timestamptz, %(end)s::timestamptz - interval '5 min', interval '5 min') t
CROSS JOIN (SELECT id, id * 7919 %% 100 AS r FROM cameras_camera ORDER BY id %% 100, id) c
""",
    "ALTER TABLE pictures ADD PRIMARY KEY (camera_id, slot_at)",
    "CREATE INDEX ON pictures (camera_id, slot_at DESC) WHERE result = 0",
    "ALTER TABLE snapshots_snapshot ATTACH PARTITION pictures FOR VALUES FROM (%(begin)s) TO (%(end)s)",
)
# One camera of ten changes its state, some of them thirty times; one of twenty has a bad hour.
_STATUSES = """
INSERT INTO cameras_statuschange (camera_id, at, status, source, reason)
SELECT c.id, %(begin)s::timestamptz + n * interval '40 min', n %% 2, 'stream', ''
FROM cameras_camera c CROSS JOIN generate_series(1, 30) n WHERE c.id %% 10 = 0 AND (n <= 2 OR c.id %% 100 = 0)
"""
_QUALITIES = """
INSERT INTO quality_qualitychange (camera_id, at, before, after, source)
SELECT c.id, %(begin)s::timestamptz + n * interval '7 h', repeat('0', 9), '000100000', 'd'
FROM cameras_camera c CROSS JOIN generate_series(1, 1) n WHERE c.id %% 20 = 0
"""
_COLUMNS = "organisation_id, gateway_id, road, slots, missed, claimed, pictured, good, hollow, offline_seconds, flaps"
_DAYS = f"""
INSERT INTO rates_cameraday (day, camera_id, {_COLUMNS}) SELECT d::date, camera_id, {_COLUMNS}
FROM rates_cameraday CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
"""  # noqa: S608 - of constants


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--cameras", type=int, default=20_000, help="cameras in the ledger")
    parser.add_argument("--days", type=int, default=31, help="days of the longest page")
    parser.add_argument("--only", default="", help="count: without the pages")
    options = parser.parse_args()
    with workplace() as environment:
        manage(environment, "fill_ledger", "--cameras", str(options.cameras), "--seed", "1")
        os.environ.update(environment)
        import django

        django.setup()
        from django.utils import timezone

        from access.days import day_of

        yesterday = day_of(timezone.now()) - timedelta(days=1)
        rows = _count_rows(yesterday, options.cameras)
        if options.only != "count":
            rows += _page_rows(yesterday, options.days)
    report(rows, as_json=options.json)


def _count_rows(day: date, cameras: int) -> list[Row]:
    from django.db import connection

    from access.days import day_start
    from cameras.models import Camera
    from rates.selectors import camera_slots
    from rates.services.counting import count_day

    begin, end = day_start(day), day_start(day + timedelta(days=1))
    Camera.objects.update(created_at=begin - timedelta(days=60))
    with connection.cursor() as cursor:
        for sql in (*_PICTURES, _STATUSES, _QUALITIES):
            cursor.execute(sql, {"begin": begin, "end": end})
        cursor.execute("ANALYZE")
    first = _seconds(lambda: count_day(day))
    again = _seconds(lambda: count_day(day))
    some = list(Camera.objects.order_by("?")[:ASKED])
    rival = _seconds(lambda: [camera_slots(camera, day, day, now=end) for camera in some])
    each = rival / ASKED * cameras
    return [
        Row("count_day_s", "s", first, each, "<= 60, <= 0.1 x", first <= 60 and first <= 0.1 * each),
        Row("count_day_again_s", "s", again, None, "<= 60", again <= 60),
    ]


def _page_rows(day: date, days: int) -> list[Row]:
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from access.models import User

    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"first": day - timedelta(days=days - 1), "last": day - timedelta(days=1)})
        cursor.execute("ANALYZE rates_cameraday")
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.create_superuser("bench"))
    rows = []
    for span in ("day", "week", "month"):
        url = f"{reverse('console:online')}?span={span}&on={day}"
        assert client.get(url).status_code == 200
        took = statistics.median(_seconds(lambda: client.get(url)) for _ in range(ROUNDS))  # noqa: B023
        rows.append(Row(f"page_{span}_ms", "ms", took * 1000, None, "<= 1000", took <= 1))
    return rows


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
