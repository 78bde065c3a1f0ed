"""From settings to the running server; no database is touched."""

import socket

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from streaming.management.commands.media_server import media_config


def test_the_server_is_told_what_the_settings_say(settings: Settings) -> None:
    settings.PLAY_URL_KEYS = ["main-key", "backup-key"]
    settings.MEDIA_PUBLISH_KEY = "publish-key"
    settings.MEDIA_SECRET = "the-secret"
    settings.HLS_SESSION_KEY = "hls-key"
    settings.MEDIA_CORS_ORIGINS = ["http://console.example"]
    config = media_config()
    assert config.play_keys == ("main-key", "backup-key")
    assert config.cors_origins == ("http://console.example",)
    assert config.platform_url == settings.PLATFORM_INTERNAL_URL
    assert config.hls_session_seconds == settings.HLS_SESSION_SECONDS
    assert config.rtmps_port is None
    for secret in ("main-key", "publish-key", "the-secret", "hls-key"):
        assert secret not in repr(config)


def test_publishers_over_tls_by_setting(settings: Settings) -> None:
    settings.MEDIA_RTMPS_PORT = 1936
    assert media_config().rtmps_port == 1936
    settings.MEDIA_TLS_CERT_FILE = settings.MEDIA_TLS_KEY_FILE = ""
    settings.MEDIA_RTMP_PORT = settings.MEDIA_HTTP_PORT = 0
    with pytest.raises(CommandError, match="RTMPS 需要证书与私钥"):
        call_command("media_server")


def test_a_taken_port_is_said_in_words(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.MEDIA_BIND_HOST, settings.MEDIA_RTMP_PORT = "127.0.0.1", taken.getsockname()[1]
        settings.MEDIA_HTTP_PORT = 0
        with pytest.raises(CommandError, match="流媒体服务无法启动"):
            call_command("media_server")
