"""`python -m tests.proof --seed 1 --operations 5000 --minutes 20`: the long run; exit code 0 when all of it holds."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import django

from tests.proof.world import World


def parse() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="proof", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--operations", type=int, default=5000, help="at least")
    options.add_argument("--minutes", type=float, default=20, help="over which they are spread")
    options.add_argument("--cameras", type=int, default=240, help="numbers in use, at most")
    options.add_argument("--share", type=float, default=0.2, help="of the requests that fail")
    options.add_argument("--least", type=int, default=20, help="times each kind of fault has to happen")
    options.add_argument(
        "--longer-minutes", type=float, default=10, help="added at most, for the sake of that"
    )
    options.add_argument("--door-seconds", type=float, default=2, help="shut, or with a wrong certificate")
    options.add_argument("--chaos-seconds", type=float, default=25, help="between two kills or restarts")
    options.add_argument("--settle-seconds", type=float, default=600, help="until all is told, at most")
    options.add_argument("--keep", type=Path, help="folder for logs and data, which then stay")
    return options.parse_args()


def main() -> int:
    options = parse()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="highway-proof-"))
    folder.mkdir(parents=True, exist_ok=True)
    world = World(folder)
    os.environ.update(world.environment())
    django.setup()
    # Its judge reads our ledger by the models, which want the line above.
    from tests.proof.run import run

    try:
        return run(options, world)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
