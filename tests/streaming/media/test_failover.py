"""Two real media servers and a gateway that pushes where it is told: one server dies, its camera is back."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from cameras.models import Camera, Gateway
from streaming.choices import MediaKind, VideoType
from streaming.models import MediaServer, PushSession
from streaming.selectors import SILENCE_SECONDS
from streaming.services.orders import gateways_with_due_orders, give_due_orders
from streaming.services.play import play_urls
from streaming.services.presence import reconcile
from streaming.services.pushes import plan_low_streams
from streaming.services.relocation import relocate_streams
from tests.cameras.ledger import camera
from tests.protocol.peer import Reply, Request, reply
from tests.streaming.embedded.conftest import SECRET, Media, media_config
from tests.streaming.embedded.peers import FlvTag, HttpPeer, Publisher, until
from tests.streaming.media.benches import Relay
from tests.streaming.roadside import GatewayDouble

pytestmark = pytest.mark.django_db(transaction=True)


class Pusher:
    """Takes VideoTransBegin like a gateway: one push a camera, to the newest target."""

    def __init__(self, double: GatewayDouble, clip: list[FlvTag]) -> None:
        self._clip = clip
        self._pushes: dict[str, Publisher] = {}
        self._lock = threading.Lock()
        double.peer.respond = self._respond

    def _respond(self, request: Request) -> Reply:
        command = json.loads(request.body)["command"]
        app, name = command["pubName"].removeprefix("/").split("/")
        publisher = Publisher(command["serverPort"])
        auth_key = command["authInfo"].removeprefix("auth_key=")
        if publisher.publish(app, name, auth_key) != "NetStream.Publish.Start":
            return reply(500)
        publisher.send_tags(self._clip)
        with self._lock:
            old = self._pushes.pop(name, None)
            self._pushes[name] = publisher
        if old is not None:
            old.socket.close()
        return reply(200)

    def close(self) -> None:
        for publisher in self._pushes.values():
            publisher.socket.close()


@pytest.fixture
def nodes(keys: None, live_server: LiveServer, server: MediaServer) -> Iterator[dict[str, Media]]:
    """Two embedded servers, the only ones."""
    server.delete()
    relay = Relay(live_server.url)
    running = {
        name: Media(media_config(platform_url=relay.peer.base_url, name=name)) for name in ("node-1", "node-2")
    }
    for name, media in running.items():
        MediaServer.objects.create(
            name=name,
            kind=MediaKind.EMBEDDED,
            rtmp_url=f"rtmp://127.0.0.1:{media.rtmp_port}",
            http_url=f"http://127.0.0.1:{media.http_port}",
            secret=SECRET,
        )
    yield running
    for media in running.values():
        media.stop()
    relay.close()


@pytest.fixture
def pusher(roadside: GatewayDouble, clip: list[FlvTag]) -> Iterator[Pusher]:
    made = Pusher(roadside, clip)
    yield made
    made.close()


def keep() -> None:
    """What the worker does every few seconds."""
    for server in MediaServer.objects.order_by("pk"):
        reconcile(server=server)
    relocate_streams()
    plan_low_streams()
    for gateway_id in gateways_with_due_orders():
        give_due_orders(gateway_id=gateway_id)


def online() -> set[int]:
    return {n for n in (1, 2, 3) if camera(n).has_stream}


def node_of(n: int) -> str:
    return PushSession.objects.get(camera=camera(n)).media_server.name


def test_the_cameras_of_a_dead_node_come_back_on_the_other(
    gateway: Gateway, nodes: dict[str, Media], pusher: Pusher, settings: LazySettings
) -> None:
    settings.PUSH_ORDERS_PER_SECOND = 1000
    keep()
    until(lambda: online() == {1, 2, 3}, what="all online")
    before = {n: node_of(n) for n in (1, 2, 3)}
    assert set(before.values()) == {"node-1", "node-2"}
    dead = before[1]
    nodes.pop(dead).stop()
    keep()
    # The time for which it has to be silent, passed at once.
    MediaServer.objects.filter(silent_since__isnull=False).update(
        silent_since=timezone.now() - timedelta(seconds=SILENCE_SECONDS)
    )
    keep()
    until(lambda: online() == {1, 2, 3}, what="all online again")
    (alive,) = nodes
    assert {node_of(n) for n in (1, 2, 3)} == {alive}
    moved = Camera.objects.get(pk=camera(1).pk)
    url = play_urls(moved, VideoType.LOW, server_id=PushSession.objects.get(camera=moved).media_server_id).flv_url
    port = nodes[alive].http_port
    assert url.startswith(f"http://127.0.0.1:{port}/")
    with HttpPeer(port, url.partition(f":{port}")[2]) as viewer:
        assert viewer.read_head() == 200
