"""The gateway's own record of every order to turn a camera (document 4.2 2.c): a file a month, a line an order."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

logger = logging.getLogger(__name__)

# The whole country keeps one time; the machine's own zone may be anything.
_CHINA = timezone(timedelta(hours=8))
_MONTHS_KEPT = 12


def china_now() -> datetime:
    return datetime.now(_CHINA)


class PtzLog:
    def __init__(self, folder: Path, now: Callable[[], datetime] = china_now) -> None:
        self._folder = folder
        self.now = now

    def write(self, order: Mapping[str, object]) -> None:
        """A full disk must not keep a camera turning: what cannot be written goes into the process's log."""
        now = self.now()
        line = json.dumps({"time": now.isoformat(timespec="milliseconds"), **order}, ensure_ascii=False)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"{now:%Y-%m}.jsonl"
            is_new = not path.exists()
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            if is_new:
                self._forget_old()
        except OSError as error:
            logger.error("ptz order not written down (%s): %s", error.strerror, line)

    def _forget_old(self) -> None:
        for path in sorted(self._folder.glob("????-??.jsonl"))[:-_MONTHS_KEPT]:
            path.unlink()
