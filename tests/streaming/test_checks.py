"""Settings and records of streaming that leave it open or shut."""

import pytest
from django.conf import LazySettings

from streaming.checks import check_keys, check_media_servers, check_unlimited_networks
from streaming.models import MediaServer
from tests.streaming.roadside import make_server


def test_who_may_watch_must_not_be_able_to_publish(settings: LazySettings) -> None:
    settings.PLAY_URL_KEYS, settings.MEDIA_PUBLISH_KEY = ["main", "backup"], "publish"
    assert check_keys(None) == []
    settings.MEDIA_PUBLISH_KEY = "backup"
    assert [found.id for found in check_keys(None)] == ["streaming.E001"]


def test_what_is_no_network_is_named(settings: LazySettings) -> None:
    settings.MEDIA_UNLIMITED_NETWORKS = ["10.1.0.0/16", "10.1.2.3"]
    assert check_unlimited_networks(None) == []
    settings.MEDIA_UNLIMITED_NETWORKS = ["10.1.0.0/16", "worker-2"]
    (found,) = check_unlimited_networks(None)
    assert (found.id, "worker-2" in found.msg) == ("streaming.E002", True)


@pytest.mark.django_db
def test_a_server_without_a_secret_is_named() -> None:
    server = make_server("http://127.0.0.1:9")
    assert check_media_servers(None, databases=["default"]) == []
    MediaServer.objects.update(secret="")
    (found,) = check_media_servers(None, databases=["default"])
    assert (found.id, server.name in found.msg) == ("streaming.W002", True)
    MediaServer.objects.update(is_active=False)
    assert check_media_servers(None, databases=["default"]) == []
