"""Media servers of the platform."""

from urllib.parse import urlsplit

from access.actors import Actor
from access.services.logs import record
from protocol.errors import MalformedError
from streaming.choices import MediaKind
from streaming.models import MediaServer


def add_media_server(
    *,
    name: str,
    kind: MediaKind,
    rtmp_url: str,
    http_url: str,
    actor: Actor,
    api_url: str = "",
    secret: str = "",
) -> MediaServer:
    """Create a media server, or bring the one of that name up to date."""
    for place, url, schemes in (("rtmp", rtmp_url, {"rtmp", "rtmps"}), ("http", http_url, {"http", "https"})):
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname:
            raise MalformedError(f"{place} 地址无效：{url[:100]}")
    server, is_new = MediaServer.objects.update_or_create(
        name=name,
        defaults={
            "kind": kind,
            "rtmp_url": rtmp_url.rstrip("/"),
            "http_url": http_url.rstrip("/"),
            "api_url": api_url.rstrip("/"),
            "secret": secret,
        },
    )
    record(
        actor,
        "新增媒体服务器" if is_new else "修改媒体服务器",
        object_kind="media_server",
        object_id=str(server.pk),
        object_name=server.name,
    )
    return server
