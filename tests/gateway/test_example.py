"""The configuration that the manual shows."""

import json
import re
import urllib.request
from pathlib import Path

from tests.gateway.roadside import gateway_in_thread

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"


def test_the_example_of_the_manual_starts(folder: Path) -> None:
    block = re.search(r"```json\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    assert block is not None
    example = json.loads(block[1])
    assert {camera["source"]["adapter"] for camera in example["cameras"]} == {"rtsp", "file", "simulated"}
    # Neither a port nor an address of somebody else's network.
    example["listen"] = {"host": "127.0.0.1", "port": 0}
    example["platform"]["base_url"] = "http://127.0.0.1:9"
    example["cameras"][0]["source"]["url"] = "rtsp://admin:password@127.0.0.1:9/stream2"
    example["cameras"][0]["source"]["high_url"] = "rtsp://admin:password@127.0.0.1:9/stream1"
    path = folder / "gateway.json"
    path.write_text(json.dumps(example))
    with (
        gateway_in_thread(path) as gateway,
        urllib.request.urlopen(f"{gateway.base_url}/healthz", timeout=10) as response,  # noqa: S310
    ):
        assert json.loads(response.read())["cameras"] == len(example["cameras"])
