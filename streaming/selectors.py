"""Reads of streaming."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q

from cameras.models import Camera
from protocol.errors import InternalError
from protocol.play_urls import new_rand, sign_path
from streaming.choices import PushState, VideoType
from streaming.media import MediaAdapter, adapter_for
from streaming.models import MediaServer, PushSession

# A capture opens its URL at once; a little slack for a busy machine.
CAPTURE_URL_SECONDS = 30


class Placement:
    """Which media server carries which stream; loads the servers once."""

    def __init__(self) -> None:
        servers = list(MediaServer.objects.filter(is_active=True).order_by("pk"))
        self._adapters = {server.pk: adapter_for(server) for server in servers}
        self._default = servers[0] if servers else None

    def adapter(self, server_id: int | None) -> MediaAdapter:
        """The adapter of that server, or of the default one; `InternalError` when there is none."""
        if server_id in self._adapters:
            return self._adapters[server_id]
        return self._adapters[self.default_server().pk]

    def default_server(self) -> MediaServer:
        if self._default is None:
            raise InternalError("没有启用的媒体服务器，请先登记（manage.py add_media_server）")
        return self._default


@dataclass(frozen=True)
class CaptureTarget:
    """Where the picture of a camera is to be had; `url` is None without a stream."""

    camera_id: int
    has_stream: bool
    url: str | None
    codec: str


def capture_targets(camera_ids: Iterable[int]) -> list[CaptureTarget]:
    """Signed internal FLV addresses of the low streams, good for 30 s: sign right before use."""
    placement = Placement()
    sessions = {
        session.camera_id: session
        for session in PushSession.objects.filter(camera_id__in=list(camera_ids), video_type=VideoType.LOW)
    }
    expires = int(time.time()) + CAPTURE_URL_SECONDS
    targets = []
    for camera in Camera.objects.filter(pk__in=list(camera_ids), deleted_at=None).order_by("pk"):
        session = sessions.get(camera.pk)
        url = None
        if camera.has_stream:
            adapter = placement.adapter(session.media_server_id if session else None)
            path = adapter.play_paths(camera.stream_name(VideoType.LOW)).flv
            auth_key = sign_path(
                path, settings.PLAY_URL_KEYS[0], timestamp=expires, rand=new_rand(), uid="snapshot"
            )
            base = adapter.server.api_url or adapter.server.http_url
            url = f"{base.rstrip('/')}{path}?auth_key={auth_key}"
        targets.append(CaptureTarget(camera.pk, camera.has_stream, url, session.codec if session else ""))
    return targets


def camera_of_stream(stream: str) -> tuple[Camera, VideoType] | None:
    """Camera and type of a stream name; None when it is not one of ours."""
    number_key, _, suffix = stream.rpartition("_")
    if suffix not in {"0", "1"}:
        return None
    camera = Camera.objects.filter(number_key=number_key, deleted_at=None).first()
    return (camera, VideoType(int(suffix))) if camera else None


@dataclass(frozen=True)
class PushCounts:
    """Standing streams: wanted and there."""

    wanted: int
    live: int


def push_counts() -> PushCounts:
    row = PushSession.objects.filter(is_wanted=True).aggregate(
        wanted=Count("pk"), live=Count("pk", filter=Q(state=PushState.LIVE))
    )
    return PushCounts(**row)
