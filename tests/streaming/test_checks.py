"""Settings and records of streaming that leave it open or shut."""

import pytest
from django.conf import LazySettings

from streaming.checks import check_keys, check_media_servers
from streaming.models import MediaServer
from tests.streaming.roadside import make_server


def test_who_may_watch_must_not_be_able_to_publish(settings: LazySettings) -> None:
    settings.PLAY_URL_KEYS, settings.MEDIA_PUBLISH_KEY = ["main", "backup"], "publish"
    assert check_keys(None) == []
    settings.MEDIA_PUBLISH_KEY = "backup"
    assert [found.id for found in check_keys(None)] == ["streaming.E001"]


@pytest.mark.django_db
def test_a_server_without_a_secret_is_named() -> None:
    server = make_server("http://127.0.0.1:9")
    assert check_media_servers(None, databases=["default"]) == []
    MediaServer.objects.update(secret="")
    (found,) = check_media_servers(None, databases=["default"])
    assert (found.id, server.name in found.msg) == ("streaming.W002", True)
    MediaServer.objects.update(is_active=False)
    assert check_media_servers(None, databases=["default"]) == []
