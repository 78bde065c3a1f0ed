"""Reads of streaming."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from access.models import Partner
from access.statements import fetch_one
from cameras.models import Camera
from protocol.errors import InternalError
from protocol.fields import is_camera_num
from protocol.play_urls import new_rand, sign_path
from streaming.choices import VideoType
from streaming.media import MediaAdapter, adapter_for, has_adapter
from streaming.models import MediaServer, PushSession

# A capture opens its URL at once; a little slack for a busy machine.
CAPTURE_URL_SECONDS = 30


class Placement:
    """Which media server carries which stream; loads the servers once."""

    def __init__(self) -> None:
        servers = MediaServer.objects.filter(is_active=True).order_by("pk")
        self._adapters = {server.pk: adapter_for(server) for server in servers if has_adapter(server.kind)}

    @property
    def has_server(self) -> bool:
        return bool(self._adapters)

    def adapter(self, server_id: int | None) -> MediaAdapter:
        """The adapter of that server, or of the default one; `InternalError` when there is none."""
        if server_id is not None and server_id in self._adapters:
            return self._adapters[server_id]
        return self._default()

    def default_server(self) -> MediaServer:
        return self._default().server

    def _default(self) -> MediaAdapter:
        if not self._adapters:
            raise InternalError("没有启用的媒体服务器，请先登记（manage.py add_media_server）")
        return next(iter(self._adapters.values()))


_NEEDED = {"id", "number", "number_key", "name", "status", "camera_type", "ptz_override"}
# In the model's order: from_db deals the values out by it.
_CAMERA_FIELDS = [field.attname for field in Camera._meta.concrete_fields if field.attname in _NEEDED]
_SERVER_FIELDS = [field.attname for field in MediaServer._meta.concrete_fields]
# Camera, grant and media server in one look. A stream's own server first, else the first active one.
_PLAYABLE = f"""
SELECT {", ".join(f'c."{name}"' for name in _CAMERA_FIELDS)},
       EXISTS (SELECT 1 FROM cameras_ptzgrant g WHERE g.camera_id = c.id AND g.partner_id = %s),
       {", ".join(f'm."{name}"' for name in _SERVER_FIELDS)}
FROM cameras_camera c
JOIN access_organisation o ON o.id = c.organisation_id
LEFT JOIN streaming_pushsession s ON s.camera_id = c.id AND s.video_type = %s
JOIN LATERAL (
    SELECT * FROM streaming_mediaserver m WHERE m.is_active
    ORDER BY (m.id = s.media_server_id) DESC NULLS LAST, m.id LIMIT 1
) m ON true
WHERE c.number_key = %s AND c.deleted_at IS NULL AND NOT c.is_pending AND starts_with(o.path, %s)
""".encode()  # noqa: S608 - column names of our own models


@dataclass(frozen=True)
class Playable:
    """One camera with what its play address needs; other fields of `camera` are not loaded."""

    camera: Camera
    is_opened: bool
    adapter: MediaAdapter


def find_playable(partner: Partner, camera_num: str, video_type: VideoType) -> Playable | None:
    """The hot read of GetCameraPlayURL, one prepared statement; None when there is none or no server."""
    key = camera_num.strip().lower()
    if not is_camera_num(key, uuid4=False):
        return None
    row = fetch_one(_PLAYABLE, (partner.pk, int(video_type), key, partner.organisation.path))
    if row is None:
        return None
    width = len(_CAMERA_FIELDS)
    server = MediaServer.from_db("default", _SERVER_FIELDS, row[width + 1 :])
    if not has_adapter(server.kind):
        return None
    camera = Camera.from_db("default", _CAMERA_FIELDS, row[:width])
    return Playable(camera, row[width], adapter_for(server))


@dataclass(frozen=True)
class CaptureTarget:
    """Where the picture of a camera is to be had; `url` is None without a stream."""

    camera_id: int
    has_stream: bool
    url: str | None
    codec: str


def capture_targets(camera_ids: Iterable[int]) -> list[CaptureTarget]:
    """Signed internal FLV addresses of the low streams, good for 30 s: sign right before use."""
    ids = list(camera_ids)
    placement = Placement()
    sessions = {
        session.camera_id: session
        for session in PushSession.objects.filter(camera_id__in=ids, video_type=VideoType.LOW)
    }
    expires = int(time.time()) + CAPTURE_URL_SECONDS
    targets = []
    cameras = Camera.objects.filter(pk__in=ids, deleted_at=None).only("number_key", "has_stream")
    for camera in cameras.order_by("pk"):
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
    if suffix not in {"0", "1"} or not is_camera_num(number_key, uuid4=False):
        return None
    cameras = Camera.objects.filter(number_key=number_key, deleted_at=None)
    camera = cameras.select_related("gateway").first()
    return (camera, VideoType(int(suffix))) if camera else None
