"""What docs/alarms.md prints for receivers is what we send."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from access.choices import AlarmEvent, Severity
from access.models import AlarmTarget
from access.transports.base import Entry, Message
from access.transports.webhook import content_of, headers_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alarms.md").read_text()


def value_of(name: str) -> str:
    return str(re.findall(rf"^\| `?{name}`? \| `([^`]+)` \|$", PAGE, re.MULTILINE)[0])


@pytest.fixture
def example() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0])
    return found


def test_the_signature_that_is_printed_is_taken_by_the_code_that_is_printed(example: dict[str, Any]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  our own page
    stamp = value_of("X-Alarm-Timestamp")
    names["time"] = type("Clock", (), {"time": staticmethod(lambda: float(stamp))})
    headers = {"X-Alarm-Timestamp": stamp, "X-Alarm-Signature": value_of("X-Alarm-Signature")}
    body = orjson.dumps(example)
    assert names["is_genuine"](value_of("密钥"), headers, body)
    assert not names["is_genuine"](value_of("密钥"), headers, body + b" ")
    assert not names["is_genuine"]("another", headers, body)


def test_the_body_that_is_printed_is_of_our_making(example: dict[str, Any]) -> None:
    (told,) = example["alarms"]
    entry = Entry(
        delivery_id=told["delivery"],
        event=AlarmEvent(told["event"]),
        alarm_id=told["alarm"],
        key=told["key"],
        severity=Severity(told["severity"]),
        title=told["title"],
        message=told["message"],
        organisation=told["organisation"],
        began_at=datetime.fromisoformat(told["beganAt"]),
        opened_at=datetime.fromisoformat(told["openedAt"]),
        closed_at=None,
        url=told["url"],
    )
    message = Message(example["platform"], datetime.fromisoformat(example["sentAt"]), [entry])
    body = orjson.dumps(content_of(message))
    assert body == orjson.dumps(example)
    signed = headers_of(AlarmTarget(secret=value_of("密钥")), message, body)
    assert signed["X-Alarm-Timestamp"] == value_of("X-Alarm-Timestamp")
    assert signed["X-Alarm-Signature"] == value_of("X-Alarm-Signature")
