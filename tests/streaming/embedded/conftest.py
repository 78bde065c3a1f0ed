"""A running media server per module, clips encoded once, and a platform that takes the hooks."""

import asyncio
import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from protocol.play_urls import sign_path
from streaming.embedded.config import Limits, MediaConfig
from streaming.embedded.server import MediaServer
from tests.streaming.embedded.peers import FlvTag, HttpPeer, Platform, Publisher, ask, encode_clip, until

PLAY_KEY, PUBLISH_KEY, HLS_KEY, SECRET = "play-key-main", "publish-key", "hls-key", "media-secret"
# Shorter than in service, longer than a busy test machine stalls. Publishers send at once and then keep still.
QUICK = Limits(wait_seconds=3.0, grace_seconds=1.0, media_idle_seconds=300.0)
_CIF = ("-f", "lavfi", "-i", "testsrc2=s=352x288:r=25")
_H264 = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-b:v", "150k")


def media_config(**changes: Any) -> MediaConfig:
    config = MediaConfig(
        bind_host="127.0.0.1",
        rtmp_port=0,
        http_port=0,
        play_keys=(PLAY_KEY, "play-key-backup"),
        publish_key=PUBLISH_KEY,
        hls_key=HLS_KEY,
        secret=SECRET,
        limits=QUICK,
    )
    return dataclasses.replace(config, **changes)


class Media:
    """The server in a thread with an event loop of its own."""

    def __init__(self, config: MediaConfig) -> None:
        self.server = MediaServer(config)
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self._call(self.server.start())
        self.rtmp_port, self.http_port = self.server.rtmp_port, self.server.http_port
        self.rtmps_port = self.server.rtmps_port

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def stop(self) -> None:
        self._call(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def publisher(self, name: str, **options: Any) -> Publisher:
        publisher = Publisher(self.rtmp_port, **options)
        assert publisher.publish("live", name, publish_auth(name)) == "NetStream.Publish.Start"
        return publisher

    def view(self, path: str, *, headers: str = "", signed: bool = True) -> HttpPeer:
        return HttpPeer(self.http_port, play_target(path) if signed else path, headers=headers)

    def streams(self) -> dict[str, dict[str, Any]]:
        answer = ask(self.http_port, "/api/streams", headers=f"X-Media-Secret: {SECRET}\r\n")
        return {line["stream"]: line for line in json.loads(answer.body)["streams"]}

    def until_live(self, name: str, tags: list[FlvTag] | None = None) -> dict[str, Any]:
        """The line of the stream list, once the stream is there and all of `tags` have arrived."""
        size = sum(len(tag.body) for tag in tags or [] if tag.is_picture)

        def arrived() -> dict[str, Any] | None:
            facts = self.streams().get(name)
            return facts if facts and facts["bytes"] >= size else None

        facts: dict[str, Any] = until(arrived, what=f"{name} live")
        return facts

    def kick(self, **wanted: str) -> int:
        header = f"X-Media-Secret: {SECRET}\r\n"
        body = json.dumps(wanted).encode()
        answer = ask(self.http_port, "/api/kick", method="POST", headers=header, body=body)
        assert answer.status == 200
        return int(json.loads(answer.body)["kicked"])


def play_target(path: str, *, key: str = PLAY_KEY, seconds: int = 30) -> str:
    return f"{path}?auth_key={sign_path(path, key, timestamp=int(time.time()) + seconds)}"


def publish_auth(name: str, *, key: str = PUBLISH_KEY, seconds: int = 60) -> str:
    return sign_path(f"/live/{name}", key, timestamp=int(time.time()) + seconds)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> list[FlvTag]:
    """Six seconds, 150 pictures, B-frames, no sound: three groups of 50."""
    path = tmp_path_factory.mktemp("clip") / "video.flv"
    return encode_clip(path, *_CIF, "-t", "6", *_H264, "-bf", "2", "-sc_threshold", "0")


@pytest.fixture(scope="session")
def sound_clip(tmp_path_factory: pytest.TempPathFactory) -> list[FlvTag]:
    path = tmp_path_factory.mktemp("clip") / "sound.flv"
    tone = ("-f", "lavfi", "-i", "sine=440:sample_rate=44100")
    return encode_clip(path, *_CIF, *tone, "-t", "4", *_H264, "-c:a", "aac", "-ac", "1")


@pytest.fixture(scope="session")
def larger_clip(tmp_path_factory: pytest.TempPathFactory) -> list[FlvTag]:
    path = tmp_path_factory.mktemp("clip") / "larger.flv"
    return encode_clip(path, "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25", "-t", "4", *_H264)


@pytest.fixture(scope="session")
def road_video() -> Path:
    """A real highway clip beside the checkout; never part of the repository."""
    path = Path(__file__).parents[4] / "shared" / "media" / "highway_cctv_day_320x240.mp4"
    if not path.exists():
        pytest.skip("no real clips beside the checkout")
    return path


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def media() -> Iterator[Media]:
    """No platform behind it."""
    server = Media(media_config())
    yield server
    server.stop()


@pytest.fixture
def start_media() -> Iterator[Callable[..., Media]]:
    """A server with changes of its own."""
    running: list[Media] = []

    def start(**changes: Any) -> Media:
        running.append(Media(media_config(**changes)))
        return running[-1]

    yield start
    for server in running:
        server.stop()
