"""What is registered and cannot be played, or is open to the wrong people."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import ProgrammingError

from protocol.forwarding import networks_of
from streaming.models import MediaServer


@register
def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever may watch a camera must not be able to publish in its place."""
    if settings.MEDIA_PUBLISH_KEY in settings.PLAY_URL_KEYS:
        return [Error("MEDIA_PUBLISH_KEY 与 PLAY_URL_KEYS 相同：播放地址可用来推流", id="streaming.E001")]
    return []


@register
def check_unlimited_networks(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The media server reads no checks: it would end at its start."""
    found: list[CheckMessage] = []
    for text in settings.MEDIA_UNLIMITED_NETWORKS:
        try:
            networks_of([text])
        except ValueError:
            found.append(Error(f"MEDIA_UNLIMITED_NETWORKS：“{text}” 不是地址或网段", id="streaming.E002"))
    return found


@register(Tags.database)
def check_media_servers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases:
        return []
    try:
        active = list(MediaServer.objects.filter(is_active=True).order_by("name"))
    except ProgrammingError:
        # `migrate` asks before it makes the table.
        return []
    found: list[CheckMessage] = [
        Warning(f"媒体服务器 {server.name} 没有密钥，它的回调都被拒绝", id="streaming.W002")
        for server in active
        if not server.secret
    ]
    if settings.PUBLIC_BASE_URL.startswith("https:"):
        # Browsers load nothing over HTTP into a page of HTTPS.
        found += [
            Warning(f"媒体服务器 {server.name} 的播放地址不是 https，控制台无法播放", id="streaming.W001")
            for server in active
            if server.http_url.startswith("http:")
        ]
    return found
