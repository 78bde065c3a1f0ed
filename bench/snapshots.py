"""What a picture costs, and whether a round of a province holds with dead and slow cameras in it.

    python bench/snapshots.py [--json] [--cameras 400] [--rounds 3] [--rivals 30]
        [--province 4000] [--period 60] [--workers 4] [--full]

The streams are CIF, 25 fps, 150 kbit/s, a key frame every 2 s, encoded as our gateway does, from a live HTTP-FLV
server with a GOP cache in a process of its own. Ours is what a worker does for a shard: sign the address, read up
to the first key frame, decode, JPEG, file, rows. Counted is the CPU of the process that takes the pictures (of the
ffmpeg processes for the rivals), not that of media server and database.

Then real workers take rounds of a whole ledger, 5 % of it dead (accepted, never answered) and 2 % slow (four seconds):
4,000 cameras a minute, which is as many a second as 20,000 in five minutes; --full is those. The last round is taken
from a server without a GOP cache. A picture is late by its time after the moment for which its shard was planned.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.harness import ROOT, Row, arguments, manage, report, workplace
from bench.snapshot_rounds import farm_of
from gateway.ffmpeg import find_ffmpeg, transcode_arguments
from protocol.commands import VideoFormat

CAMERAS_OF_A_PROVINCE: Final = 20_000
PERIOD_MS: Final = 300_000
# Detailed and moving, so that its pictures are as heavy as a road's.
SOURCE: Final = "mandelbrot=size=352x288:rate=25"
STREAM: Final = VideoFormat(width=352, height=288, bitrate=150, iframe=50, framerate=25)
# The cheapest we found: the usual low-latency flags without the output's cost twice as much, because ffmpeg then
# waits for the next frame to learn how long the first one lasts.
TUNED_INPUT: Final = ("-threads", "1", "-f", "flv", "-probesize", "32768", "-analyzeduration", "0")
TUNED_OUTPUT: Final = ("-fps_mode", "passthrough", "-filter_threads", "1", "-threads", "1", "-update", "1")
RIVALS_AT_ONCE: Final = 4
# Longer than a round of the cameras takes on a busy machine.
ROUND_SECONDS: Final = 40


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--cameras", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of ours, the median counts")
    parser.add_argument("--rivals", type=int, default=30, help="pictures taken by each rival")
    parser.add_argument("--province", type=int, default=4000, help="cameras of the rounds taken by workers")
    parser.add_argument("--period", type=int, default=60, help="seconds of such a round")
    parser.add_argument("--workers", type=int, default=4, help="processes that take them")
    parser.add_argument("--full", action="store_true", help="20,000 cameras in 300 s; takes 20 minutes")
    options = parser.parse_args()
    if options.full:
        options.province, options.period = CAMERAS_OF_A_PROVINCE, PERIOD_MS // 1000
    with tempfile.TemporaryDirectory(prefix="highway-bench-") as folder:
        clip = _clip(Path(folder))
        rows = _cost(options, clip)
        rows += _rounds(options, clip)
    report(rows, as_json=options.json)


def _rounds(options: argparse.Namespace, clip: Path) -> list[Row]:
    words = {"--cameras": options.province, "--period": options.period, "--workers": options.workers}
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "bench" / "snapshot_rounds.py"), str(clip)),
            *(str(word) for pair in words.items() for word in pair),
        ],
        check=True,
        stdout=subprocess.PIPE,
    )
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def _cost(options: argparse.Namespace, clip: Path) -> list[Row]:
    with workplace() as environment, farm_of(clip) as base, farm_of(clip, "--no-gop-cache") as uncached:
        manage(environment, "fill_ledger", "--cameras", str(options.cameras))
        manage(
            environment,
            *("add_media_server", "--kind", "embedded", "--name", "bench", "--rtmp", "rtmp://127.0.0.1:1935"),
            *("--http", base),
        )
        os.environ.update(environment)
        ours, per_second = _ours(options.rounds)
        _, without_cache = _ours(1, http_url=uncached)
        tuned = _rival(base, TUNED_INPUT, TUNED_OUTPUT, options.rivals)
        default = _rival(base, (), (), options.rivals)
    # Such captures wait for a key frame, a second on average: how many wait at once is the limit, not what they cost.
    needed = CAMERAS_OF_A_PROVINCE / (PERIOD_MS / 1000) / options.workers
    is_enough = without_cache >= needed
    speed = Row("per_s_without_gop_cache", "pictures/s", without_cache, per_second, f">= {needed:.0f}", is_enough)
    return [*_rows(ours, tuned, default), speed]


def _rows(ours: float, tuned: float, default: float) -> list[Row]:
    def cores(milliseconds: float) -> float:
        return CAMERAS_OF_A_PROVINCE * milliseconds / PERIOD_MS

    is_cheap, is_light = ours <= 2.5 and ours <= tuned / 40, cores(ours) <= 0.3
    return [
        # The ratio cannot be reached: the tuned rival is cheaper than was thought (docs/benchmarks.md).
        Row("cpu_ms_per_picture", "ms", ours, tuned, "<= 2.5, <= 1/40", is_cheap),
        Row("cpu_ms_per_picture_default_ffmpeg", "ms", ours, default, "<= 1/40", ours <= default / 40),
        Row("cores_for_20000", "cores", cores(ours), cores(tuned), "<= 0.3", is_light),
    ]


def _clip(folder: Path) -> Path:
    clip = folder / "clip.flv"
    _ffmpeg("-f", "lavfi", "-i", SOURCE, "-t", "10", *transcode_arguments(STREAM), str(clip))
    return clip


def _ffmpeg(*words: str) -> None:
    subprocess.run([find_ffmpeg(None), "-nostdin", "-v", "error", "-y", *words], check=True)


def _ours(rounds: int, *, http_url: str = "") -> tuple[float, float]:
    """CPU milliseconds per picture, and pictures a second of one process."""
    import django

    django.setup()
    from cameras.models import Camera
    from snapshots.models import CaptureShard, Snapshot
    from snapshots.services.rounds import take_round
    from streaming.models import MediaServer

    Camera.objects.update(has_stream=True)
    if http_url:
        MediaServer.objects.update(http_url=http_url)
    cameras = Camera.objects.count()
    costs, rates = [], []
    # The first round warms up: libraries are loaded and connections opened once in the life of a worker.
    for number in range(rounds + 1):
        _wait_for_room_in_the_slot()
        Snapshot.objects.all().delete()
        CaptureShard.objects.all().delete()
        cpu, begun = _cpu_seconds(resource.RUSAGE_SELF), time.monotonic()
        taken = take_round().taken
        assert taken == cameras, f"{taken} of {cameras} pictures"
        if number:
            costs.append((_cpu_seconds(resource.RUSAGE_SELF) - cpu) * 1000 / taken)
            rates.append(taken / (time.monotonic() - begun))
    return statistics.median(costs), statistics.median(rates)


def _wait_for_room_in_the_slot() -> None:
    """A round that runs into the end of its slot stops there."""
    left = PERIOD_MS / 1000 - time.time() % (PERIOD_MS / 1000)
    if left < ROUND_SECONDS:
        time.sleep(left)


def _rival(base: str, before: Sequence[str], after: Sequence[str], pictures: int) -> float:
    """CPU milliseconds of one ffmpeg for one picture."""
    with tempfile.TemporaryDirectory(prefix="highway-bench-") as folder:

        def shoot(number: int) -> None:
            target = Path(folder) / f"{number}.jpg"
            url = f"{base}/live/{number}.flv"
            _ffmpeg(*before, "-i", url, "-frames:v", "1", "-q:v", "4", *after, str(target))
            assert target.stat().st_size > 1000

        cpu = _cpu_seconds(resource.RUSAGE_CHILDREN)
        with ThreadPoolExecutor(RIVALS_AT_ONCE) as pool:
            list(pool.map(shoot, range(pictures)))
        return (_cpu_seconds(resource.RUSAGE_CHILDREN) - cpu) * 1000 / pictures


def _cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
