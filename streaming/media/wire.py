"""JSON to and from media servers, believed as little as any other input."""

import json
from typing import Any

import urllib3

from protocol.connections import Deadline, connection_pool
from protocol.errors import RemoteError
from protocol.faults import fault_words
from streaming.media.events import HookError
from streaming.models import MediaServer

_TIMEOUT = urllib3.Timeout(connect=2, read=4)
# For a whole answer: less than the time between two reconciliations, so that they do not pile up.
_TOTAL_SECONDS = 4.0


def ask_server(
    server: MediaServer, method: str, path: str, *, headers: dict[str, str], body: bytes | None = None
) -> dict[str, Any]:
    """The JSON object that the server's own interface answers; `RemoteError` for anything else."""
    base = (server.api_url or server.http_url).rstrip("/")
    try:
        with Deadline(_TOTAL_SECONDS) as deadline:
            try:
                answer = connection_pool(base, server.ca_file).request(
                    method, base + path, body=body, headers=headers, timeout=_TIMEOUT, retries=False
                )
            finally:
                # Cut off, an answer without a length looks like a whole one.
                deadline.check()
        if answer.status != 200:
            raise RemoteError(f"媒体服务器 {server.name} 返回 {answer.status}")
        data = json.loads(answer.data)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise RemoteError(f"媒体服务器 {server.name}：{fault_words(error, '无应答')}") from error
    except (ValueError, RecursionError) as error:
        raise RemoteError(f"媒体服务器 {server.name} 的应答不是 JSON") from error
    if not isinstance(data, dict):
        raise RemoteError(f"媒体服务器 {server.name} 的应答不是 JSON 对象")
    return data


def rows_of(server: MediaServer, data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The list of objects of that name; absent means empty."""
    rows = data.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RemoteError(f"媒体服务器 {server.name} 的应答中 {name} 不是对象列表")
    return rows


def facts_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a callback; `HookError`."""
    try:
        facts = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HookError("回调应为 JSON 对象") from error
    if not isinstance(facts, dict):
        raise HookError("回调应为 JSON 对象")
    return facts


def text_of(facts: dict[str, Any], name: str) -> str:
    """A text that can be stored: PostgreSQL refuses NUL and lone surrogates."""
    return str(facts.get(name) or "").replace("\0", "").encode("utf-8", "replace").decode()


def number_of(facts: dict[str, Any], name: str) -> float:
    """A number that can be stored; 0 where there is none."""
    value = facts.get(name)
    return value if isinstance(value, int | float) and 0 <= value < 2**31 else 0


def whole_of(facts: dict[str, Any], name: str) -> int:
    return int(number_of(facts, name))


def part_of(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """The object below that name; empty where there is none."""
    value = facts.get(name)
    return value if isinstance(value, dict) else {}
