"""What is registered and cannot be played."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import ProgrammingError

from streaming.models import MediaServer


@register(Tags.database)
def check_media_servers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Browsers load nothing over HTTP into a page of HTTPS."""
    if not databases or not settings.PUBLIC_BASE_URL.startswith("https:"):
        return []
    plain = MediaServer.objects.filter(is_active=True, http_url__startswith="http:").order_by("name")
    try:
        return [
            Warning(f"媒体服务器 {server.name} 的播放地址不是 https，控制台无法播放", id="streaming.W001")
            for server in plain
        ]
    except ProgrammingError:
        # `migrate` asks before it makes the table.
        return []
