"""Who watched what, by any protocol: the verb, the embedded media server, its hooks, the behaviour log."""

import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from access.models import BehaviourLog, Organisation, Partner
from cameras.models import Camera
from streaming.choices import MediaKind
from streaming.models import MediaServer, Viewing
from streaming.selectors import capture_targets
from tests.cast import Caller
from tests.ptz.ledger import make_camera
from tests.streaming.embedded.conftest import PLAY_KEY, SECRET, Media
from tests.streaming.embedded.peers import WS_HEADERS, FlvTag, HttpPeer, Platform, ask, before, since, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def camera(office: Organisation) -> Camera:
    return make_camera(office, 1)


def register(media: Media) -> None:
    MediaServer.objects.create(
        name="embedded",
        kind=MediaKind.EMBEDDED,
        rtmp_url=f"rtmp://127.0.0.1:{media.rtmp_port}",
        http_url=f"http://127.0.0.1:{media.http_port}",
        secret=SECRET,
    )


def target_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize(("way", "field"), [("flv", "flv_url"), ("ws", "flv_url"), ("hls", "hls_url")])
def test_a_viewing_is_logged_with_its_viewer(
    way: str,
    field: str,
    start_media: Callable[..., Media],
    live_server: LiveServer,
    camera: Camera,
    ministry: Caller,
    settings: LazySettings,
    clip: list[FlvTag],
) -> None:
    settings.PLAY_URL_KEYS = [PLAY_KEY]
    media = start_media(platform_url=live_server.url)
    register(media)
    name = camera.stream_name(0)
    with media.publisher(name) as publisher:
        publisher.send_tags(before(clip, 1900))
        media.until_live(name, before(clip, 1900))
        (entry,) = ministry.get("GetCameraPlayURL", cameraNum=camera.number)["videoRequestUrl"]
        target = target_of(entry[field])
        if way == "hls":
            target = ask(media.http_port, target).headers["location"]
        with ThreadPoolExecutor(1) as pool:
            if way == "hls":
                # The first playlist waits for a segment.
                pool.submit(ask, media.http_port, target)
                row = seen()
                publisher.send_tags(since(clip, 1900))
            else:
                with HttpPeer(media.http_port, target, headers=WS_HEADERS if way == "ws" else ""):
                    row = seen()
    assert (row.actor_kind, row.actor_id) == ("partner", ministry.partner.pk)
    assert (row.object_id, row.detail["方式"]) == (str(camera.pk), way)


def seen() -> Any:
    return until(lambda: BehaviourLog.objects.filter(verb="查看视频").first(), what="the row")


def test_one_viewer_too_many_is_ended(
    start_media: Callable[..., Media],
    live_server: LiveServer,
    camera: Camera,
    ministry: Caller,
    settings: LazySettings,
    clip: list[FlvTag],
) -> None:
    settings.PLAY_URL_KEYS = [PLAY_KEY]
    Partner.objects.filter(pk=ministry.partner.pk).update(most_viewers=1)
    media = start_media(platform_url=live_server.url)
    register(media)
    name = camera.stream_name(0)
    with media.publisher(name) as publisher:
        publisher.send_tags(clip)
        media.until_live(name, clip)
        urls = [
            ministry.get("GetCameraPlayURL", cameraNum=camera.number)["videoRequestUrl"][0]["flv_url"]
            for _ in range(2)
        ]
        with HttpPeer(media.http_port, target_of(urls[0])) as first:
            assert first.read_head() == 200
            until(lambda: Viewing.objects.exists())
            with HttpPeer(media.http_port, target_of(urls[1])) as second:
                assert second.read_head() == 200
                # Nothing more is published: only its end ends this.
                with contextlib.suppress(ConnectionError):
                    deque(second.body(), maxlen=0)
            assert media.streams()[name]["viewers"] == 1
            assert Viewing.objects.count() == 1
        until(lambda: not Viewing.objects.exists())


def test_pictures_taken_by_the_platform_are_no_viewings(
    start_media: Callable[..., Media],
    platform: Platform,
    camera: Camera,
    settings: LazySettings,
    clip: list[FlvTag],
) -> None:
    """At 20,000 cameras they would be all the platform hears of."""
    settings.PLAY_URL_KEYS = [PLAY_KEY]
    media = start_media(platform_url=platform.url)
    register(media)
    name = camera.stream_name(0)
    with media.publisher(name) as publisher:
        publisher.send_tags(clip)
        media.until_live(name, clip)
        (target,) = capture_targets([camera.pk])
        assert target.url is not None
        with HttpPeer(media.http_port, target_of(target.url)) as capture:
            assert capture.read_head() == 200
            # It counts all the same for whoever looks after the streams.
            until(lambda: media.streams()[name]["viewers"] == 1)
        until(lambda: media.streams()[name]["viewers"] == 0)
        with media.view(f"/live/{name}.flv") as viewer:
            assert viewer.read_head() == 200
            until(lambda: "play" in platform.of(name))
        until(lambda: "stop" in platform.of(name))
    until(lambda: "unpublish" in platform.of(name))
    assert platform.of(name) == ["publish", "play", "stop", "unpublish"]
