"""Rounds of a whole province, taken by real workers from a farm of streams.

    python bench/snapshot_rounds.py CLIP [--cameras 4000] [--period 60] [--workers 4]

A part of bench/snapshots.py, in a process of its own as it is another platform: prints its rows as JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.flv_farm import kind_of
from bench.harness import ROOT, Row, manage, workplace
from deploy.processes import descendants, kill_tree

DEAD, SLOW = 5.0, 2.0
CAMERAS_OF_A_PROVINCE: Final = 20_000
PERIOD_OF_A_PROVINCE: Final = 300


@dataclass(frozen=True)
class Taken:
    """What came of one round."""

    live: int
    missed: int
    late_p99: float
    cpu_seconds: float
    finished_after: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--cameras", type=int, default=4000)
    parser.add_argument("--period", type=int, default=60)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    rows = rounds_of_a_province(options.clip, options.cameras, options.period, options.workers)
    print(json.dumps([asdict(row) for row in rows]))


@contextmanager
def farm_of(clip: Path, *options: str) -> Iterator[str]:
    """Its address."""
    script = str(ROOT / "bench" / "flv_farm.py")
    farm = subprocess.Popen([sys.executable, script, str(clip), *options], stdout=subprocess.PIPE)
    try:
        assert farm.stdout is not None
        yield f"http://127.0.0.1:{int(farm.stdout.readline())}"
    finally:
        farm.kill()
        farm.communicate()


def rounds_of_a_province(clip: Path, cameras: int, period: int, workers: int) -> list[Row]:
    bad = ("--dead", str(DEAD), "--slow", str(SLOW))
    settings = {"SNAPSHOT_PERIOD_SECONDS": str(period)}
    with (
        workplace(**settings) as environment,
        farm_of(clip, *bad) as base,
        farm_of(clip, *bad, "--no-gop-cache") as uncached,
    ):
        manage(environment, "fill_ledger", "--cameras", str(cameras))
        server = ("--kind", "embedded", "--name", "bench", "--rtmp", "rtmp://127.0.0.1:1935", "--http", base)
        manage(environment, "add_media_server", *server)
        os.environ.update(environment)
        with _workers(environment, workers) as pid:
            _begin()
            # In the first nobody knows yet who is dead.
            with_cache = [_take(pid, period) for _ in range(2)]
            _move_streams(uncached)
            without = _take(pid, period)
    return _rows(with_cache, without, cameras, period)


def _rows(with_cache: list[Taken], without: Taken, cameras: int, period: int) -> list[Row]:
    missed, late = max(one.missed for one in with_cache), max(one.late_p99 for one in with_cache)
    share = CAMERAS_OF_A_PROVINCE / PERIOD_OF_A_PROVINCE / (cameras / period)
    cores = with_cache[-1].cpu_seconds / period * share
    cores_without = without.cpu_seconds / period * share
    return [
        Row("missed_of_live", "pictures", missed, None, "0", missed == 0),
        Row("late_p99_s", "s", late, None, "<= 30", late <= 30),
        Row("worker_cores_for_20000", "cores", cores, None, "-", holds=True),
        Row("missed_without_gop_cache", "pictures", without.missed, None, "0", without.missed == 0),
        Row("late_p99_without_gop_cache_s", "s", without.late_p99, None, "<= 30", without.late_p99 <= 30),
        Row("worker_cores_without_gop_cache", "cores", cores_without, cores, "-", holds=True),
        Row(
            "round_finished_s",
            "s",
            max(one.finished_after for one in (*with_cache, without)) / period * PERIOD_OF_A_PROVINCE,
            None,
            f"<= {PERIOD_OF_A_PROVINCE}",
            all(one.finished_after <= period for one in (*with_cache, without)),
        ),
    ]


@contextmanager
def _workers(environment: Mapping[str, str], number: int) -> Iterator[int]:
    """As in production: one Celery worker with so many processes; its process id."""
    words = ("worker", "-Q", "captures", "-c", str(number), "--without-gossip", "--without-mingle")
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "province", *words, "--loglevel", "WARNING"],
        env=dict(environment),
        cwd=ROOT,
    )
    try:
        yield process.pid
    finally:
        kill_tree(process.pid)
        process.wait()


def _begin() -> None:
    import django

    django.setup()
    from cameras.models import Camera
    from snapshots.services.partitions import keep_partitions

    Camera.objects.update(has_stream=True)
    keep_partitions()


def _move_streams(base: str) -> None:
    from streaming.models import MediaServer

    MediaServer.objects.update(http_url=base)


def _take(worker: int, period: int) -> Taken:
    """Wait for a slot to begin, plan it, wait for its end."""
    from django.conf import settings

    from snapshots.tasks import plan_round

    assert period == settings.SNAPSHOT_PERIOD_SECONDS
    slot = int(time.time()) // period * period + period
    time.sleep(max(0.0, slot + 0.2 - time.time()))
    cpu = _cpu_of(worker)
    plan_round()
    time.sleep(max(0.0, slot + period - 0.5 - time.time()))
    return _look(slot, _cpu_of(worker) - cpu)


def _look(slot: int, cpu_seconds: float) -> Taken:
    from cameras.models import Camera
    from snapshots.choices import SnapshotResult
    from snapshots.models import CaptureShard, Snapshot
    from snapshots.services.planning import due_after
    from snapshots.slots import slot_at

    names = {camera.pk: camera.stream_name(0) for camera in Camera.objects.only("number_key")}
    dead = {pk for pk, name in names.items() if kind_of(f"/live/{name}.flv", DEAD, SLOW) == "dead"}
    rows = Snapshot.objects.filter(slot_at=slot_at(slot), result=SnapshotResult.TAKEN)
    taken = dict(rows.values_list("camera_id", "taken_at"))
    shards = list(CaptureShard.objects.filter(slot_at=slot_at(slot)))
    late = sorted(
        at.timestamp() - slot - due_after(pk % len(shards), len(shards)) for pk, at in taken.items() if at
    )
    ends = [row.finished_at.timestamp() - slot if row.finished_at else float("inf") for row in shards]
    missed = sum(pk not in taken for pk in names if pk not in dead)
    return Taken(len(names) - len(dead), missed, late[int(len(late) * 0.99)], cpu_seconds, max(ends))


def _cpu_of(pid: int) -> float:
    """Seconds of a process and all below it that live."""
    ticks = 0
    for each in (pid, *descendants(pid)):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
