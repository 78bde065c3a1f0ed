"""Many live streams out of one clip: an HTTP-FLV server with a GOP cache, in a process of its own.

    python bench/flv_farm.py CLIP [--dead 5] [--slow 2] [--no-gop-cache]

Any path under /live/ is a stream. So many per cent of them accept and never answer, or answer after SLOW_SECONDS; which
ones, `kind_of` tells. Prints its port, then serves until it is killed.
"""

import argparse
import asyncio
import sys
import time
import zlib
from pathlib import Path
from typing import Final, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.flv_clip import HEADER_BYTES, read_clip

_FRAMES_PER_SECOND: Final = 25
# Longer than anything but a camera in trouble takes, shorter than the platform waits.
SLOW_SECONDS: Final = 4.0

Kind = Literal["dead", "slow", "live"]


def kind_of(path: str, dead: float, slow: float) -> Kind:
    """`dead` and `slow` in per cent; the same for a path in every process."""
    share = zlib.crc32(path.encode()) % 10_000 / 100
    return "dead" if share < dead else "slow" if share < dead + slow else "live"


class Clip:
    """FLV header and decoder parameters, and the frames as tags; the clip repeats for ever."""

    def __init__(self, flv: bytes) -> None:
        config, frames = read_clip(flv)
        self.head = flv[:HEADER_BYTES] + config.tag
        self.frames = [frame.tag for frame in frames]
        self._key_frames = [number for number, frame in enumerate(frames) if frame.is_key]
        self._begun = time.monotonic()

    def now(self) -> int:
        return int((time.monotonic() - self._begun) * _FRAMES_PER_SECOND)

    def cached(self, now: int) -> bytes:
        """What a media server sends at once: everything since the last key frame."""
        index = now % len(self.frames)
        first = max(key for key in self._key_frames if key <= index)
        return self.head + b"".join(self.frames[first : index + 1])


class Farm:
    def __init__(self, clip: Clip, options: argparse.Namespace) -> None:
        self._clip = clip
        self._options = options

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode().partition("?")[0]
            kind = kind_of(path, self._options.dead, self._options.slow)
            if kind == "dead":
                await reader.read()
                return
            if kind == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            await self._send(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        clip, now = self._clip, self._clip.now()
        begin = clip.head if self._options.no_gop_cache else clip.cached(now)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n" + begin)
        while True:
            await writer.drain()
            await asyncio.sleep(0.04)
            until = clip.now()
            if writer.is_closing():
                return
            frames = (clip.frames[number % len(clip.frames)] for number in range(now + 1, until + 1))
            writer.write(b"".join(frames))
            now = until


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--dead", type=float, default=0)
    parser.add_argument("--slow", type=float, default=0)
    parser.add_argument("--no-gop-cache", action="store_true")
    options = parser.parse_args()
    farm = Farm(Clip(options.clip.read_bytes()), options)
    server = await asyncio.start_server(farm.serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
