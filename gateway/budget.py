"""How much of the machine transcoding may take: promised to a channel before it starts, until it is stopped."""

from protocol.commands import VideoFormat

# Cores, fitted to x264 ultrafast on a slow core: 19 CIF to CIF, 6 of 1080p to CIF, 3.3 of 1080p to 720p fill one.
_CORES_A_CHANNEL = 0.03
_CORES_A_DECODED_MEGAPIXEL = 0.0023
_CORES_AN_ENCODED_MEGAPIXEL = 0.0067
# A source nobody has measured is taken for a camera's usual main stream.
_UNKNOWN_SOURCE = 1920 * 1080 * 25.0


class BudgetSpentError(Exception):
    """There is no room for another transcoded channel; the text (Chinese) says how much is missing."""


def transcoding_cores(video: VideoFormat, decoded_a_second: float | None) -> float:
    """Cores that one channel takes; `decoded_a_second` in pixels, None when the source is unknown."""
    decoded = _UNKNOWN_SOURCE if decoded_a_second is None else decoded_a_second
    encoded = video.width * video.height * video.framerate
    pixels = _CORES_A_DECODED_MEGAPIXEL * decoded + _CORES_AN_ENCODED_MEGAPIXEL * encoded
    return _CORES_A_CHANNEL + pixels / 1e6


class CoreBudget:
    def __init__(self, cores: float) -> None:
        self.cores = cores
        self._promised: dict[str, float] = {}

    @property
    def used(self) -> float:
        return sum(self._promised.values())

    def reserve(self, label: str, cores: float) -> None:
        """Promise so much to the channel instead of what it had. BudgetSpentError changes nothing."""
        others = self.used - self._promised.get(label, 0.0)
        if cores and others + cores > self.cores:
            raise BudgetSpentError(
                f"转码能力已用完：本路需 {cores:.2f} 核，已用 {others:.2f} 核，共 {self.cores:g} 核"
            )
        self._promised[label] = cores

    def release(self, label: str) -> None:
        self._promised.pop(label, None)
