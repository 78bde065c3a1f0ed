"""Real RTSP: gst-rtsp-server under the system's Python plays the camera, where it is installed."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.ffmpeg import find_ffmpeg
from protocol.codes import Code
from tests.gateway.roadside import (
    DOME,
    Sink,
    camera,
    command,
    free_port,
    gateway_in_thread,
    until,
    write_config,
)
from tests.gateway.test_status import TOKEN, status

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
    stream = folder / "clip.h264"
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
