"""The example of docs/interface.md, run as an integrator runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.demo_stack import ROOT, Demo

pytestmark = pytest.mark.e2e


def test_the_example_plays_looks_back_and_turns(demo: Demo, tmp_path: Path) -> None:
    # A partner of its own: the one of demo.json has its token exchanged by other tests.
    user = f"example-{os.getpid()}"
    issued = json.loads(
        manage(demo, "create_partner", "--kind", "ministry", "--code", f"EX-{os.getpid()}", "--user", user)
    )
    first = demo.cameras()[0]
    assert first["ptz"]
    manage(demo, "open_ptz", "--partner-user", user, "--cameras", first["camera_num"])
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({**demo.facts, "ministry": issued}))
    done = subprocess.run(
        [
            *(sys.executable, "docs/examples/upper_platform.py", str(facts)),
            *("--token-file", str(tmp_path / "token"), "--camera", first["camera_num"]),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "路摄像机" in done.stdout
    assert first["name"] in done.stdout
    assert "HTTP 200，收到视频头 b'FLV" in done.stdout
    assert "最新截图：" in done.stdout
    assert "云台右转：code 200，云台向右转动成功" in done.stdout


def manage(demo: Demo, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **demo.environment()},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout
