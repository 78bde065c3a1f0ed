"""Many live streams out of one clip: an HTTP-FLV server with a GOP cache, in a process of its own.

    python bench/flv_farm.py CLIP

Any path under /live/ is a stream. Prints its port, then serves until it is killed.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.flv_clip import HEADER_BYTES, read_clip

_FRAMES_PER_SECOND: Final = 25


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


async def serve(clip: Clip, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        now = clip.now()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n" + clip.cached(now)
        )
        while True:
            await writer.drain()
            await asyncio.sleep(0.04)
            until = clip.now()
            if writer.is_closing():
                return
            writer.write(
                b"".join(clip.frames[number % len(clip.frames)] for number in range(now + 1, until + 1))
            )
            now = until
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    clip = Clip(Path(sys.argv[1]).read_bytes())
    server = await asyncio.start_server(
        lambda reader, writer: serve(clip, reader, writer), "127.0.0.1", 0, backlog=512
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
