"""What every benchmark shares: rows with their targets, the table, the JSON line, a workplace of its own."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.services import ensure

ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Row:
    """One measured figure; `ratio` is ours / rival where there is a rival."""

    name: str
    unit: str
    ours: float
    rival: float | None
    target: str
    holds: bool

    @property
    def ratio(self) -> float | None:
        return self.ours / self.rival if self.rival else None


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


def report(rows: Sequence[Row], *, as_json: bool) -> None:
    """The table for people, then for scripts one JSON object on the last line."""
    print(f"{'row':28} {'ours':>12} {'rival':>12} {'ratio':>8}  {'unit':10} {'target':24} holds")
    for row in rows:
        rival = "-" if row.rival is None else f"{row.rival:.2f}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
        print(
            f"{row.name:28} {row.ours:12.2f} {rival:>12} {ratio:>8}  {row.unit:10} {row.target:24} "
            f"{'yes' if row.holds else 'NO'}"
        )
    if as_json:
        keys = ("name", "unit", "ours", "rival", "ratio", "target", "holds")
        print(json.dumps({"rows": [{key: getattr(row, key) for key in keys} for row in rows]}))


@contextmanager
def workplace(**settings: str) -> Iterator[dict[str, str]]:
    """A migrated platform database in a folder of its own; yields the environment of its processes.

    Everything is gone afterwards. Durability is off: benchmarks measure our code, not the disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="highway-bench-"))
    services = ensure(folder / "services", durable=False)
    (folder / "data" / "static").mkdir(parents=True)
    environment = {
        **os.environ,
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "DATA_DIR": str(folder / "data"),
        "IS_DEMO": "1",
        "STATIC_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
        "DJANGO_SETTINGS_MODULE": "province.settings",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    try:
        manage(environment, "migrate", "--verbosity", "0")
        yield environment
    finally:
        services.stop()
        shutil.rmtree(folder, ignore_errors=True)


def manage(environment: dict[str, str], *arguments: str) -> str:
    """One management command; its standard output."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment,
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout.decode()
