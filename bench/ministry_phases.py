"""What bench/ministry_sync.py measures, one phase after the other. Django must be set up."""

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import ministry_ledger as ledger
from bench.harness import Row
from bench.ministry_processes import MemoryWatch, Reports, RunningPeer, cpu_seconds
from bench.ministry_rival import drain_plainly
from cameras.choices import OnlineStatus
from deploy.processes import descendants

FAULT_RATE: Final = 0.2
# A drain that takes longer is not repeated: the other phases need the time.
SLOW_SECONDS: Final = 20.0
# The client's patience in drains with faults, where some answers come after 2.5 s.
READ_SECONDS: Final = "2"
_IDLE_SECONDS: Final = 15.0
_LAST_ANSWER_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Sizes:
    rounds: int
    changes: int
    seconds_of_changes: float


@dataclass(frozen=True)
class Drain:
    seconds: float
    requests: int
    is_done: bool


class Clock:
    """The time the whole benchmark may take; a phase gets at most what is left."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at

    def patience(self, at_most: float) -> float:
        return max(1.0, min(at_most, self._ends_at - time.monotonic()))


def measure(peer: RunningPeer, data_dir: Path, postmaster: int, sizes: Sizes, clock: Clock) -> list[Row]:
    ledger.tidy()
    rival = statistics.median(_rival(peer, sizes.rounds))
    with Reports(data_dir) as reports:
        reports.start_worker()
        reports.wait_until_ready()
        rows = _clean_drains(peer, reports, sizes.rounds, rival, clock)
        rows += _steady_state(peer, reports, postmaster, sizes, clock)
        _take_down(peer, clock)
        reports.kill_worker()
        reports.start_worker(MINISTRY_READ_SECONDS=READ_SECONDS)
        reports.wait_until_ready()
        rows += _drain_with_faults(peer, clock)
        _take_down(peer, clock)
        rows += _drain_with_a_kill(peer, reports, clock)
    return rows


def _rival(peer: RunningPeer, rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        peer.reset()
        taken.append(drain_plainly(peer.base_url))
        ledger.tidy()
    print(f"one request after the other, s: {_spread(taken)}")
    return taken


def _clean_drains(peer: RunningPeer, reports: Reports, rounds: int, rival: float, clock: Clock) -> list[Row]:
    """Leaves the platform drained. Its memory is watched over all rounds, which one worker lives through."""
    drains: list[Drain] = []
    memory = MemoryWatch(reports)
    for _ in range(rounds):
        if drains:
            _take_down(peer, clock)
        _avoid_the_full_hour(peer, SLOW_SECONDS)
        with memory:
            drains.append(_drain(peer, clock.patience(60)))
        if drains[-1].seconds > SLOW_SECONDS:
            break
    print(f"drains, s: {_spread([drain.seconds for drain in drains])}; {_words(peer)}")
    least = ledger.fewest_requests()
    seconds = statistics.median(drain.seconds for drain in drains)
    requests = max(drain.requests for drain in drains)
    is_done, growth = all(drain.is_done for drain in drains), memory.growth_mb
    return [
        Row("drain_20000_s", "s", seconds, rival, "<= 12", is_done and seconds <= 12),
        Row(
            "drain_20000_requests",
            "requests",
            requests,
            least,
            "<= 1.05 x minimum",
            is_done and requests <= 1.05 * least,
        ),
        Row("worker_rss_growth_mb", "MB", growth, None, "<= 20", growth <= 20),
    ]


def _drain(peer: RunningPeer, patience: float, *, fault_rate: float = 0.0, seed: int = 1) -> Drain:
    """From an empty peer until everything is acknowledged in our database."""
    peer.reset(fault_rate=fault_rate, seed=seed)
    begun = time.monotonic()
    ledger.connect(peer.base_url)
    is_done = _wait_until_told(peer, begun + patience)
    took = time.monotonic() - begun
    # What is told once more after that counts too.
    time.sleep(1.5)
    return Drain(took, peer.requests(), is_done)


def _wait_until_told(peer: RunningPeer, deadline: float) -> bool:
    expected = ledger.cameras().count()
    while time.monotonic() < deadline:
        stats = peer.stats()
        if min(stats["cameras"], stats["statuses"]) >= expected and ledger.pending() == 0:
            return True
        time.sleep(0.05)
    return False


def _take_down(peer: RunningPeer, clock: Clock) -> None:
    """Forget the platform, and what it acknowledged, once the engine has let go of it."""
    ledger.switch_off()
    peer.wait_until_quiet(quiet_seconds=2, at_most=clock.patience(20))
    ledger.disconnect()
    ledger.tidy()


def _avoid_the_full_hour(peer: RunningPeer, seconds: float) -> None:
    """States are told anew in each clock hour (document 1.2): the turn must not fall into what is measured."""
    left = 3600 - time.time() % 3600
    if left < seconds:
        print(f"waiting {left:.0f} s for the full hour")
        time.sleep(left + 1)
        peer.wait_until_quiet(quiet_seconds=5, at_most=60)


def _steady_state(
    peer: RunningPeer, reports: Reports, postmaster: int, sizes: Sizes, clock: Clock
) -> list[Row]:
    begun = time.monotonic()
    if not _wait_until_told(peer, _from_now(clock.patience(60))):
        waited = time.monotonic() - begun
        print("not everything was told in time: there is no steady state to measure")
        return [Row("change_p95_s", "s", waited, None, "<= 3", False)]
    _avoid_the_full_hour(peer, _IDLE_SECONDS + sizes.seconds_of_changes + _LAST_ANSWER_SECONDS)
    return [*_idle(reports, postmaster), _change(peer, sizes, clock)]


def _idle(reports: Reports, postmaster: int) -> list[Row]:
    """What it costs to see that nothing has changed."""
    time.sleep(3)
    begun, before = time.monotonic(), _cpu(reports, postmaster)
    time.sleep(_IDLE_SECONDS)
    seconds = time.monotonic() - begun
    ours, database = (
        (now - then) / seconds * 100 for then, now in zip(before, _cpu(reports, postmaster), strict=True)
    )
    return [
        Row("idle_cpu_percent", "% of a core", ours, None, "-", True),
        Row("idle_database_cpu_percent", "% of a core", database, None, "-", True),
    ]


def _cpu(reports: Reports, postmaster: int) -> tuple[float, float]:
    """Seconds of worker and beat, and of the database."""
    return cpu_seconds(reports.pids), cpu_seconds([postmaster, *descendants(postmaster)])


def _change(peer: RunningPeer, sizes: Sizes, clock: Clock) -> Row:
    """From the row of a status change to the answer of the peer that was told it."""
    changes, draw = ledger.Changes(seed=1), random.Random(1)
    keys = []
    for _ in range(sizes.changes):
        # Uneven, so that the beat meets them at every phase of its second.
        time.sleep(draw.uniform(0, 2 * sizes.seconds_of_changes / sizes.changes))
        if (key := changes.break_one()) is not None:
            keys.append(key)
    waiting, latencies = set(keys), []
    deadline = time.monotonic() + clock.patience(_LAST_ANSWER_SECONDS)
    while waiting and time.monotonic() < deadline:
        told = peer.statuses()
        for key in [key for key in waiting if told.get(key, [None])[0] == OnlineStatus.FAULT]:
            latencies.append(told[key][1] - ledger.changed_at(key))
            waiting.remove(key)
        time.sleep(0.5)
    # Not told by now: at least so late.
    latencies += [time.time() - ledger.changed_at(key) for key in waiting]
    p95 = statistics.quantiles(latencies, n=20)[-1]
    print(f"changes told after, s: {_spread(latencies)}; {len(waiting)} were not told")
    return Row("change_p95_s", "s", p95, None, "<= 3", p95 <= 3 and not waiting)


def _drain_with_faults(peer: RunningPeer, clock: Clock) -> list[Row]:
    _avoid_the_full_hour(peer, 2 * SLOW_SECONDS)
    drain = _drain(peer, clock.patience(70), fault_rate=FAULT_RATE)
    print(f"with faults: {_words(peer)}")
    least = ledger.fewest_requests()
    holds = drain.is_done and drain.requests <= 1.8 * least
    return [
        Row("drain_20000_faults_requests", "requests", drain.requests, least, "<= 1.8 x minimum", holds),
        Row("drain_20000_faults_s", "s", drain.seconds, None, "-", drain.is_done),
    ]


def _drain_with_a_kill(peer: RunningPeer, reports: Reports, clock: Clock) -> list[Row]:
    """Faults as before; while the ledger changes the worker is killed in the middle of the registrations."""
    peer.reset(fault_rate=FAULT_RATE, seed=2)
    changes = ledger.Changes(seed=2)
    expected = ledger.cameras().count()
    ledger.connect(peer.base_url)
    held = _change_until(peer, changes, share=0.4 * expected, deadline=_from_now(clock.patience(30)))
    reports.kill_worker()
    begun = time.monotonic()
    reports.start_worker(MINISTRY_READ_SECONDS=READ_SECONDS)
    _change_until(peer, changes, share=0.9 * expected, deadline=_from_now(clock.patience(45)))
    left, is_equal = _wait_until_equal(peer, _from_now(clock.patience(75)))
    seconds = time.monotonic() - begun
    print(f"killed with {held} cameras held, the ledger changed {changes.made} times; {_words(peer)}")
    return [
        Row("lost", "cameras", left.lost, None, "0", left.lost == 0),
        Row("stale", "cameras", left.stale, None, "0", left.stale == 0 and not left.lost),
        Row("equal_after_kill_s", "s", seconds, None, "-", is_equal),
    ]


def _change_until(peer: RunningPeer, changes: ledger.Changes, *, share: float, deadline: float) -> int:
    """Changes ten times a second until the peer holds so many cameras; how many it holds."""
    while (held := int(peer.stats()["cameras"])) < share and time.monotonic() < deadline:
        changes.make_some()
        time.sleep(0.1)
    return held


def _wait_until_equal(peer: RunningPeer, deadline: float) -> tuple[ledger.Differences, bool]:
    """What differs when nothing is pending any more, or when patience ends."""
    while time.monotonic() < deadline:
        if ledger.pending() == 0 and not _differences(peer):
            break
        time.sleep(1)
    left = _differences(peer)
    return left, not left


def _differences(peer: RunningPeer) -> ledger.Differences:
    return ledger.differences(peer.cameras(), peer.statuses())


def _from_now(seconds: float) -> float:
    return time.monotonic() + seconds


def _words(peer: RunningPeer) -> str:
    stats = peer.stats()
    return f"requests {stats['requests']}, faults {stats['faults'] or 'none'}"


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    if len(ordered) < 6:
        return ", ".join(f"{value:.2f}" for value in ordered)
    return f"{ordered[0]:.2f} to {ordered[-1]:.2f}, median {statistics.median(ordered):.2f}"
