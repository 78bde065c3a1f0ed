"""What the supervised processes say: into one bounded file each, the important lines to the terminal too."""

import contextlib
import os
import re
from pathlib import Path

FILE_LIMIT_BYTES = 5 * 1024 * 1024
_LINE_LIMIT_BYTES = 16 * 1024
_TAIL_LINES = 20
_IMPORTANT = re.compile(rb"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b")
# Valkey asks for a kernel setting that only its copies on disk need; PostgreSQL was asked too early.
_UNIMPORTANT = re.compile(
    rb"Memory overcommit must be enabled|the database system is starting up"
    # Celery's own words at start and stop.
    rb"|logfile -> |Requeuing undeliverable message"
    # The gateway is up before the platform answers, and tries again.
    rb"|(token exchange|camera report) failed: .*Connection refused"
)
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 95)


class Console:
    """Writes whole lines to a descriptor that may be full or gone: then they are dropped, never waited for."""

    def __init__(self, descriptor: int, *, is_coloured: bool, is_verbose: bool) -> None:
        os.set_blocking(descriptor, False)
        self.is_verbose = is_verbose
        self._descriptor = descriptor
        self._is_coloured = is_coloured
        self._colours: dict[str, int] = {}

    def say(self, text: str) -> None:
        self._write(text.encode() + b"\n")

    def say_for(self, name: str, line: bytes) -> None:
        prefix = f"{name:<9}| "
        if self._is_coloured:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._write(prefix.encode() + line + b"\n")

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line)


class ProcessLog:
    """`<folder>/<name>.log`, at most twice FILE_LIMIT_BYTES with its predecessor `.log.1`."""

    def __init__(self, name: str, folder: Path, console: Console) -> None:
        self.path = folder / f"{name}.log"
        self.tail: list[bytes] = []
        self._name = name
        self._console = console
        self._rest = b""
        self._file = self.path.open("ab", buffering=0)

    def feed(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end the platform
            if self._file.tell() > FILE_LIMIT_BYTES:
                self._rotate()
            self._file.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_LIMIT_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if self._console.is_verbose or _is_important(line):
                self._console.say_for(self._name, line)
        self.tail = [*self.tail, *lines][-_TAIL_LINES:]

    def _rotate(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_suffix(".log.1"))
        self._file = self.path.open("ab", buffering=0)

    def show_tail(self) -> None:
        for line in [*self.tail, self._rest]:
            if line:
                self._console.say_for(self._name, line)

    def close(self) -> None:
        self._file.close()


def _is_important(line: bytes) -> bool:
    return bool(_IMPORTANT.search(line)) and not _UNIMPORTANT.search(line)
