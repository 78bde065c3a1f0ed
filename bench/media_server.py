"""The embedded media server at its size: 200 low channels and 200 viewers.

    python bench/media_server.py [--json] [--channels 200] [--soak 60] [--nginx BINARY] [--nginx-rtmp MODULE]

The server is `manage.py media_server`, one process. Publishers (CIF, 25 fps, 150 kbit/s, a key frame every 2 s)
and viewers run in a process each, so that only the server's own processor time is counted. The rival takes the
same publishers in the same run: Debian's nginx with its RTMP module (package libnginx-mod-rtmp), left out where it
is not installed. Nobody is told by hooks here. `--soak 3600` watches the memory for an hour.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.harness import ROOT, Row, arguments, report
from bench.proc import cpu_seconds, status_mb
from gateway.ffmpeg import find_ffmpeg, transcode_arguments
from protocol.commands import VideoFormat
from protocol.play_urls import sign_path

STREAM: Final = VideoFormat(width=352, height=288, bitrate=150, iframe=50, framerate=25)
PLAY_KEY, PUBLISH_KEY = "bench-play-key", "bench-publish-key"
PHASE_SECONDS: Final = 25
SETTLE_SECONDS: Final = 5
MINUTE_SECONDS: Final = 60
STUCK_VIEWERS: Final = 20
# The kernel's buffers take half a minute to fill with a low stream, before the server can notice.
STUCK_SECONDS: Final = 40
CHURN_STAY_SECONDS: Final = 2.0

NGINX_CONF: Final = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr error; load_module {module};
events {{ worker_connections 1024; }}
rtmp {{ server {{ listen 127.0.0.1:{port}; ping 1h; access_log off; application live {{ live on; }} }} }}
"""


@dataclass
class Node:
    """A media server: the process that does the work, and where publishers and viewers go."""

    pid: int
    rtmp_port: int
    http_port: int = 0


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--soak", type=int, default=60, help="seconds of viewers coming and going")
    parser.add_argument("--nginx", default=shutil.which("nginx") or "")
    parser.add_argument("--nginx-rtmp", default="/usr/lib/nginx/modules/ngx_rtmp_module.so")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="highway-bench-") as name:
        folder = Path(name)
        clip = _clip(folder)
        rival = _rival(options, folder, clip)
        with _embedded(folder) as node, _publishers(clip, node, options.channels, PUBLISH_KEY):
            rows = _measure(node, options, rival)
    report(rows, as_json=options.json)


def _measure(node: Node, options: argparse.Namespace, rival: float | None) -> list[Row]:
    channels, begun = options.channels, time.monotonic()
    time.sleep(SETTLE_SECONDS)
    idle = _cpu_percent(node.pid, PHASE_SECONDS) / channels
    with _Viewers(node, channels, PHASE_SECONDS + 2 * SETTLE_SECONDS) as calm:
        time.sleep(SETTLE_SECONDS)
        watched = _cpu_percent(node.pid, PHASE_SECONDS) / channels
    time.sleep(max(begun + MINUTE_SECONDS - time.monotonic(), 0))
    memory = status_mb(node.pid, "VmRSS")
    with _Viewers(node, channels, STUCK_SECONDS) as crowded, _stuck_viewers(node):
        dropped = _until_dropped(node, channels)
        peak = status_mb(node.pid, "VmRSS") - memory
    with _Viewers(node, channels, options.soak, "--stay", str(CHURN_STAY_SECONDS)) as churn:
        pass
    growth = status_mb(node.pid, "VmRSS") - memory
    joins = churn.seen["joins"] / options.soak
    print(f"memory after a minute {memory:.1f} MB; viewers coming in the soak, a second: {joins:.0f}")
    gap, calm_gap = crowded.seen["gap_p99_ms"], calm.seen["gap_p99_ms"]
    worst = max(phase.seen["gap_worst_ms"] for phase in (calm, crowded, churn))
    first = churn.seen["first_p95_ms"]
    failed = sum(phase.seen["failed"] for phase in (calm, crowded, churn))
    return [
        Row("cpu_per_idle_channel", "% of core", idle, rival, "<= 0.1", idle <= 0.1),
        Row("cpu_per_watched_channel", "% of core", watched, None, "<= 0.3", watched <= 0.3),
        Row("soak_growth_mb", "MB", growth, None, "<= 5", growth <= 5),
        Row("stuck_growth_mb", "MB", peak, None, "<= 20", peak <= 20),
        Row("stuck_dropped_s", "s", dropped, None, "< 40", dropped < STUCK_SECONDS),
        Row("gap_p99_beside_stuck_ms", "ms", gap, calm_gap, "<= 1.25 x", gap <= 1.25 * calm_gap),
        Row("gap_worst_ms", "ms", worst, None, "<= 1000", worst <= 1000),
        Row("viewers_failed", "viewers", failed, None, "0", failed == 0),
        Row("first_picture_p95_ms", "ms", first, None, "<= 100", first <= 100),
    ]


