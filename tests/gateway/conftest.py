import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.base import Surroundings
from gateway.ffmpeg import find_ffmpeg
from tests.gateway.roadside import Platform, Roadside, Sink, gateway_in_thread, platform, sink, write_config


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the panorama of the cast is kept, so that it is painted once in a run."""
    return tmp_path_factory.mktemp("scenes")


@pytest.fixture
def folder(tmp_path: Path, painted: Path) -> Path:
    """A gateway's folder."""
    (tmp_path / "scenes").symlink_to(painted)
    return tmp_path


@pytest.fixture
def roadside(folder: Path) -> Iterator[Roadside]:
    """A gateway whose platform is away."""
    with gateway_in_thread(write_config(folder)) as gateway:
        yield gateway


@pytest.fixture
def media() -> Iterator[Sink]:
    with sink() as one:
        yield one


@pytest.fixture
def upper() -> Iterator[Platform]:
    with platform() as one:
        yield one


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of H.264 as a camera's low stream has it: CIF, 25 fps, a key frame every 2 s."""
    path = tmp_path_factory.mktemp("clips") / "cif.mp4"
    arguments = [
        *(find_ffmpeg(None), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25:d=6"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-b:v", "200k"),
        *("-maxrate", "220k", "-bufsize", "220k", str(path)),
    ]
    subprocess.run(arguments, check=True)
    return path


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings(ffmpeg=find_ffmpeg(None), font=None, folder=tmp_path, cache=tmp_path / "scenes")
