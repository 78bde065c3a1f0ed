"""A road section for the gateway benchmark: cameras, media servers, a gateway, each a process of its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, Literal

from bench.harness import ROOT
from bench.media_sink import PUBLISH_KEY
from gateway.ffmpeg import find_ffmpeg
from protocol.client import call_with_token
from protocol.play_urls import sign_path
from protocol.sm2 import generate_key_pair

SYSTEM_PYTHON: Final = "/usr/bin/python3"
_DEBIAN_PACKAGES: Final = (
    "python3-gst-1.0",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
)
_TOKEN: Final = "bench-token-of-the-platform"
LOW: Final = {"width": 352.0, "height": 288.0, "bitrate": 200, "iframe": 50, "framerate": 25}


def need_gstreamer() -> None:
    """Installs Debian's gst-rtsp-server where that is possible, else says what is missing."""
    script = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if subprocess.run([SYSTEM_PYTHON, "-c", script], stderr=subprocess.DEVNULL).returncode == 0:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *_DEBIAN_PACKAGES]
        if subprocess.run(command, env=environment, stdout=sys.stderr).returncode == 0:
            return
    raise SystemExit(f"a real RTSP server is needed: apt-get install {' '.join(_DEBIAN_PACKAGES)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


def make_clip(path: Path) -> Path:
    """Ten seconds as a camera's low stream has it: CIF, 25 fps, 200 kbit/s, a key frame a second."""
    arguments = [
        *(find_ffmpeg(None), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25:d=10"),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "0", "-pix_fmt", "yuv420p"),
        *("-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-b:v", "200k", "-maxrate", "220k"),
        *("-bufsize", "200k", "-x264-params", "aud=1:repeat-headers=1", "-f", "h264", str(path)),
    ]
    subprocess.run(arguments, check=True)
    return path


class Program:
    """A process that ends with the benchmark."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._arguments = list(arguments)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class CameraHost(Program):
    """One RTSP server process; whoever connects is given the pictures of a camera."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.port = free_port()
        script = str(ROOT / "bench" / "rtsp_cameras.py")
        arguments = [SYSTEM_PYTHON, script, str(clip), str(self.port)]
        super().__init__(arguments, folder / "cameras.log")
        self.start()

    def start(self) -> None:
        super().start()
        wait_for_port(self.port)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/main"


class MediaSink(Program):
    """One media server."""

    def __init__(self, folder: Path, platform_url: str) -> None:
        self.rtmp_port, self.http_port = free_port(), free_port()
        arguments = [sys.executable, str(ROOT / "bench" / "media_sink.py")]
        arguments += [str(self.rtmp_port), str(self.http_port), platform_url]
        super().__init__(arguments, folder / "media.log")
        self.start()

    def start(self) -> None:
        super().start()
        wait_for_port(self.rtmp_port)
        wait_for_port(self.http_port)


@contextlib.contextmanager
def patient_platform() -> Iterator[str]:
    """Tells media servers to wait for every stream; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            body = b'{"code": 200, "wait": true}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A media server that is killed resets its connections."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def publish_query(name: str) -> str:
    key = sign_path(f"/live/{name}", PUBLISH_KEY, timestamp=int(time.time()) + 3600)
    return f"auth_key={key}"


def camera_num(index: int) -> str:
    return f"3f2b8c1e-6a57-4d0e-9b1a-{index:012x}"


class GatewayProgram(Program):
    """`python -m gateway`, given orders as a platform gives them. Its platform is away."""

    def __init__(self, folder: Path, urls: Sequence[str]) -> None:
        self.port = free_port()
        path = folder / "gateway.json"
        path.write_text(json.dumps(self._config(urls), ensure_ascii=False))
        super().__init__([sys.executable, "-m", "gateway", str(path)], folder / "gateway.log")
        self.start()
        wait_for_port(self.port)

    def _config(self, urls: Sequence[str]) -> dict[str, object]:
        return {
            "listen": {"host": "127.0.0.1", "port": self.port},
            "platform": {
                "base_url": "http://127.0.0.1:9",
                "user": "bench",
                "device_code": "Z2F0ZXdheS0wMQ==",
                "private_key": generate_key_pair().private_key,
                "token": _TOKEN,
            },
            "state_file": "state.json",
            "allowed_push_targets": ["127.0.0.1/32"],
            "cameras": [_camera(index, url) for index, url in enumerate(urls)],
        }

    def begin(self, index: int, rtmp_port: int, name: str) -> None:
        push = {
            "serverIp": "127.0.0.1",
            "serverPort": rtmp_port,
            "pubName": f"/live/{name}",
            "authInfo": publish_query(name),
            "video": LOW,
        }
        self._call("VideoTransBegin", index, "POST", {"command": push})

    def finish(self, index: int) -> None:
        self._call("VideoTransFinish", index, "GET", None)

    def _call(
        self, verb: str, index: int, method: Literal["GET", "POST"], body: Mapping[str, object] | None
    ) -> None:
        params = {"cameraNum": camera_num(index), "videoType": "0"}
        answer = call_with_token(
            f"http://127.0.0.1:{self.port}", verb, token=_TOKEN, method=method, params=params, body=body
        )
        if not answer.ok:
            print(f"{verb} of channel {index}: {answer.code} {answer.msg}", file=sys.stderr)


def _camera(index: int, url: str) -> dict[str, object]:
    return {
        "department": "江苏宁沪高速公路股份有限公司",
        "roadSec": "宁镇管理处",
        "road": "G25",
        "area": "320117",
        "cameraNum": camera_num(index),
        "cameraName": f"G25 长深高速 溧水段 K{1100 + index}+000",
        "longAndLati": "118.7741/32.2470",
        "pileNum": f"K{1100 + index}+000",
        "classify": 1,
        "cameraOrientation": 0,
        "cameraType": 1,
        "source": {"adapter": "rtsp", "url": url, "mode": "copy"},
    }
