"""What the gateway asks of a camera, whatever stands behind it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.gate import StartGate
from gateway.troubles import Defect, Trouble
from protocol.cameras import CameraRecord
from protocol.codes import PtzAction, QualityFlag, VideoType
from protocol.commands import VideoFormat


class SourceError(Exception):
    """The camera cannot be had; the text (Chinese) says why, `trouble` which kind of reason it is."""

    def __init__(self, reason: str, trouble: Trouble = Trouble.NO_VIDEO) -> None:
        super().__init__(reason)
        self.trouble = trouble


class Feed(Protocol):
    """Writes raw frames into ffmpeg's standard input as long as it is open."""

    def open(self, descriptor: int) -> None:
        """Take over the writing end of the pipe; the feed closes it."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class PushPlan:
    """How ffmpeg gets the pictures of one channel and what it makes of them."""

    input_arguments: Sequence[str]
    codec_arguments: Sequence[str]
    feed: Feed | None = None
    cores: float = 0.0  # what transcoding takes of the budget
    # Looks closer while the push runs, and says whether another plan is due.
    review: Callable[[], Awaitable[bool]] | None = None


@dataclass(frozen=True)
class Surroundings:
    """What every adapter may use of the gateway."""

    ffmpeg: str
    font: Path | None
    folder: Path  # relative paths of the configuration start here
    cache: Path  # what can be made again, kept to start sooner
    gate: StartGate = field(default_factory=StartGate)  # before each start of an ffmpeg


class Unwatched:
    """A camera whose pictures the gateway passes on without looking at them."""

    flaws: frozenset[QualityFlag] | None = None

    def analyse(self, begin: int, end: int) -> Mapping[str, object] | None:
        return None

    def note_denial(self, video_type: VideoType, defect: Defect) -> None:
        return

    async def close(self) -> None:
        return


class Adapter(Protocol):
    """One camera."""

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        """None when nothing is wrong with the camera that can be seen without its pictures."""

    async def plan(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        """Raises SourceError."""

    def note_denial(self, video_type: VideoType, defect: Defect) -> None:
        """A push found the password to be wrong."""

    async def move(self, action: PtzAction, step: int) -> None:
        """Raises PtzRefusedError and PtzFailedError."""

    @property
    def flaws(self) -> frozenset[QualityFlag] | None:
        """What is known to be wrong with the pictures; None when nothing is known of them."""

    def analyse(self, begin: int, end: int) -> Mapping[str, object] | None:
        """A result of traffic analysis (docs/analysis.md) of the time between two unix seconds, or None."""

    async def close(self) -> None:
        """The gateway ends: leave the camera in a state in which it may be left."""


class AdapterFactory(Protocol):
    def __call__(self, record: CameraRecord, surroundings: Surroundings) -> Adapter: ...
