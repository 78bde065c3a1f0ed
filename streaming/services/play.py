"""Play URLs: signed last, good for a few seconds (document 2.1)."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from django.conf import settings
from django.db.models import QuerySet

from access.models import Partner
from cameras.models import Camera
from cameras.models.cameras import stream_name
from protocol.play_urls import new_rand, sign_paths
from streaming.choices import VideoType
from streaming.media import MediaAdapter
from streaming.selectors import Placement, Playable, playables


@dataclass(frozen=True)
class PlayUrls:
    """Absolute addresses of one stream, all signed to the same second; `ws_url` empty where a server has none."""

    flv_url: str
    ws_url: str
    hls_url: str


def play_urls(
    camera: Camera,
    video_type: VideoType,
    *,
    uid: str = "0",
    ttl_seconds: int | None = None,
    server_id: int | None = None,
    placement: Placement | None = None,
) -> PlayUrls:
    """Sign the addresses of one stream. `uid` names the asker in the media server's hooks."""
    adapter = (placement or Placement()).adapter(server_id)
    flv_url, hls_url = _Signer(uid, ttl_seconds).sign(adapter, camera.stream_name(video_type))
    ws_url = flv_url.replace("http", "ws", 1) if adapter.has_websocket else ""
    return PlayUrls(flv_url=flv_url, ws_url=ws_url, hls_url=hls_url)


class _Signer:
    """Signs for one asker; what is the same for all streams of an answer is looked up once."""

    def __init__(self, uid: str, ttl_seconds: int | None) -> None:
        self._uid = uid
        self._ttl_seconds: int = settings.PLAY_URL_TTL_SECONDS if ttl_seconds is None else ttl_seconds
        self._key: str = settings.PLAY_URL_KEYS[0]

    def sign(self, adapter: MediaAdapter, stream: str) -> tuple[str, str]:
        """The absolute addresses by HTTP-FLV and by HLS, good from now."""
        paths = adapter.play_paths(stream)
        base = adapter.server.http_url.rstrip("/")
        # Rounded up: rounded down, a URL issued late in a second would lose up to a second of its life.
        timestamp = math.ceil(time.time()) + self._ttl_seconds
        flv, hls = sign_paths(paths, self._key, timestamp=timestamp, rand=new_rand(), uid=self._uid)
        return f"{base}{paths.flv}?auth_key={flv}", f"{base}{paths.hls}?auth_key={hls}"


class PlayEntry(TypedDict):
    """One camera of a GetCameraPlayURL answer: keys as printed, then the spelling of the table (2.1)."""

    cameraNum: str
    flv_url: str
    hls_url: str
    isCameraControl: int
    online: int
    message: str
    isCamerControl: int


def issue_play_url(
    *, partner: Partner, playable: Playable, adapter: MediaAdapter | None, video_type: VideoType
) -> PlayEntry:
    """The entry of one camera; it is offline, with empty addresses, also where no server has it (no `adapter`)."""
    return _entry(_signer_of(partner), playable, adapter, video_type)


def issue_play_urls(
    *, partner: Partner, cameras: QuerySet[Camera], video_type: VideoType
) -> Iterator[PlayEntry]:
    """Entries for all `cameras`, signed one by one while they are read, so that none ages in a list."""
    placement, signer = Placement(), _signer_of(partner)
    has_server = placement.has_server
    for playable in playables(partner, cameras, video_type):
        adapter = placement.adapter(playable.server_id) if has_server else None
        yield _entry(signer, playable, adapter, video_type)


def _signer_of(partner: Partner) -> _Signer:
    return _Signer(f"p{partner.pk}", partner.play_ttl_seconds)


def _entry(
    signer: _Signer, playable: Playable, adapter: MediaAdapter | None, video_type: VideoType
) -> PlayEntry:
    flv_url = hls_url = ""
    is_online, control = False, int(playable.is_controllable)
    if adapter is not None and playable.is_online:
        is_online = True
        flv_url, hls_url = signer.sign(adapter, stream_name(playable.number_key, video_type))
    return PlayEntry(
        cameraNum=playable.number,
        flv_url=flv_url,
        hls_url=hls_url,
        isCameraControl=control,
        online=int(is_online),
        message=playable.name,
        isCamerControl=control,
    )
