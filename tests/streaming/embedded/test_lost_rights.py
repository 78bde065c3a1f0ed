"""A real player whose owner loses the right: it stops, others of the stream go on, and nothing brings it back."""

import contextlib
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from access.models import BehaviourLog, Organisation, Partner, StaffRole, User
from cameras.models import Camera
from streaming import tasks
from streaming.models import Viewing
from streaming.selectors import capture_targets
from streaming.services.unannounced import take_in
from streaming.services.withdrawal import end_viewings_without_right
from tests.cast import Caller
from tests.console.desk import Desk, content_of
from tests.ptz.ledger import make_camera
from tests.streaming.embedded.conftest import PLAY_KEY, Media
from tests.streaming.embedded.peers import FlvTag, HttpPeer, Publisher, ask, ffmpeg, until
from tests.streaming.embedded.test_viewing_log import register, target_of

pytestmark = pytest.mark.django_db(transaction=True)

CLIP_MS = 6000


class Channel:
    """A camera whose stream goes on until the test is over."""

    def __init__(self, media: Media, camera: Camera, clip: list[FlvTag]) -> None:
        self.media, self.camera = media, camera
        self.name = camera.stream_name(0)
        self._clip = clip
        self._ended = threading.Event()
        self._publisher: Publisher = media.publisher(self.name)
        self._publisher.send_tags(clip)
        self._sending = threading.Thread(target=self._send)
        self._sending.start()
        media.until_live(self.name, clip)

    def _send(self) -> None:
        for number in count(1):
            if self._ended.wait(0.5):
                return
            self._publisher.send_tags(self._clip, shift=number * CLIP_MS)

    def close(self) -> None:
        self._ended.set()
        self._sending.join()
        self._publisher.socket.close()


@pytest.fixture
def channel(
    start_media: Callable[..., Media],
    live_server: LiveServer,
    settings: LazySettings,
    office: Organisation,
    clip: list[FlvTag],
) -> Iterator[Channel]:
    settings.PLAY_URL_KEYS = [PLAY_KEY]
    # This machine is also the proxy before the server, so that a viewer can come from anywhere.
    media = start_media(platform_url=live_server.url, trusted_proxies=("127.0.0.1/32",))
    register(media)
    made = Channel(media, make_camera(office, 1), clip)
    yield made
    made.close()


def begins(number: int) -> None:
    until(lambda: Viewing.objects.count() == number, what=f"{number} viewings")


def test_a_copied_address_stops_playing_and_a_partner_plays_on(
    channel: Channel, operator: User, ministry: Caller
) -> None:
    desk = Desk(operator)
    url = content_of(desk.post("play", channel.camera.pk, body={"type": 0}))["flv_url"]
    command = [ffmpeg(), "-v", "error", "-i", url, "-f", "null", "-"]
    player = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        begins(1)
        (entry,) = ministry.get("GetCameraPlayURL", cameraNum=channel.camera.number)["videoRequestUrl"]
        with HttpPeer(channel.media.http_port, target_of(entry["flv_url"])) as partner:
            assert partner.read_head() == 200
            begins(2)
            assert end_viewings_without_right() == 0
            assert player.poll() is None
            StaffRole.objects.filter(user=operator).delete()
            end_viewings_without_right()
            player.wait(30)
            pieces = partner.body()
            # More than was under way when the other was ended.
            assert sum(len(next(pieces)) for _ in range(20)) > 0
            assert Viewing.objects.get().uid == f"p{ministry.partner.pk}"
            assert channel.media.streams()[channel.name]["viewers"] == 1
    finally:
        player.kill()
        player.wait()
    row = BehaviourLog.objects.get(verb="结束观看", actor_id=operator.pk)
    assert row.reason == "由平台断开：观看权限已收回"


def test_a_session_of_hls_is_dead_wherever_it_is_taken(channel: Channel, ministry: Caller) -> None:
    port = channel.media.http_port
    (entry,) = ministry.get("GetCameraPlayURL", cameraNum=channel.camera.number)["videoRequestUrl"]
    playlist = ask(port, target_of(entry["hls_url"])).headers["location"]

    def status(address: str) -> int:
        return ask(port, playlist, headers=f"X-Forwarded-For: {address}\r\n").status

    assert [status("10.0.0.1"), status("10.0.0.2")] == [200, 200]
    begins(2)
    Partner.objects.filter(pk=ministry.partner.pk).update(is_active=False)
    end_viewings_without_right()
    begins(0)
    assert [status(f"10.0.0.{n}") for n in (1, 2, 3)] == [410, 410, 410]
    assert end_viewings_without_right() == 0


def test_one_of_whom_the_platform_knows_nothing_is_found_and_ended(
    channel: Channel, ministry: Caller
) -> None:
    """It was away when they came, or took their server for gone."""
    port = channel.media.http_port
    (entry,) = ministry.get("GetCameraPlayURL", cameraNum=channel.camera.number)["videoRequestUrl"]
    playlist = ask(port, target_of(entry["hls_url"])).headers["location"]
    with HttpPeer(port, target_of(entry["flv_url"])) as viewer:
        assert viewer.read_head() == 200
        assert ask(port, playlist).status == 200
        begins(2)
        told = set(Viewing.objects.values_list("client", "uid", "protocol", "camera"))
        Viewing.objects.all().delete()
        assert (take_in(), take_in()) == (2, 0)
        assert set(Viewing.objects.values_list("client", "uid", "protocol", "camera")) == told
        Viewing.objects.all().delete()
        Partner.objects.filter(pk=ministry.partner.pk).update(is_active=False)
        tasks.end_viewings_without_right()
        with contextlib.suppress(ConnectionError, ValueError):
            deque(viewer.body(), maxlen=0)
    assert ask(port, playlist).status == 410
    assert not Viewing.objects.exists()


def test_of_the_platform_itself_nothing_is_listed(channel: Channel) -> None:
    assert ask(channel.media.http_port, "/api/viewers").status == 403
    (target,) = capture_targets([channel.camera.pk])
    assert target.url is not None
    with HttpPeer(channel.media.http_port, target_of(target.url)) as capture:
        assert capture.read_head() == 200
        until(lambda: channel.media.streams()[channel.name]["viewers"] == 1, what="the capture")
        assert take_in() == 0
