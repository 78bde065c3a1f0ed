"""A gateway and a media server on loopback, with the cameras of one company behind them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client

from cameras.models import Camera, Gateway
from streaming.choices import MediaKind, VideoType
from streaming.models import MediaServer, PushSession
from tests.cameras.ledger import camera, number
from tests.protocol.peer import Peer, Reply, Request, peer_answering, reply


class MediaDouble:
    """`streams` is what the server would list; `kicked` what it was told to end.

    `ended` are the viewers it was told to end, of whom those in `unknown` are not there.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.streams: dict[str, dict[str, Any]] = {}
        self.kicked: list[str] = []
        self.ended: list[str] = []
        self.unknown: set[str] = set()
        self.is_down = False
        peer.respond = self._respond

    def show(self, n: int, video_type: int = 0, **facts: Any) -> None:
        self.streams[stream(n, video_type)] = facts

    def hide(self, n: int, video_type: int = 0) -> None:
        self.streams.pop(stream(n, video_type), None)

    def _respond(self, request: Request) -> Reply:
        if self.is_down:
            return Reply(b"", raw=b"")
        if request.headers.get("x-media-secret") != settings.MEDIA_SECRET:
            return Reply(b'{"code": 403}', 403)
        if request.path == "/api/kick":
            wanted = json.loads(request.body)
            if client := wanted.get("client_id"):
                self.ended.append(client)
                return Reply(json.dumps({"kicked": int(client not in self.unknown)}).encode())
            self.kicked.append(wanted["stream"])
            return Reply(b'{"kicked": 1}')
        listed = [
            {
                "app": "live",
                "stream": name,
                "codec": "H264",
                "width": 352,
                "height": 288,
                "viewers": 0,
                **facts,
            }
            for name, facts in self.streams.items()
        ]
        return Reply(json.dumps({"streams": listed}).encode())


class GatewayDouble:
    """Notes orders and answers each with `code`."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.code: object = 200
        peer.respond = lambda _: reply(self.code)

    def orders(self, verb: str = "VideoTransBegin") -> list[tuple[int, int]]:
        """Camera and video type of each order, in the order given."""
        return [
            (int(request.query["cameraNum"][-12:]), int(request.query["videoType"]))
            for request in self.peer.of(verb)
        ]

    @property
    def finished(self) -> list[tuple[int, int]]:
        return self.orders("VideoTransFinish")


@contextmanager
def media_double() -> Iterator[MediaDouble]:
    with peer_answering(lambda _: reply(200)) as peer:
        yield MediaDouble(peer)


@contextmanager
def gateway_double() -> Iterator[GatewayDouble]:
    with peer_answering(lambda _: reply(200)) as peer:
        yield GatewayDouble(peer)


def make_server(base_url: str, name: str = "embedded") -> MediaServer:
    return MediaServer.objects.create(
        name=name,
        kind=MediaKind.EMBEDDED,
        rtmp_url="rtmp://127.0.0.1:1935",
        http_url=base_url,
        secret=settings.MEDIA_SECRET,
    )


def stream(n: int, video_type: int = 0) -> str:
    return f"{number(n)}_{video_type}"


def session(n: int, video_type: int = VideoType.LOW) -> PushSession:
    return PushSession.objects.get(camera=camera(n), video_type=video_type)


def hook(
    event: str, n: int, video_type: int = 0, *, secret: str | None = None, **facts: object
) -> dict[str, Any]:
    """What the embedded server tells; the answer of the platform."""
    body = {"event": event, "app": "live", "stream": stream(n, video_type), "client_id": "a-1", **facts}
    response = Client().post(
        "/hooks/media/embedded",
        json.dumps(body),
        content_type="application/json",
        headers={"X-Media-Secret": settings.MEDIA_SECRET if secret is None else secret},
    )
    answer: dict[str, Any] = response.json()
    return {**answer, "status": response.status_code}


def give_to(gateway: Gateway) -> None:
    Camera.objects.update(gateway=gateway)
