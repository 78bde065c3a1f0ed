"""Against the embedded media server and pushes in real time: first frames, groups of pictures sent at once, the end."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
from django.conf import LazySettings

from acceptance.measuring import Patience
from acceptance.services.probing import Prober
from acceptance.services.reports import ask_for, carry_out
from access.actors import SYSTEM
from streaming.choices import MediaKind
from streaming.models import MediaServer
from streaming.services.pushes import plan_low_streams
from tests.cameras.ledger import camera, make_gateway, register, wire
from tests.cast import Caller
from tests.protocol.peer import Reply, Request, peer_answering, reply
from tests.streaming.embedded.conftest import (
    PLAY_KEY,
    PUBLISH_KEY,
    SECRET,
    Media,
    media_config,
    publish_auth,
)

pytestmark = pytest.mark.django_db


class Pushes:
    """One ffmpeg a stream, begun and ended by the orders of the platform."""

    def __init__(self, high: Path) -> None:
        self.high = high
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, name: str, clip: Path, target: str) -> None:
        source = ("-stream_loop", "-1", "-re", "-i", str(clip))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-c", "copy", "-f", "flv", target]
        self.running[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end(self, name: str) -> None:
        push = self.running.pop(name)
        push.kill()
        push.wait()

    def respond(self, request: Request) -> Reply:
        name = f"{request.query['cameraNum']}_{request.query['videoType']}"
        if request.path.endswith("VideoTransFinish"):
            self.end(name)
        else:
            order = json.loads(request.body)["command"]
            place = f"rtmp://{order['serverIp']}:{order['serverPort']}{order['pubName']}"
            self.begin(name, self.high, f"{place}?{order['authInfo']}")
        return reply(200)


@pytest.fixture
def server(db: None, settings: LazySettings) -> Iterator[Media]:
    settings.PLAY_URL_KEYS = [PLAY_KEY]
    settings.MEDIA_PUBLISH_KEY = PUBLISH_KEY
    server = Media(media_config())
    MediaServer.objects.create(
        name="embedded",
        kind=MediaKind.EMBEDDED,
        rtmp_url=f"rtmp://127.0.0.1:{server.rtmp_port}",
        http_url=f"http://127.0.0.1:{server.http_port}",
        secret=SECRET,
    )
    yield server
    server.stop()


@pytest.fixture
def pushes(high_clip: bytes, tmp_path: Path) -> Iterator[Pushes]:
    path = tmp_path / "high.flv"
    path.write_bytes(high_clip)
    made = Pushes(path)
    yield made
    for name in list(made.running):
        made.end(name)


def test_everything_is_good(
    server: Media, pushes: Pushes, gateway_partner: Caller, low_clip: bytes, tmp_path: Path
) -> None:
    low = tmp_path / "low.flv"
    low.write_bytes(low_clip)
    with peer_answering(pushes.respond) as peer:
        gateway = make_gateway(gateway_partner.partner, peer.base_url)
        register(gateway_partner, wire(1))
        plan_low_streams()
        name = camera(1).stream_name(0)
        target = f"rtmp://127.0.0.1:{server.rtmp_port}/live/{name}?auth_key={publish_auth(name)}"
        pushes.begin(name, low, target)
        server.until_live(name)
        report = ask_for(gateway=gateway, cameras=1, actor=SYSTEM)
        prober = Prober(Patience(first_frame=8, reading=3))
        lines = list(carry_out(report=report, prober=prober))
    assert [line for line in lines if not line["is_good"]] == []
    assert len(lines) == 15
    assert list(pushes.running) == [name]
    assert report.pictures.count() == 2
