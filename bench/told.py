"""How soon the platform knows that a low stream went or came: from the media server's word to the ledger.

The document's statuses, the screen and the orders to gateways all follow `has_stream` of the ledger; the
contract of media servers allows two seconds. A stream is ended at the media server, its gateway pushes anew by itself.
"""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Final

import psycopg

from bench.harness import Row
from tests.e2e.demo_stack import Demo

MOST_MS: Final = 2000
_LOOK_SECONDS: Final = 0.01
_LONGEST_SECONDS: Final = 30.0
# A gateway that is sent away again and again waits longer.
_REST_SECONDS: Final = 2.0


def told_rows(demo: Demo, cameras: int = 6) -> list[Row]:
    environment = demo.environment()
    media = _Media(environment["MEDIA_HTTP_PORT"], environment["MEDIA_SECRET"])
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as ledger:
        told = [_told_ms(media, ledger, str(row["camera_num"])) for row in demo.cameras()[:cameras]]
    rows = []
    for name, times in zip(("offline_told_ms", "online_told_ms"), zip(*told, strict=True), strict=True):
        print(f"{name}: {[round(ms) for ms in times]}")
        rows.append(Row(name, "ms (worst)", max(times), None, f"<= {MOST_MS}", max(times) <= MOST_MS))
    return rows


def _told_ms(
    media: "_Media", ledger: psycopg.Connection[tuple[Any, ...]], number: str
) -> tuple[float, float]:
    """Of one camera: that its stream went, and that it came again."""
    key = number.lower()
    stream = f"{key}_0"

    def is_known() -> bool:
        rows = ledger.execute(
            "SELECT 1 FROM cameras_camera WHERE number_key = %s AND deleted_at IS NULL AND has_stream", [key]
        )
        return rows.fetchone() is not None

    _wait(is_known)
    media.end(stream)
    offline = _wait(lambda: not is_known())
    _wait(lambda: media.has(stream))
    online = _wait(is_known)
    time.sleep(_REST_SECONDS)
    return offline * 1000, online * 1000


class _Media:
    """The embedded media server's API."""

    def __init__(self, port: str, secret: str) -> None:
        self._url, self._headers = f"http://127.0.0.1:{port}", {"X-Media-Secret": secret}

    def end(self, stream: str) -> None:
        body = json.dumps({"app": "live", "stream": stream}).encode()
        assert self._ask("/api/kick", body)["kicked"], stream

    def has(self, stream: str) -> bool:
        return bool(self._ask(f"/api/streams?app=live&stream={stream}")["streams"])

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, body, self._headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            facts: dict[str, Any] = json.load(answer)
            return facts


def _wait(is_so: Callable[[], bool]) -> float:
    """Seconds until it is so."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > _LONGEST_SECONDS:
            raise TimeoutError("the platform or the gateway did nothing")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - begun
