"""An engine that says what a test wants, and pictures by which it knows what: their grey is a key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from quality import diagnosis
from quality.choices import NOTHING_SAID
from quality.diagnosis import Burst, Look, Memory, Sight, Trace
from quality.services.pictures import judge_pictures
from snapshots.capture.crew import Shot
from snapshots.capture.decode import Picture, Planes
from snapshots.choices import SnapshotResult
from snapshots.slots import slot_at, unix_slot

GREY = 128


@dataclass
class ToldEngine:
    """`words` by grey; without one it cannot say. A picture is remembered as the one before it."""

    words: dict[int, str] = field(default_factory=dict)
    suspects: frozenset[int] = frozenset()
    burst_words: str = NOTHING_SAID
    learned: Memory | None = None
    sights: list[Sight] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    forgotten: int = 0

    def look(self, sights: Sequence[Sight]) -> list[Look]:
        self.sights = list(sights)
        return [
            self._look(self.words.get(int(sight.luma[0, 0]), NOTHING_SAID), sight.memory, sight.trace)
            for sight in sights
        ]

    def look_at_burst(self, burst: Burst) -> Look:
        self.bursts.append(burst)
        return self._look(self.burst_words, burst.memory, burst.trace)

    def forget_view(self, trace: Trace) -> Trace:
        self.forgotten += 1
        return trace

    def _look(self, words: str, memory: Memory, trace: Trace) -> Look:
        scores = np.array([{"0": 0.1, "1": 0.9, "-": np.nan}[word] for word in words], np.float32)
        sure = np.array([0.0 if word == "-" else 0.8 for word in words], np.float32)
        is_new = self.learned is not None
        return Look(scores, words, sure, self.suspects, self.learned or memory, trace, is_new)


def learned_memory() -> Memory:
    """Of a view that the real engine has seen once."""
    luma = np.tile(np.arange(352, dtype=np.uint8), (288, 1))
    (seen,) = diagnosis.look([Sight(luma, datetime(2026, 11, 22, 4, tzinfo=UTC), Memory(), Trace())])
    assert seen.has_learned
    return seen.memory


def shot(camera_id: int, taken_at: datetime, *, grey: int = GREY) -> Shot:
    """A CIF picture of one grey."""
    y, u = np.full((288, 352), grey, np.uint8), np.full((144, 176), 128, np.uint8)
    picture = Picture(b"", Planes(y, u, u), 352, 288, taken_at)
    return Shot(camera_id, SnapshotResult.TAKEN, picture)


def judge(engine: ToldEngine, at: datetime, *shots: Shot | int) -> int:
    """The slot of `at`; a bare camera id stands for a grey picture of it."""
    taken = at + timedelta(seconds=5)
    return judge_pictures(
        slot_at=slot_at(unix_slot(at)),
        shots=[one if isinstance(one, Shot) else shot(one, taken) for one in shots],
        engine=engine,
    )
