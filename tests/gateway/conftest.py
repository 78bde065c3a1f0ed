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


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings(ffmpeg=find_ffmpeg(None), font=None, folder=tmp_path, cache=tmp_path / "scenes")
