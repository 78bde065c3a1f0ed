"""The cast of the gateway's tests: its cameras, its platform, and a media server that takes what it pushes."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from gateway.app import Gateway
from gateway.config import load_config
from gateway.ffmpeg import find_ffmpeg
from protocol.client import call_with_token
from protocol.envelope import Answer
from protocol.sm2 import generate_key_pair, verify
from protocol.tokens import sign_text
from tests.ports import free_port
from tests.protocol.peer import Peer, Reply, Request, reply

T = TypeVar("T")

# A dome camera that turns, a fixed one that does not, and a clip that is not there.
DOME = "3f2b8c1e-6a57-4d0e-9b1a-0c5d7e9f1a01"
FIXED = "3f2b8c1e-6a57-4d0e-9b1a-0c5d7e9f1a02"
BROKEN = "3f2b8c1e-6a57-4d0e-9b1a-0c5d7e9f1a03"
STRANGER = "3f2b8c1e-6a57-4d0e-9b1a-0c5d7e9f1aff"
COMPANY = "江苏宁沪高速股份有限公司"

USER, DEVICE_CODE = "gateway-01", "Z2F0ZXdheS0wMQ=="
FIRST_TOKEN = "handed-over-offline"
KEYS = generate_key_pair()

LOW = {"width": 352.0, "height": 288.0, "bitrate": 200, "iframe": 50, "framerate": 25}
FRAME_BYTES = 352 * 288


def camera(num: str, source: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "department": COMPANY,
        "cameraNum": num,
        "cameraName": "G25 长深高速 江苏南京溧水段 K1100+300",
        "longAndLati": "118.7741/32.247",
        "road": "G25",
        "classify": 1,
        "cameraOrientation": 0,
        "pileNum": "K1100+300",
        "area": "320100",
        "roadSec": "宁镇管理处",
        "cameraType": 1,
        "poiName": "溧水服务区",
        "source": source,
        **fields,
    }


def config(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "listen": {"host": "127.0.0.1", "port": 0},
        "platform": {
            "base_url": "http://127.0.0.1:9",
            "user": USER,
            "device_code": DEVICE_CODE,
            "private_key": KEYS.private_key,
            "token": FIRST_TOKEN,
            "ca_file": None,
        },
        "state_file": "state.json",
        "allowed_push_targets": ["127.0.0.1/32"],
        "ffmpeg": None,
        "cameras": [
            camera(DOME, {"adapter": "simulated", "seed": 3, "light": "day"}, cameraType=2),
            camera(FIXED, {"adapter": "simulated", "seed": 3, "light": "day"}),
            camera(BROKEN, {"adapter": "file", "path": "gone.mp4"}),
        ],
        **changes,
    }


def write_config(folder: Path, **changes: Any) -> Path:
    path = folder / "gateway.json"
    path.write_text(json.dumps(config(folder, **changes), ensure_ascii=False))
    return path


def command(port: int, name: str = "/live/dome", **changes: Any) -> dict[str, Any]:
    push = {"serverIp": "127.0.0.1", "serverPort": port, "pubName": name, "authInfo": "", "video": LOW}
    return {"command": {**push, **changes}}


def until(found: Callable[[], T | None], seconds: float = 60.0, what: str = "") -> T:
    """The first true value, or an AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what or found}")


class Roadside:
    """A gateway under test, called the way a platform calls it."""

    def __init__(self, port: int, ca_file: str | None = None) -> None:
        self.base_url = f"{'https' if ca_file else 'http'}://127.0.0.1:{port}"
        self._ca_file = ca_file

    def call(self, verb: str, *, token: str = FIRST_TOKEN, style: Any = "verbs", **options: Any) -> Answer:
        method = options.pop("method", "POST" if verb == "VideoTransBegin" else "GET")
        body = options.pop("body", None)
        return call_with_token(
            self.base_url,
            verb,
            token=token,
            method=method,
            params=options,
            body=body,
            style=style,
            ca_file=self._ca_file,
        )

    def begin(self, num: str, body: dict[str, Any], video_type: int = 0) -> Answer:
        return self.call("VideoTransBegin", cameraNum=num, videoType=video_type, body=body)

    def refresh(self, token: str = FIRST_TOKEN) -> Answer:
        """The order to look for another configuration."""
        return self.call("gateway.RefreshConfiguration", token=token, method="POST")

    @property
    def pushing(self) -> int:
        with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=10) as response:  # noqa: S310
            return int(json.loads(response.read())["pushing"])

    def finish(self, num: str, video_type: int = 0) -> Answer:
        return self.call("VideoTransFinish", cameraNum=num, videoType=video_type)


@contextmanager
def gateway_in_thread(path: Path, ca_file: str | None = None, **options: Any) -> Iterator[Roadside]:
    """Quick to start and to question. Its ffmpegs die with the thread."""
    started: threading.Event = threading.Event()
    ports: list[int] = []
    ends: list[Callable[[], object]] = []

    async def serve() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(stopped.set))
        async with Gateway(load_config(path), **options) as gateway:
            ports.append(gateway.port)
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(60)
        yield Roadside(ports[0], ca_file)
    finally:
        ends[0]()
        thread.join(60)
        assert not thread.is_alive()


