"""Media servers are registered by command and admin."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from access.models import BehaviourLog, User
from protocol.errors import RemoteError
from protocol.tls import server_context
from streaming.choices import MediaKind
from streaming.media import adapter_for
from streaming.models import MediaServer
from tests.protocol.certificates import UNTRUSTWORTHY, write_certificates
from tests.protocol.peer import Reply, peer_answering

pytestmark = pytest.mark.django_db


def add(
    *,
    kind: str = "embedded",
    name: str = "a-1",
    rtmp: str = "",
    http: str = "",
    secret: str = "",
    ca: str = "",
) -> None:
    call_command(
        "add_media_server",
        "--kind",
        kind,
        "--name",
        name,
        "--rtmp",
        rtmp or "rtmp://10.0.0.5:1935/",
        "--http",
        http or "https://live.example.cn/",
        "--secret",
        secret,
        "--ca",
        ca,
    )


def test_a_server_is_made_and_brought_up_to_date() -> None:
    add(secret="s1")
    add(http="https://live2.example.cn", secret="s2")
    server = MediaServer.objects.get()
    assert (server.rtmp_url, server.http_url) == ("rtmp://10.0.0.5:1935", "https://live2.example.cn")
    assert server.secret == "s2"
    verbs = BehaviourLog.objects.order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["新增媒体服务器", "修改媒体服务器"]


@pytest.mark.parametrize("kind", MediaKind.values)
def test_every_kind_can_be_registered_and_talked_to(kind: str) -> None:
    add(kind=kind, secret="s")
    adapter = adapter_for(MediaServer.objects.get(kind=kind))
    assert adapter.publish_target() == ("10.0.0.5", 1935)
    assert adapter.play_paths("x_0").hls == "/live/x_0.m3u8"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rtmp", "http://10.0.0.5", "地址无效"),
        ("http", "live.example.cn", "地址无效"),
        ("http", "http://a:99999", "地址无效"),
        ("name", "a/b", "名称"),
        ("kind", "srs", "缺少密钥"),
    ],
)
def test_what_cannot_work_is_refused(field: str, value: str, said: str) -> None:
    options: dict[str, str] = {field: value}
    with pytest.raises(CommandError, match=said):
        add(**options)
    assert not MediaServer.objects.exists()


def test_the_secret_is_never_shown_and_kept_when_left_empty(superuser: User) -> None:
    add(secret="very-secret")
    client = Client()
    client.force_login(superuser)
    url = reverse("admin:streaming_mediaserver_change", args=[MediaServer.objects.get().pk])
    assert "very-secret" not in client.get(url).content.decode()
    form = {
        "name": "a-1",
        "kind": "embedded",
        "rtmp_url": "rtmp://10.0.0.6:1935",
        "http_url": "https://live.example.cn",
        "api_url": "",
        "secret": "",
        "ca_file": "/etc/ca.pem",
        "weight": "3",
        "is_active": "on",
    }
    assert client.post(url, form).status_code == 302
    server = MediaServer.objects.get()
    assert (server.rtmp_url, server.secret) == ("rtmp://10.0.0.6:1935", "very-secret")
    assert (server.ca_file, server.weight) == ("/etc/ca.pem", 3)
    assert "权重" in client.post(url, {**form, "weight": "0"}).content.decode()
    assert client.post(url, {**form, "kind": "zlm"}).status_code == 302
    assert MediaServer.objects.get().secret == "very-secret"


@pytest.mark.parametrize("kind", ["good", "no CA", *UNTRUSTWORTHY])
def test_its_interface_is_verified_by_the_ca_of_its_record(tmp_path: Path, kind: str) -> None:
    unknown = "不是由受信任的 CA 签发"
    changes, said = UNTRUSTWORTHY.get(kind, ({}, unknown if kind == "no CA" else None))
    made = write_certificates(tmp_path, **changes)
    streams = Reply(b'{"streams": [{"app": "live", "stream": "a_0"}]}')
    with peer_answering(lambda _: streams, server_context(made.certificate, made.key)) as peer:
        add(http=peer.base_url, secret="very-secret", ca="" if kind == "no CA" else str(made.ca))
        adapter = adapter_for(MediaServer.objects.get())
        if said is None:
            assert [stream.stream for stream in adapter.list_streams()] == ["a_0"]
            return
        with pytest.raises(RemoteError, match=said):
            adapter.list_streams()
    assert peer.requests == []


def test_the_secret_is_sealed_at_rest() -> None:
    add(secret="very-secret")
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM streaming_mediaserver")
        (stored,) = cursor.fetchone()
    assert stored.startswith("sm4gcm$")
    assert MediaServer.objects.get().secret == "very-secret"


def test_a_secret_from_before_it_was_sealed_is_read_as_it_is() -> None:
    add(secret="very-secret")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE streaming_mediaserver SET secret = 'old'")
    assert MediaServer.objects.get().secret == "old"
