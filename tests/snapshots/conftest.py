from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.snapshots.clips import make_clip
from tests.snapshots.flv_server import FlvServer

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def road_clip(clips: Path) -> bytes:
    """CIF, a key frame every ten, B-frames between them."""
    return make_clip(clips / "road.flv", "testsrc2=size=352x288:rate=25", *X264, "-bf", "2").read_bytes()


@pytest.fixture
def media() -> Iterator[FlvServer]:
    with FlvServer() as server:
        yield server
