"""What real ZLMediaKit (2026) and SRS 7.0.18 servers sent and answered, as it was recorded."""

import json
from pathlib import Path
from typing import Any

from streaming.media.events import HookCall

_FOLDER = Path(__file__).parent / "recorded"


def calls(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """All callbacks of that kind of server in the order they came: name and body."""
    lines = (json.loads(line) for line in (_FOLDER / "hooks.jsonl").read_text().splitlines())
    named = ((line["path"].split("/"), line["body"]) for line in lines)
    return [(path[2], body) for path, body in named if path[1] == kind]


def body_of(kind: str, hook: str, nth: int = 0, /, **changes: Any) -> dict[str, Any]:
    """The nth recorded body of a callback, with changes."""
    found = [body for name, body in calls(kind) if name == hook]
    return {**found[nth], **changes}


def call_of(hook: str, body: object, given: str = "s") -> HookCall:
    """The same as it comes in, with the secret given in its address."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HookCall(hook, {"secret": given}, {}, raw)


def answer_of(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return answer
