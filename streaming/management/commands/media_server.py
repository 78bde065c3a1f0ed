"""Runs the embedded media server with what the settings say."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from streaming.embedded import server
from streaming.embedded.config import MediaConfig


def media_config() -> MediaConfig:
    return MediaConfig(
        bind_host=settings.MEDIA_BIND_HOST,
        rtmp_port=settings.MEDIA_RTMP_PORT,
        http_port=settings.MEDIA_HTTP_PORT,
        rtmps_port=settings.MEDIA_RTMPS_PORT or None,
        play_keys=tuple(settings.PLAY_URL_KEYS),
        origin_keys=tuple(settings.PLAY_ORIGIN_KEYS),
        publish_key=settings.MEDIA_PUBLISH_KEY,
        hls_key=settings.HLS_SESSION_KEY,
        hls_session_seconds=settings.HLS_SESSION_SECONDS,
        secret=settings.MEDIA_SECRET,
        platform_url=settings.PLATFORM_INTERNAL_URL,
        name=settings.MEDIA_NAME,
        cors_origins=tuple(settings.MEDIA_CORS_ORIGINS),
        cert_file=settings.MEDIA_TLS_CERT_FILE,
        key_file=settings.MEDIA_TLS_KEY_FILE,
        platform_ca_file=settings.PLATFORM_CA_FILE,
        trusted_proxies=tuple(settings.TRUSTED_PROXIES),
        http_per_address=settings.MEDIA_HTTP_PER_ADDRESS,
        unlimited_networks=tuple(settings.MEDIA_UNLIMITED_NETWORKS),
    )


class Command(BaseCommand):
    help = "运行内置流媒体服务（RTMP 推流，HTTP-FLV、WebSocket-FLV、HLS 播放）"
    # It must come up and keep playing while the database is away.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            server.run(media_config())
        except (OSError, ValueError) as error:
            raise CommandError(f"流媒体服务无法启动：{error}") from error
