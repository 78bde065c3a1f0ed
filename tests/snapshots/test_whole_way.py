"""From a camera's push to the ministry's picture: ffmpeg, the embedded media server, a round, SnapShot, the JPEG."""

import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from django.conf import LazySettings
from PIL import Image

from access.models import Organisation
from cameras.models import Camera
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.rounds import take_round
from streaming.choices import MediaKind
from streaming.models import MediaServer
from tests.cast import Caller
from tests.ptz.ledger import make_camera
from tests.snapshots.test_snapshot_verb import body_of, fetch
from tests.streaming.embedded.conftest import PLAY_KEY, Media, media_config, publish_auth

pytestmark = pytest.mark.django_db

PURPLE = (128, 0, 128)


@pytest.fixture
def server(settings: LazySettings, tmp_path: Path) -> Iterator[Media]:
    settings.PLAY_URL_KEYS = [PLAY_KEY]
    settings.SNAPSHOT_ROOT = tmp_path
    server = Media(media_config())
    http = f"http://127.0.0.1:{server.http_port}"
    MediaServer.objects.create(
        name="embedded",
        kind=MediaKind.EMBEDDED,
        rtmp_url=f"rtmp://127.0.0.1:{server.rtmp_port}",
        http_url=http,
    )
    yield server
    server.stop()


@pytest.fixture
def camera(office: Organisation, server: Media) -> Iterator[Camera]:
    """Shows nothing but purple."""
    camera = make_camera(office, 1)
    stream = camera.stream_name(0)
    target = f"rtmp://127.0.0.1:{server.rtmp_port}/live/{stream}?auth_key={publish_auth(stream)}"
    push = subprocess.Popen(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-re", "-f", "lavfi"),
            *("-i", "color=purple:size=352x288:rate=25", "-c:v", "libx264", "-preset", "ultrafast"),
            *("-g", "25", "-pix_fmt", "yuv420p", "-f", "flv", target),
        ],
        stdin=subprocess.DEVNULL,
    )
    server.until_live(stream)
    yield camera
    push.kill()
    push.wait()


def test_ministry_sees_what_the_camera_sees(ministry: Caller, camera: Camera, office: Organisation) -> None:
    gone = make_camera(office, 2)
    report = take_round()
    assert (report.cameras, report.taken) == (2, 1)
    # The ledger still says that there is a stream; the media server knows better.
    assert Snapshot.objects.get(camera=gone).result == SnapshotResult.OFFLINE
    (entry,) = ministry.get("SnapShot", department="山东高速")["snapShots"]
    picture = Image.open(BytesIO(body_of(fetch(entry["url"]))))
    assert picture.size == (352, 288)
    assert np.abs(np.asarray(picture, np.int16) - PURPLE).max() <= 4


def test_key_the_media_server_does_not_know_is_refused(camera: Camera, settings: LazySettings) -> None:
    settings.PLAY_URL_KEYS = ["another key"]
    assert take_round().taken == 0
    assert Snapshot.objects.get().result == SnapshotResult.REFUSED