class GatewayProcess(Roadside):
    """`python -m gateway` as the supervisor starts it."""

    def __init__(self, path: Path, port: int) -> None:
        super().__init__(port)
        self.log = path.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "gateway", str(path)], stderr=log)

    def children(self) -> list[int]:
        """The ffmpegs."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def gateway_process(folder: Path, **changes: Any) -> Iterator[GatewayProcess]:
    port = free_port()
    path = write_config(folder, listen={"host": "127.0.0.1", "port": port}, **changes)
    gateway = GatewayProcess(path, port)
    try:
        until(lambda: is_listening(port), what="gateway")
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.process.kill()
        gateway.process.wait(60)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pusher_to(port: int) -> int | None:
    """The ffmpeg that pushes to this port, whoever started it."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_text(errors="replace")
            if f"127.0.0.1:{port}/" in line and "-listen" not in line:
                return int(path.parent.name)
    return None


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class Sink:
    """An RTMP server that decodes what arrives: an ffmpeg that listens, started anew for each publisher."""

    def __init__(self, name: str = "/live/dome", port: int | None = None) -> None:
        self.port, self.name = port or free_port(), name
        self.frames = 0
        self.publishers = 0
        self.picture = b""
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        arguments = [
            *(find_ffmpeg(None), "-v", "quiet", "-nostdin", "-listen", "1"),
            # Left to itself it looks at the stream for five seconds before it decodes.
            *("-analyzeduration", "200000", "-probesize", "40000"),
            *("-i", f"rtmp://127.0.0.1:{self.port}{self.name}"),
            *("-f", "rawvideo", "-pix_fmt", "gray", "-vf", "scale=352:288", "pipe:1"),
        ]
        while not self._closed:
            with subprocess.Popen(arguments, stdout=subprocess.PIPE) as self._process:
                assert self._process.stdout is not None
                is_first = True
                while len(picture := self._process.stdout.read(FRAME_BYTES)) == FRAME_BYTES:
                    self.publishers += is_first
                    is_first = False
                    self.picture = picture
                    self.frames += 1
                self._process.kill()

    def until_frames(self, count: int) -> None:
        """So many more than there are now."""
        wanted = self.frames + count
        until(lambda: self.frames >= wanted, what=f"{count} frames")

    def close(self) -> None:
        self._closed = True
        while self._thread.is_alive():
            if self._process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process.pid, signal.SIGKILL)
            self._thread.join(0.05)


@contextmanager
def sink(name: str = "/live/dome") -> Iterator[Sink]:
    one = Sink(name)
    try:
        until(lambda: is_port_taken(one.port), what="sink")
        yield one
    finally:
        one.close()


def is_port_taken(port: int) -> bool:
    """Asked without connecting: a listening ffmpeg takes one connection only."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


class Platform:
    """The upper platform: checks tokens and signatures, takes reports; `is_down` for a while."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.token = FIRST_TOKEN
        self.exchanged = 0
        self.is_down = self.is_expired = False
        # What it has the gateway run: version and cameras; None: it knows of no such thing.
        self.configuration: tuple[object, list[dict[str, Any]]] | None = None
        self.peer = Peer(self._respond, context)

    @property
    def base_url(self) -> str:
        return self.peer.base_url

    def of(self, verb: str) -> list[Any]:
        """Bodies of the accepted calls of a report verb."""
        return [json.loads(request.body) for request in self.peer.of(verb) if request.token == self.token]

    def expire(self) -> None:
        """The token is no longer good for anything but its exchange."""
        self.is_expired = True

    def _respond(self, request: Request) -> Reply:
        if self.is_down:
            return Reply(b"<html>502</html>", 502)
        if request.path == "/service/video.TokenInfo":
            return self._exchange(request)
        if request.token != self.token or self.is_expired:
            return reply(403)
        if request.path == "/service/video.VideoInformation":
            nums = [item["cameraNum"] for item in json.loads(request.body)]
            return reply(
                200, backResult=[{"cameraNum": num, "status": 0, "info": "注册成功"} for num in nums]
            )
        if request.path == "/service/gateway.GetConfiguration":
            return self._configure(request)
        return reply(200)

    def _configure(self, request: Request) -> Reply:
        if self.configuration is None:
            return reply(404)
        version, cameras = self.configuration
        is_held = request.query.get("version") == str(version)
        return reply(200, version=version, configuration=None if is_held else {"cameras": cameras})

    def _exchange(self, request: Request) -> Reply:
        query = request.query
        text = sign_text(query["deviceCode"], query["user"], query["token"])
        if query["token"] != self.token or not verify(KEYS.public_key, text, query["sign"]):
            return reply(403)
        self.exchanged += 1
        self.is_expired = False
        self.token = f"token-{self.exchanged}"
        return reply(200, token={"user": USER, "deviceCode": DEVICE_CODE, "token": self.token})


@contextmanager
def platform() -> Iterator[Platform]:
    one = Platform()
    try:
        yield one
    finally:
        one.peer.close()
