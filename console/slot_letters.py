"""One letter a slot: a picture, one with something wrong, or why there is none; thousands are read at once."""

from collections.abc import Iterable
from typing import Final

from quality.selectors import words_of
from rates.definition import MISSED, is_bad
from snapshots.choices import SnapshotResult

# NOTHING: the camera was not in the ledger, or the slot is not over.
PICTURE, BAD_PICTURE, NOTHING = "p", "b", "-"
GAPS: Final[dict[SnapshotResult, str]] = {
    result: chr(ord("A") + result.value) for result in SnapshotResult if result != SnapshotResult.TAKEN
}
REASONS: Final = {letter: str(result.label) for result, letter in GAPS.items()}
# Those in which the platform failed the camera: they do not count.
MISSED_LETTERS: Final = "".join(GAPS[result] for result in sorted(MISSED))


def wrong_since(flags: Iterable[tuple[float, str]]) -> list[tuple[float | None, str]]:
    """What was wrong with the picture since when (unix seconds; None: since ever), empty when nothing was."""
    return [(since if since > 0 else None, words_of(text) if is_bad(text) else "") for since, text in flags]
