"""What pictures need of a storage besides Django's own interface."""

from dataclasses import dataclass
from typing import Protocol, cast

from django.core.files.base import File
from django.core.files.storage import storages


@dataclass(frozen=True, slots=True)
class Room:
    """How full the place is, in bytes; what others keep there counts as used.

    `files_percent` is the same of the number of files that a file system can hold; 0 where it sets no limit.
    """

    used: int
    total: int
    files_percent: float = 0.0

    @property
    def percent(self) -> float:
        """Of what is scarcer, space or files."""
        return max(self.files_percent, 100 * self.used / self.total if self.total else 100.0)

    @property
    def is_short_of_files(self) -> bool:
        return 0 < self.files_percent >= self.percent


class PictureStorage(Protocol):
    """Saving replaces what was there, whole or not at all; whatever goes wrong is an OSError."""

    # Pictures written at a time; 0: right where they are made, as a disk is faster than a thread.
    writes_at_once: int

    def save(self, name: str, content: File[bytes]) -> str: ...

    def open(self, name: str) -> File[bytes]: ...

    def delete(self, name: str) -> None: ...

    def copy(self, name: str, target: str) -> None:
        """A second name for one picture, which stays when the first one goes."""

    def folders(self) -> list[str]:
        """First parts of the names that are there."""

    def drop(self, folder: str, *, until: float) -> bool:
        """Delete a folder; False when `until` (monotonic) came first, the next call goes on."""

    def room(self) -> Room | None:
        """None where the place does not tell."""

    def direct_url(self, name: str, seconds: int) -> str | None:
        """Where a browser gets the picture without us; None: only through us."""


def pictures() -> PictureStorage:
    return cast(PictureStorage, storages["snapshots"])
