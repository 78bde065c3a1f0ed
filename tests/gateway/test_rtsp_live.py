"""Real RTSP: gst-rtsp-server under the system's Python plays the camera, where it is installed."""

import asyncio
import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.adapters.base import Surroundings
from gateway.adapters.rtsp_stream import RtspStream
from gateway.ffmpeg import COPY_ARGUMENTS, find_ffmpeg
from gateway.gate import Urgency
from protocol.codes import Code, VideoType
from protocol.commands import LOW_FORMAT
from tests.gateway.roadside import (
    DOME,
    Sink,
    camera,
    command,
    gateway_in_thread,
    is_alive,
    pusher_to,
    until,
    write_config,
)
from tests.gateway.standins import Noting
from tests.gateway.test_status import TOKEN, status
from tests.ports import free_port

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "rtsp_cameras.py"
SYSTEM_PYTHON = Path("/usr/bin/python3")
_NEEDS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


def is_installed() -> bool:
    if not SYSTEM_PYTHON.exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", _NEEDS], stderr=subprocess.DEVNULL).returncode == 0


pytestmark = pytest.mark.skipif(not is_installed(), reason="gst-rtsp-server is not installed")


@contextmanager
def rtsp_camera(folder: Path, clip: Path, port: int) -> Iterator[int]:
    stream = folder / f"{clip.stem}.h264"
    arguments = [find_ffmpeg(None), "-v", "error", "-y", "-i", str(clip), "-c:v", "copy"]
    # Delimiters in front of every picture, parameters in front of every key frame.
    filters = "h264_mp4toannexb,h264_metadata=aud=insert"
    subprocess.run([*arguments, "-bsf:v", filters, "-f", "h264", str(stream)], check=True)
    served = [str(SYSTEM_PYTHON), str(SCRIPT), str(stream), str(port)]
    with subprocess.Popen(served, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"READY\n"
            yield process.pid
        finally:
            process.kill()


def test_a_camera_is_passed_through_and_its_freeze_is_told_and_overcome(
    folder: Path, media: Sink, clip: Path
) -> None:
    port = free_port()
    source = {"adapter": "rtsp", "url": f"rtsp://127.0.0.1:{port}/main", "mode": "auto"}
    # No budget: had it to be transcoded, it would be refused.
    path = write_config(folder, cameras=[camera(DOME, source)], section={"token": TOKEN}, transcode_cores=0)
    with rtsp_camera(folder, clip, port) as pid, gateway_in_thread(path) as gateway:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        media.until_frames(30)
        assert len(set(media.picture)) > 20
        os.kill(pid, signal.SIGSTOP)
        until(lambda: status(gateway)[DOME]["trouble"] == "frozen", 40, "told as frozen")
        assert status(gateway)[DOME]["online"] == 2
        os.kill(pid, signal.SIGCONT)
        media.until_frames(30)
        until(lambda: status(gateway)[DOME]["online"] == 1, what="told as online")


def test_what_is_known_of_a_camera_is_measured_while_it_is_pushed_and_kept(
    folder: Path, clip: Path, surroundings: Surroundings
) -> None:
    gate = Noting()
    around = dataclasses.replace(surroundings, gate=gate)

    async def start(stream: RtspStream) -> bool:
        """Whether it is looked at closer; it is passed on in any case."""
        plan = await stream.plan(LOW_FORMAT, VideoType.LOW, "auto")
        assert tuple(plan.codec_arguments) == COPY_ARGUMENTS
        if plan.review is not None:
            assert not await plan.review()
        return plan.review is not None

    async def scene(url: str) -> None:
        steady, changing = RtspStream(url, around), RtspStream(url, around, fresh_seconds=0.0)
        assert [await start(steady), await start(steady)] == [True, False]
        assert [await start(changing), await start(changing)] == [True, True]

    port = free_port()
    with rtsp_camera(folder, clip, port):
        asyncio.run(scene(f"rtsp://127.0.0.1:{port}/main"))
    first, again = [Urgency.LOOK, Urgency.MEASURE], [Urgency.MEASURE]
    assert [urgency for urgency, _ in gate.passed] == [*first, *first, *again]


def test_a_camera_whose_key_frames_are_too_rare_is_seen_at_once_and_then_transcoded(
    folder: Path, media: Sink, rare_keys: Path
) -> None:
    port = free_port()
    source = {"adapter": "rtsp", "url": f"rtsp://127.0.0.1:{port}/main"}
    path = write_config(folder, cameras=[camera(DOME, source)], transcode_cores=4)
    with rtsp_camera(folder, rare_keys, port), gateway_in_thread(path) as gateway:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        first = until(lambda: pusher_to(media.port), what="first push")
        assert "libx264" not in arguments_of(first)
        media.until_frames(3)
        until(lambda: (pid := pusher_to(media.port)) and "libx264" in arguments_of(pid), what="other plan")
        media.until_frames(3)
        assert not is_alive(first)


def arguments_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


@pytest.fixture(scope="module")
def rare_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like the clip, with a key frame in 6 s."""
    path = tmp_path_factory.mktemp("clips") / "rare.mp4"
    arguments = [
        *(find_ffmpeg(None), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25:d=12"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "150", "-b:v", "200k"),
        *("-maxrate", "220k", "-bufsize", "220k", str(path)),
    ]
    subprocess.run(arguments, check=True)
    return path
