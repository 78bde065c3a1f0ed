import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.demo_stack import Demo, DemoProcess


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all end-to-end tests, gone when they are over; TEST_DEMO_DATA names the folder of one that runs already."""
    running = os.environ.get("TEST_DEMO_DATA")
    if running:
        yield Demo(json.loads((Path(running) / "demo.json").read_text()), Path(running))
        return
    folder: Path = tmp_path_factory.mktemp("demo")
    process = DemoProcess(folder / "data")
    try:
        yield process.wait_until_ready()
    finally:
        process.stop()
