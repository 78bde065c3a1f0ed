"""Image diagnosis on real clips and simulated roads: what it finds, what it says of clean pictures, what it costs.

    python bench/quality.py [--json] [--full] [--scenes test|tuning] [--details]

Every picture went through x264 as the gateway sets it (CIF, 150 kbit/s) and back. A camera is first watched for three
days; then for an hour of clean pictures, one every five minutes; then, from the fourth of these on, with one fault.
One that is turned forgets what it saw, as the platform makes it, and is watched for two hours. Found is what has its
verdict after three pictures; flicker and stripes after one burst of two seconds. A false alarm is a clean picture after
which any verdict stands. The thresholds were chosen on the tuning scenes only; no clip and no drawn road is in both
halves. `--full` has more cameras and more faults of each kind.
"""

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
# Small matrices: threads of the algebra library would only spoil the figures.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bench.harness import Row, arguments, report
from bench.quality_faults import SEVERITIES, Kind
from bench.quality_nature import Roads, Weather
from bench.quality_scenes import MANIFEST, Place, places
from bench.quality_series import FAULT_FROM, Picture, Series
from protocol.codes import QualityFlag
from quality.diagnosis import Burst, Look, Memory, Sight, Trace, band_of, forget_view, look, look_at_burst

MIDDLE: Final = SEVERITIES.index("middle")
_CLASSES: Final[dict[str, tuple[Kind, ...]]] = {
    "black": (Kind.BLACK,),
    "freeze": (Kind.FREEZE,),
    "noise": (Kind.NOISE,),
    "flicker": (Kind.FLICKER,),
    "stripes": (Kind.STRIPES,),
    "occlusion": (Kind.OCCLUSION,),
    "blur": (Kind.BLUR,),
    "brightness": (Kind.DARK, Kind.BRIGHT),
}
_TARGETS: Final = {"occlusion": 0.95, "blur": 0.90, "brightness": 0.90}
_MOST_TARGET: Final = 0.98
# Faults are put into these; the other weathers are there to alarm falsely.
_FAULTY: Final = (Weather.DAY, Weather.DUSK, Weather.NIGHT)
MOST_MS: Final = 6.0
_BATCH: Final = 48


@dataclass(frozen=True)
class Job:
    place: Place
    weather: Weather
    repeats: int
    folder: Path


@dataclass
class Tally:
    """Found or not, alarmed or not, one entry for each case."""

    found: dict[tuple[Kind, int, Weather], list[bool]] = field(default_factory=lambda: defaultdict(list))
    alarms: dict[Weather, list[bool]] = field(default_factory=lambda: defaultdict(list))
    # The same before any smoothing.
    singles: dict[Weather, list[bool]] = field(default_factory=lambda: defaultdict(list))
    # What was said besides, of pictures with a fault.
    besides: dict[tuple[Kind, QualityFlag], int] = field(default_factory=lambda: defaultdict(int))
    bursts: list[bool] = field(default_factory=list)  # false alarms of bursts
    asked: list[bool] = field(default_factory=list)  # whether a clean picture asked for a burst
    cpu_seconds: float = 0.0
    pictures: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for mine, theirs in (
            (self.found, other.found),
            (self.alarms, other.alarms),
            (self.singles, other.singles),
        ):
            for key, cases in theirs.items():
                mine[key] += cases  # type: ignore[index]
        for pair, count in other.besides.items():
            self.besides[pair] += count
        self.bursts += other.bursts
        self.asked += other.asked
        self.notes += other.notes
        self.cpu_seconds += other.cpu_seconds
        self.pictures += other.pictures


class Watcher:
    """What the platform keeps of one camera, written to bytes and read again after every picture."""

    def __init__(self) -> None:
        self._memories: dict[int, bytes] = {}
        self._trace = b""

    def copy(self) -> "Watcher":
        twin = Watcher()
        twin._memories, twin._trace = dict(self._memories), self._trace
        return twin

    def see(self, picture: Picture) -> Look:
        if picture.is_moving:
            # As quality.services.pictures.note_moves does.
            self._memories.clear()
            self._trace = forget_view(Trace.from_bytes(self._trace)).to_bytes()
        band = band_of(picture.at)
        memory = Memory.from_bytes(self._memories.get(band, b""))
        sight = Sight(
            picture.luma, picture.at, memory, Trace.from_bytes(self._trace), is_moving=picture.is_moving
        )
        (seen,) = look([sight])
        if seen.has_learned:
            self._memories[band] = seen.memory.to_bytes()
        self._trace = seen.trace.to_bytes()
        return seen

    def cost(self, pictures: Sequence[Picture]) -> float:
        """CPU seconds for as many cameras as there are pictures, a batch as the platform takes them."""
        begun = time.process_time()
        sights = [
            Sight(
                picture.luma,
                picture.at,
                Memory.from_bytes(self._memories.get(band_of(picture.at), b"")),
                Trace.from_bytes(self._trace),
            )
            for picture in pictures
        ]
        for seen in look(sights):
            seen.memory.to_bytes()
            seen.trace.to_bytes()
        return time.process_time() - begun


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--full", action="store_true", help="more cameras, more faults of each kind")
    parser.add_argument("--scenes", choices=("test", "tuning"), default="test")
    parser.add_argument("--details", action="store_true", help="tell what was missed and falsely alarmed")
    options = parser.parse_args()
    if not MANIFEST.exists():
        print(f"no real clips ({MANIFEST.parent} is absent): simulated cameras only")
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="highway-bench-") as folder:
        jobs = _jobs(test=options.scenes == "test", is_full=options.full, folder=Path(folder))
        # The longest first, or one process ends alone.
        with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
            jobs.sort(key=lambda job: job.weather not in _FAULTY)
            for number, part in enumerate(pool.map(run, jobs), 1):
                tally.add(part)
                print(f"\r{number} of {len(jobs)} series", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    if options.details:
        print(*tally.notes, sep="\n")
    _print_all(tally)
    report(rows_of(tally), as_json=options.json)


def _jobs(*, test: bool, is_full: bool, folder: Path) -> list[Job]:
    return [
        Job(place, weather, 3 if is_full else 1, folder)
        for place in places(test=test, drawn=4 if is_full else 2)
        for weather in Weather
        if place.is_drawn or weather is not Weather.RAIN
    ]


def run(job: Job) -> Tally:
    """Everything of one camera in one weather."""
    tally = Tally()
    series = Series(job.place, job.weather, Roads(job.folder))
    watcher = Watcher()
    for picture in series.history():
        watcher.see(picture)
    # Faults begin where the clean pictures have come to, not after them.
    before_faults = watcher
    pictures = list(series.clean())
    for number, picture in enumerate(pictures):
        if number == FAULT_FROM:
            before_faults = watcher.copy()
        _note_clean(tally, series, number, watcher.see(picture))
    batch = pictures * (_BATCH // len(pictures))
    tally.cpu_seconds, tally.pictures = watcher.cost(batch), len(batch)
    _note_clean_burst(tally, series)
    if job.weather in _FAULTY:
        for kind in Kind:
            for severity in range(len(SEVERITIES)):
                for _ in range(job.repeats * (2 if kind is Kind.OCCLUSION and severity == MIDDLE else 1)):
                    _try(tally, series, before_faults.copy(), kind, severity)
    return tally


def _note_clean(tally: Tally, series: Series, number: int, seen: Look) -> None:
    weather = series.weather
    is_alarm = "1" in seen.verdicts
    tally.alarms[weather].append(is_alarm)
    tally.singles[weather].append(bool((seen.scores >= 0.5).any()))
    tally.asked.append(bool(seen.suspects))
    if is_alarm:
        tally.notes.append(f"false alarm {series.name} picture {number}: {seen.verdicts}")


def _note_clean_burst(tally: Tally, series: Series) -> None:
    for number in (FAULT_FROM, 2 * FAULT_FROM):
        frames = series.burst(None, number)
        seen = look_at_burst(Burst(frames.luma, frames.seconds, frames.at, Memory(), Trace()))
        tally.bursts.append("1" in seen.verdicts)
        if "1" in seen.verdicts:
            tally.notes.append(f"false alarm {series.name} burst {number}: {seen.verdicts}")


def _try(tally: Tally, series: Series, watcher: Watcher, kind: Kind, severity: int) -> None:
    if kind.needs_burst:
        frames = series.faulted_burst(kind, severity, FAULT_FROM)
        seen = look_at_burst(Burst(frames.luma, frames.seconds, frames.at, Memory(), Trace()))
    else:
        for picture in series.faulted(kind, severity):
            seen = watcher.see(picture)
    is_found = seen.verdicts[kind.flag] == "1"
    tally.found[kind, severity, series.weather].append(is_found)
    if not is_found:
        tally.notes.append(f"missed {SEVERITIES[severity]} {kind} of {series.name}: {seen.scores[kind.flag]:.2f}")
    for flag in QualityFlag:
        if flag is not kind.flag and seen.verdicts[flag] == "1":
            tally.besides[kind, flag] += 1


def rows_of(tally: Tally) -> list[Row]:
    rows = []
    for name, kinds in _CLASSES.items():
        for severity in (MIDDLE, SEVERITIES.index("mild"), SEVERITIES.index("severe")):
            recall = _share(_cases(tally, kinds, severity))
            target = _TARGETS.get(name, _MOST_TARGET)
            if severity == MIDDLE:
                rows.append(Row(f"recall_{name}", "share", recall, None, f">= {target}", recall >= target))
            else:
                rows.append(
                    Row(f"recall_{name}_{SEVERITIES[severity]}", "share", recall, None, "told only", True)
                )
    by_day = _share([one for weather, cases in tally.alarms.items() if not weather.is_night for one in cases])
    by_night = _share([one for weather, cases in tally.alarms.items() if weather.is_night for one in cases])
    cost = tally.cpu_seconds * 1000 / tally.pictures
    singles = _share([one for cases in tally.singles.values() for one in cases])
    return [
        *rows,
        Row("false_alarm_clean", "%", 100 * by_day, None, "<= 0.5, by day", by_day <= 0.005),
        Row("false_alarm_night", "%", 100 * by_night, None, "<= 2", by_night <= 0.02),
        Row("false_single_pictures", "%", 100 * singles, None, "told only", True),
        Row("false_alarm_bursts", "%", 100 * _share(tally.bursts), None, "told only", True),
        Row("bursts_asked_for_clean", "%", 100 * _share(tally.asked), None, "told only", True),
        Row("cpu_ms_per_frame", "ms", cost, None, f"<= {MOST_MS:g}", cost <= MOST_MS),
    ]


def _cases(
    tally: Tally, kinds: Sequence[Kind], severity: int, weathers: Sequence[Weather] = _FAULTY
) -> list[bool]:
    return [one for kind in kinds for weather in weathers for one in tally.found[kind, severity, weather]]


def _share(cases: Sequence[bool]) -> float:
    return sum(cases) / len(cases) if cases else float("nan")


def _print_all(tally: Tally) -> None:
    """Recall by severity and weather, alarms by weather, and what was said of a fault besides its own flag."""
    print(f"{'recall':12} {'severity':9} {'cases':>6} {'all':>6} " + " ".join(f"{name:>6}" for name in _FAULTY))
    for name, kinds in _kinds():
        for severity, word in enumerate(SEVERITIES):
            cases = _cases(tally, kinds, severity)
            parts = (_share(_cases(tally, kinds, severity, (weather,))) for weather in _FAULTY)
            columns = " ".join(f"{part:6.2f}" for part in parts)
            print(f"{name:12} {word:9} {len(cases):6} {_share(cases):6.2f} {columns}")
    print(f"{'clean':12} {'pictures':>9} {'alarms':>7} {'in single pictures':>19}")
    for weather, alarms in tally.alarms.items():
        print(f"{weather:12} {len(alarms):9} {_share(alarms):7.3f} {_share(tally.singles[weather]):19.3f}")
    for (kind, flag), count in sorted(tally.besides.items(), key=lambda item: -item[1]):
        print(f"{kind} was also called {flag.name.lower()} {count} times")


def _kinds() -> Iterator[tuple[str, tuple[Kind, ...]]]:
    for name, kinds in _CLASSES.items():
        yield name, kinds
        if len(kinds) > 1:
            yield from ((f"  {kind}", (kind,)) for kind in kinds)


if __name__ == "__main__":
    main()
