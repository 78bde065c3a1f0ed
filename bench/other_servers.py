"""Other media servers to measure against, where the environment says that they are there.

TEST_ZLM_URL, TEST_SRS_URL: where they serve HTTP, e.g. http://192.0.2.1:8080. TEST_ZLM_RTMP_URL, TEST_SRS_RTMP_URL:
where they take RTMP, if it is not port 1935 of the same host. Both must let anyone publish and play.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.ffmpeg import find_ffmpeg, transcode_arguments
from protocol.commands import VideoFormat

STREAM: Final = VideoFormat(width=352, height=288, bitrate=150, iframe=50, framerate=25)
NAME: Final = "first-frame"
# Two key frames: whatever a server keeps of a stream is there.
_SETTLE_SECONDS: Final = 5


@dataclass(frozen=True)
class OtherServer:
    name: str
    http_url: str
    rtmp_url: str
    # Of HTTP-FLV below http_url.
    path: str

    @property
    def flv_url(self) -> str:
        return self.http_url + self.path


def given_servers() -> list[OtherServer]:
    found = []
    for name, path in (("zlm", f"/live/{NAME}.live.flv"), ("srs", f"/live/{NAME}.flv")):
        http_url = os.environ.get(f"TEST_{name.upper()}_URL", "").rstrip("/")
        if not http_url:
            print(f"TEST_{name.upper()}_URL is not given: {name} is left out")
            continue
        usual = f"rtmp://{urlsplit(http_url).hostname}:1935"
        rtmp_url = os.environ.get(f"TEST_{name.upper()}_RTMP_URL", usual).rstrip("/")
        found.append(OtherServer(name, http_url, rtmp_url, path))
    return found


@contextmanager
def standing_stream(server: OtherServer) -> Iterator[None]:
    """A low stream like the cameras' is pushed there."""
    ffmpeg = [find_ffmpeg(None), "-nostdin", "-v", "error"]
    with tempfile.TemporaryDirectory(prefix="highway-bench-") as folder:
        clip = Path(folder) / "clip.flv"
        source = ("-f", "lavfi", "-i", "testsrc2=size=352x288:rate=25", "-t", "20")
        subprocess.run([*ffmpeg, *source, *transcode_arguments(STREAM), str(clip)], check=True)
        target = f"{server.rtmp_url}/live/{NAME}"
        push = subprocess.Popen(
            [*ffmpeg, "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-f", "flv", target]
        )
        try:
            time.sleep(_SETTLE_SECONDS)
            if push.poll() is not None:
                raise RuntimeError(f"{server.name} did not take the stream at {server.rtmp_url}")
            yield
        finally:
            push.kill()
            push.wait()
