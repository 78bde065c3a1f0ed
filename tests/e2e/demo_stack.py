"""The whole demo stack as a child process, on free ports, in a folder of its own."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
READY_SECONDS: Final = 240
GONE_SECONDS: Final = 15
_OF_THE_TESTS: Final = ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "STATIC_STORAGE", "DJANGO_SETTINGS_MODULE")


@dataclass(frozen=True)
class Demo:
    """A running demo: what demo.json says, and where its files are."""

    facts: dict[str, Any]
    data: Path

    @property
    def base_url(self) -> str:
        return str(self.facts["base_url"])

    def cameras(self, *, ptz: bool | None = None) -> list[dict[str, Any]]:
        return [row for row in self.facts["cameras"] if ptz is None or row["ptz"] is ptz]

    def environment(self) -> dict[str, str]:
        """The environment in which manage.py talks to this platform."""
        shell = subprocess.run(
            ["bash", "-c", 'set -a; . "$1"; env -0', "bash", str(self.data / "env")],
            capture_output=True,
            check=True,
            env=_clean_environment(),
        )
        pairs = (entry.partition("=") for entry in shell.stdout.decode().split("\0") if entry)
        return {name: value for name, _, value in pairs}


class DemoProcess:
    """`bash deploy/demo.sh`, from start to READY to the end of its last process."""

    def __init__(self, data: Path, *, cameras: int = 9, is_tls: bool = False) -> None:
        self.data = data
        self._log = (data.parent / f"{data.name}.log").open("wb")
        self._process = subprocess.Popen(
            [
                *("bash", str(ROOT / "deploy" / "demo.sh"), "--port", str(free_port())),
                *("--data", str(data), "--cameras", str(cameras)),
                *(["--tls"] if is_tls else []),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=_clean_environment(),
            start_new_session=True,
        )

    def wait_until_ready(self) -> Demo:
        deadline = time.monotonic() + READY_SECONDS
        while "\nREADY " not in "\n" + self.output():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the demo did not become ready:\n{self.output()[-4000:]}")
            time.sleep(0.2)
        return Demo(json.loads((self.data / "demo.json").read_text()), self.data)

    def output(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(GONE_SECONDS)
        finally:
            if self._process.poll() is None:
                self._process.kill()
            self._log.close()


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_THE_TESTS}
