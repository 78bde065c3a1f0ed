"""Play URLs: signed last, good for a few seconds (document 2.1)."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from access.models import Partner
from cameras.choices import OnlineStatus
from cameras.models import Camera, PtzGrant
from protocol.play_urls import new_rand, sign_path
from streaming.choices import VideoType
from streaming.media import MediaAdapter
from streaming.models import PushSession
from streaming.selectors import Placement, Playable

CHUNK = 500
# All that an entry needs: a Camera with everything it has costs several times as much.
_FIELDS = ("number", "number_key", "name", "status", "camera_type", "ptz_override")


@dataclass(frozen=True)
class PlayUrls:
    """Absolute addresses of one stream, all signed to the same second."""

    flv_url: str
    ws_url: str
    hls_url: str


@dataclass(frozen=True)
class PlayEntry:
    """One camera of a GetCameraPlayURL answer; no URLs while it is offline."""

    camera_num: str
    name: str
    urls: PlayUrls | None
    is_controllable: bool

    def to_wire(self) -> dict[str, object]:
        """Keys as the document prints them, then the spelling of its table (protocol.md section 4)."""
        control = int(self.is_controllable)
        return {
            "cameraNum": self.camera_num,
            "flv_url": self.urls.flv_url if self.urls else "",
            "hls_url": self.urls.hls_url if self.urls else "",
            "isCameraControl": control,
            "online": int(self.urls is not None),
            "message": self.name,
            "isCamerControl": control,
        }


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
    return _sign(adapter, camera, video_type, uid, ttl_seconds)


def _sign(
    adapter: MediaAdapter, camera: Camera, video_type: VideoType, uid: str, ttl_seconds: int | None
) -> PlayUrls:
    paths = adapter.play_paths(camera.stream_name(video_type))
    base = adapter.server.http_url.rstrip("/")
    ttl = settings.PLAY_URL_TTL_SECONDS if ttl_seconds is None else ttl_seconds
    # Rounded up: rounded down, a URL issued late in a second would lose up to a second of its life.
    timestamp, rand, key = math.ceil(time.time()) + ttl, new_rand(), settings.PLAY_URL_KEYS[0]
    flv = f"{paths.flv}?auth_key={sign_path(paths.flv, key, timestamp=timestamp, rand=rand, uid=uid)}"
    hls = f"{paths.hls}?auth_key={sign_path(paths.hls, key, timestamp=timestamp, rand=rand, uid=uid)}"
    return PlayUrls(flv_url=base + flv, ws_url=base.replace("http", "ws", 1) + flv, hls_url=base + hls)


def issue_play_url(*, partner: Partner, playable: Playable, video_type: VideoType) -> PlayEntry:
    """The entry of one camera found by `find_playable`."""
    camera, urls = playable.camera, None
    if camera.status == OnlineStatus.ONLINE:
        urls = _sign(playable.adapter, camera, video_type, f"p{partner.pk}", partner.play_ttl_seconds)
    return PlayEntry(camera.number, camera.name, urls, camera.can_ptz and playable.is_opened)


def issue_play_urls(
    *, partner: Partner, cameras: QuerySet[Camera], video_type: VideoType
) -> Iterator[PlayEntry]:
    """Entries for all `cameras`, signed one by one while they are read, so that none ages in a list."""
    placement = Placement()
    session = PushSession.objects.filter(camera=OuterRef("pk"), video_type=video_type)
    rows = cameras.only(*_FIELDS).annotate(
        is_opened=Exists(PtzGrant.objects.filter(camera=OuterRef("pk"), partner=partner)),
        server_id=Subquery(session.values("media_server_id")[:1]),
    )
    for camera in rows.iterator(chunk_size=CHUNK):
        urls = None
        if camera.status == OnlineStatus.ONLINE:
            urls = play_urls(
                camera,
                video_type,
                uid=f"p{partner.pk}",
                ttl_seconds=partner.play_ttl_seconds,
                server_id=camera.server_id,
                placement=placement,
            )
        yield PlayEntry(camera.number, camera.name, urls, camera.can_ptz and camera.is_opened)
