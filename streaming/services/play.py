"""Play URLs: signed last, good for a few seconds (document 2.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from django.conf import settings
from django.db.models import QuerySet

from access.models import Partner
from cameras.models import Camera
from cameras.models.cameras import stream_name
from streaming.addresses import Outlet, Signer
from streaming.choices import Audience, VideoType
from streaming.selectors import Placement, Playable, playables
from streaming.uids import partner_uid


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
    audience: Audience | None = None,
) -> PlayUrls:
    """Sign the addresses of one stream. `uid` names the asker in the media server's hooks."""
    outlet = (placement or Placement()).outlet(server_id, audience)
    flv_url, hls_url = _signer(uid, ttl_seconds).sign(outlet, camera.stream_name(video_type))
    ws_url = flv_url.replace("http", "ws", 1) if outlet.has_websocket else ""
    return PlayUrls(flv_url=flv_url, ws_url=ws_url, hls_url=hls_url)


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
    *, partner: Partner, playable: Playable, outlet: Outlet | None, video_type: VideoType
) -> PlayEntry:
    """The entry of one camera; it is offline, with empty addresses, also where no server has it (no `outlet`)."""
    return _entry(_signer_of(partner), playable, outlet, video_type)


def issue_play_urls(
    *, partner: Partner, cameras: QuerySet[Camera], video_type: VideoType
) -> Iterator[PlayEntry]:
    """Entries for all `cameras`, signed one by one while they are read, so that none ages in a list."""
    placement, signer = Placement(), _signer_of(partner)
    has_server = placement.has_server
    for playable in playables(partner, cameras, video_type):
        outlet = placement.outlet(playable.server_id, Audience.PARTNERS) if has_server else None
        yield _entry(signer, playable, outlet, video_type)


def _signer_of(partner: Partner) -> Signer:
    return _signer(partner_uid(partner.pk), partner.play_ttl_seconds)


def _signer(uid: str, ttl_seconds: int | None) -> Signer:
    return Signer(uid, settings.PLAY_URL_TTL_SECONDS if ttl_seconds is None else ttl_seconds)


def _entry(signer: Signer, playable: Playable, outlet: Outlet | None, video_type: VideoType) -> PlayEntry:
    flv_url = hls_url = ""
    is_online, control = False, int(playable.is_controllable)
    if outlet is not None and playable.is_online:
        is_online = True
        flv_url, hls_url = signer.sign(outlet, stream_name(playable.number_key, video_type))
    return PlayEntry(
        cameraNum=playable.number,
        flv_url=flv_url,
        hls_url=hls_url,
        isCameraControl=control,
        online=int(is_online),
        message=playable.name,
        isCamerControl=control,
    )
