"""Pictures as files below SNAPSHOT_ROOT.

A picture is written beside its place and moved there, so that a reader never meets half of one. It is not forced to
disk unless SNAPSHOT_FSYNC says so: after a power cut the newest pictures may be cut short, and
`snapshots.capture.store.open_whole` does not give those out.
"""

import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage

from snapshots.storage.contract import Room


class FolderStorage(Storage):
    writes_at_once = 0

    @property
    def root(self) -> Path:
        root: Path = settings.SNAPSHOT_ROOT
        return root

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)  # noqa: PTH118 - of every picture; Path costs ten times as much

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Straight away: what Django checks of names from outside costs a twentieth of a picture, and ours are numbers."""
        return self._save(name or "", content)

    def _save(self, name: str, content: File[bytes]) -> str:
        path, data = self.path(name), content.read()
        unfinished = f"{path}.{os.getpid()}-{threading.get_ident()}"
        try:
            try:
                _write(unfinished, data)
            except FileNotFoundError:
                self._make_folder(Path(path).parent)
                _write(unfinished, data)
            Path(unfinished).replace(path)
            if settings.SNAPSHOT_FSYNC:
                _sync_folder(Path(path).parent)
        except OSError:
            with suppress(OSError):
                Path(unfinished).unlink()
            raise
        return name

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if settings.SNAPSHOT_FSYNC:
            # Each new one is known to the one above it.
            for above in folder.relative_to(self.root).parents:
                _sync_folder(self.root / above)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        return File(Path(self.path(name)).open("rb"))

    def exists(self, name: str) -> bool:
        return Path(self.path(name)).exists()

    def size(self, name: str) -> int:
        return Path(self.path(name)).stat().st_size

    def delete(self, name: str) -> None:
        Path(self.path(name)).unlink(missing_ok=True)

    def copy(self, name: str, target: str) -> None:
        path = Path(self.path(target))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            # Nothing is written and no space is used.
            path.hardlink_to(self.path(name))
        except FileNotFoundError:
            raise
        except OSError:
            # Some network file systems have no such links.
            with self.open(name) as file:
                self.save(target, file)

    def folders(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir())

    def drop(self, folder: str, *, until: float) -> bool:
        # A day has millions of pictures: part by part, so that the time can be kept.
        for part in _folders_in(self.root / folder):
            if time.monotonic() >= until:
                return False
            _remove(part)
        _remove(self.root / folder)
        return True

    def room(self) -> Room | None:
        place = self.root
        while not place.exists() and place != place.parent:
            place = place.parent
        found = os.statvfs(place)
        # What only root may still write is of no use to us.
        used, free = (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bavail * found.f_frsize
        files = found.f_files - found.f_ffree + found.f_favail
        files_percent = 100 * (found.f_files - found.f_ffree) / files if found.f_files and files else 0.0
        return Room(used, used + free, files_percent)

    def direct_url(self, name: str, seconds: int) -> str | None:
        return None


def _write(path: str, data: bytes) -> None:
    # Three system calls: Path.open with its buffer and encoding takes twice as long.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        if os.write(file, data) != len(data):
            raise OSError("the picture could not be written whole")
        if settings.SNAPSHOT_FSYNC:
            os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    """The name of a file is no part of the file: without this a picture on disk may be one without a name."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []


def _remove(folder: Path) -> None:
    # Somebody else may be deleting it as well: then it is looked at again.
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
