"""A small run of the proof; `python -m tests.proof` is the long one."""

import os
import subprocess
import sys

import pytest

from tests.proof.world import ROOT

LONGEST_SECONDS = 600
SMALL = {
    "seed": 7,
    "operations": 250,
    "minutes": 0.6,
    "longer-minutes": 5,
    "cameras": 60,
    "share": 0.35,
    "least": 3,
    "door-seconds": 1,
    "chaos-seconds": 14,
    "settle-seconds": 90,
}


@pytest.mark.proof
def test_the_ministry_holds_what_we_hold_whatever_fails() -> None:
    options = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "tests.proof", *options],
            cwd=ROOT,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"not over:\n{(late.stdout or b'').decode()[-6000:]}") from None
    said = ended.stdout.decode()
    assert ended.returncode == 0, said[-6000:]
    assert "PROVEN" in said
    print(said)
