"""Many HTTP-FLV viewers in a process of its own, which note when each picture has arrived.

    python bench/flv_watch.py HTTP_PORT PLAY_KEY CHANNELS SECONDS [--viewers N] [--stay SECONDS]

Viewer n watches live/(n modulo CHANNELS). With --stay each leaves after about that time, half of them without a
word, and another comes in its place. Prints one JSON object last: who came, who was closed or saw nothing,
pictures, the gaps between arrivals and the time from connecting to the first whole key frame.
"""

import argparse
import asyncio
import json
import random
import socket
import struct
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final, cast

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.flv_clip import HEADER_BYTES
from protocol.play_urls import sign_path

_TAG_HEAD_BYTES: Final = 11
_TRAILER_BYTES: Final = 4
_VIDEO: Final = 9
_VANISH: Final = struct.pack("ii", 1, 0)
# Viewers who all came in the same instant would measure the crowd, not the server.
_ARRIVAL_SECONDS: Final = 4.0
_SHORTEST_SECONDS: Final = 1.0


class Viewer(asyncio.Protocol):
    """Speaks HTTP/1.0: an endless body without chunks is the cheapest to follow."""

    def __init__(self, channel: int, key: str) -> None:
        self.gaps: list[float] = []
        self.pictures = 0
        self.first_seconds: float | None = None
        self.transport: asyncio.Transport | None = None
        self.is_closed = self.is_failed = False
        self._target = f"/live/{channel}.flv"
        self._key = key
        self._head: bytes | None = b""
        self._rest = b""
        self._left = 0
        self._is_video = False
        self._begun = self._newest = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._begun = time.monotonic()
        auth_key = sign_path(self._target, self._key, timestamp=int(time.time()) + 30)
        self.transport.write(f"GET {self._target}?auth_key={auth_key} HTTP/1.0\r\n\r\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            head, blank, body = self._head.partition(b"\r\n\r\n")
            if not blank or len(body) < HEADER_BYTES:
                return
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(f"{self._target}: {head!r}")
            self._head, data = None, body[HEADER_BYTES:]
        before = self.pictures
        self._count(data)
        if self.pictures > before:
            self._note(time.monotonic())

    def _count(self, data: bytes) -> None:
        at, size = 0, len(data)
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
                self.pictures += self._is_video and not self._left
                continue
            head = self._rest + data[at : at + _TAG_HEAD_BYTES - len(self._rest)]
            at += len(head) - len(self._rest)
            if len(head) < _TAG_HEAD_BYTES:
                self._rest = head
                return
            self._rest = b""
            self._is_video = head[0] == _VIDEO
            self._left = int.from_bytes(head[1:4], "big") + _TRAILER_BYTES

    def _note(self, now: float) -> None:
        # The decoder configuration is the first video tag.
        if self.first_seconds is not None:
            self.gaps.append(now - self._newest)
        elif self.pictures > 1:
            self.first_seconds = now - self._begun
        self._newest = now

    def leave(self, *, is_silent: bool) -> None:
        if self.transport is None or self.is_closed:
            return
        if is_silent:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _VANISH)
        self.transport.close()


def _same(viewer: Viewer) -> Viewer:
    return viewer


async def _watch(options: argparse.Namespace, number: int, until: float, seen: list[Viewer]) -> None:
    loop = asyncio.get_running_loop()
    dice = random.Random(number)
    await asyncio.sleep(dice.random() * min(_ARRIVAL_SECONDS, options.seconds / 4))
    while until - loop.time() > _SHORTEST_SECONDS:
        viewer = Viewer(number % options.channels, options.key)
        seen.append(viewer)
        await loop.create_connection(partial(_same, viewer), "127.0.0.1", options.port)
        stay = options.stay * (0.5 + dice.random()) if options.stay else until
        await asyncio.sleep(min(stay, until - loop.time()))
        viewer.is_failed = viewer.is_closed or viewer.first_seconds is None
        viewer.leave(is_silent=dice.random() < 0.5)


async def _run(options: argparse.Namespace) -> list[Viewer]:
    seen: list[Viewer] = []
    until = asyncio.get_running_loop().time() + options.seconds
    async with asyncio.TaskGroup() as group:
        for number in range(options.viewers or options.channels):
            group.create_task(_watch(options, number, until, seen))
    return seen


def _summary(viewers: list[Viewer]) -> dict[str, float]:
    gaps = sorted(gap for viewer in viewers for gap in viewer.gaps)
    first = sorted(viewer.first_seconds for viewer in viewers if viewer.first_seconds is not None)
    return {
        "joins": len(viewers),
        "failed": sum(viewer.is_failed for viewer in viewers),
        "pictures": sum(viewer.pictures for viewer in viewers),
        "gap_p50_ms": gaps[len(gaps) // 2] * 1000,
        "gap_p99_ms": gaps[int(len(gaps) * 0.99)] * 1000,
        "gap_worst_ms": gaps[-1] * 1000,
        "first_p95_ms": first[int(len(first) * 0.95)] * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("key")
    parser.add_argument("channels", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--viewers", type=int, default=0, help="one for each channel if not given")
    parser.add_argument("--stay", type=float, default=0.0, help="seconds each viewer stays on average")
    print(json.dumps(_summary(uvloop.run(_run(parser.parse_args())))))


if __name__ == "__main__":
    main()
