"""The document's samples as bytes and as JSON."""

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "fixtures"


def sample_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def sample(name: str) -> Any:
    return json.loads(sample_bytes(name))
