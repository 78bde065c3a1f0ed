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
    """Absolute addresses of one stream, all signed to the same second."""

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
    flv_url, hls_url = _sign(adapter, camera.stream_name(video_type), uid, ttl_seconds)
    return PlayUrls(flv_url=flv_url, ws_url=flv_url.replace("http", "ws", 1), hls_url=hls_url)


def _sign(adapter: MediaAdapter, stream: str, uid: str, ttl_seconds: int | None) -> tuple[str, str]:
    """The absolute addresses by HTTP-FLV and by HLS."""
    paths = adapter.play_paths(stream)
    base = adapter.server.http_url.rstrip("/")
    ttl = settings.PLAY_URL_TTL_SECONDS if ttl_seconds is None else ttl_seconds
    # Rounded up: rounded down, a URL issued late in a second would lose up to a second of its life.
    timestamp, key = math.ceil(time.time()) + ttl, settings.PLAY_URL_KEYS[0]
    flv, hls = sign_paths(paths, key, timestamp=timestamp, rand=new_rand(), uid=uid)
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
    flv_url = hls_url = ""
    is_online, control = False, int(playable.is_controllable)
    if playable.is_online and adapter is not None:
        is_online = True
        stream = stream_name(playable.number_key, video_type)
        flv_url, hls_url = _sign(adapter, stream, f"p{partner.pk}", partner.play_ttl_seconds)
    return PlayEntry(
        cameraNum=playable.number,
        flv_url=flv_url,
        hls_url=hls_url,
        isCameraControl=control,
        online=int(is_online),
        message=playable.name,
        isCamerControl=control,
    )


def issue_play_urls(
    *, partner: Partner, cameras: QuerySet[Camera], video_type: VideoType
) -> Iterator[PlayEntry]:
    """Entries for all `cameras`, signed one by one while they are read, so that none ages in a list."""
    placement = Placement()
    for playable in playables(partner, cameras, video_type):
        has_stream = playable.is_online and placement.has_server
        adapter = placement.adapter(playable.server_id) if has_stream else None
        yield issue_play_url(partner=partner, playable=playable, adapter=adapter, video_type=video_type)