def _clip(folder: Path) -> Path:
    path = folder / "clip.flv"
    source = ("-f", "lavfi", "-i", "mandelbrot=size=352x288:rate=25", "-t", "10")
    command = [find_ffmpeg(None), "-nostdin", "-v", "error", "-y", *source, *transcode_arguments(STREAM)]
    subprocess.run([*command, str(path)], check=True)
    return path


def _rival(options: argparse.Namespace, folder: Path, clip: Path) -> float | None:
    """Percent of a core that nginx takes for a channel nobody watches."""
    if not options.nginx or not Path(options.nginx_rtmp).exists():
        print("no nginx with its RTMP module: the rival is left out", file=sys.stderr)
        return None
    port, channels = _free_port(), int(options.channels)
    conf = folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=folder, module=options.nginx_rtmp, port=port))
    command = [options.nginx, "-p", str(folder), "-c", str(conf), "-e", "stderr"]
    with _process(command, port) as process:
        (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        with _publishers(clip, Node(int(worker), port), channels, ""):
            time.sleep(SETTLE_SECONDS)
            return _cpu_percent(int(worker), PHASE_SECONDS) / channels


@contextlib.contextmanager
def _embedded(folder: Path) -> Iterator[Node]:
    rtmp_port, http_port = _free_port(), _free_port()
    environment = {
        **os.environ,
        "DATA_DIR": str(folder),
        "IS_DEMO": "1",
        "LOG_LEVEL": "WARNING",
        "PLATFORM_INTERNAL_URL": "",
        "PLAY_URL_KEYS": PLAY_KEY,
        "MEDIA_PUBLISH_KEY": PUBLISH_KEY,
        "MEDIA_RTMP_PORT": str(rtmp_port),
        "MEDIA_HTTP_PORT": str(http_port),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "media_server"]
    with _process(command, rtmp_port, environment) as process:
        yield Node(process.pid, rtmp_port, http_port)


@contextlib.contextmanager
def _process(
    command: list[str], port: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start") from None
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def _publishers(clip: Path, node: Node, channels: int, key: str) -> Iterator[None]:
    script = str(ROOT / "bench" / "rtmp_farm.py")
    command = [sys.executable, script, str(clip), str(node.rtmp_port), str(channels), *filter(None, [key])]
    farm = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert farm.stdout is not None
        if farm.stdout.readline() != b"live\n":
            raise RuntimeError("the publishers were not taken")
        yield
        if farm.poll() is not None:
            raise RuntimeError("a publisher was closed")
    finally:
        farm.kill()
        farm.communicate()


class _Viewers(contextlib.AbstractContextManager["_Viewers"]):
    """Viewers in a process of their own; `seen` is known after the with block, which waits for them."""

    def __init__(self, node: Node, channels: int, seconds: float, *more: str) -> None:
        self.seen: dict[str, float] = {}
        words = (str(node.http_port), PLAY_KEY, str(channels), str(seconds), *more)
        self._command = [sys.executable, str(ROOT / "bench" / "flv_watch.py"), *words]

    def __enter__(self) -> "_Viewers":
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        out, _ignored = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("the viewers failed")
        self.seen = json.loads(out.splitlines()[-1])


@contextlib.contextmanager
def _stuck_viewers(node: Node) -> Iterator[None]:
    """Who ask for a stream and never read."""
    with contextlib.ExitStack() as stack:
        for number in range(STUCK_VIEWERS):
            target = f"/live/{number}.flv"
            auth_key = sign_path(target, PLAY_KEY, timestamp=int(time.time()) + 30)
            peer = stack.enter_context(socket.socket())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect(("127.0.0.1", node.http_port))
            peer.sendall(f"GET {target}?auth_key={auth_key} HTTP/1.0\r\n\r\n".encode())
        yield


def _until_dropped(node: Node, channels: int) -> float:
    """Seconds until the server counts no more than the viewers who read, at most STUCK_SECONDS."""
    begun = time.monotonic()
    while time.monotonic() - begun < STUCK_SECONDS - 1:
        time.sleep(0.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{node.http_port}/healthz") as answer:
            viewers = json.load(answer)["viewers"]
        # The others come in the first seconds.
        if time.monotonic() - begun > 2 * SETTLE_SECONDS and viewers <= channels:
            return time.monotonic() - begun
    return STUCK_SECONDS


def _cpu_percent(pid: int, seconds: float) -> float:
    begun, cpu = time.monotonic(), cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - cpu) / (time.monotonic() - begun) * 100


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
