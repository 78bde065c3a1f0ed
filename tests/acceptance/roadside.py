"""A gateway and a media server on loopback: a high stream is there from the order to begin it to the one to end it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streaming.choices import MediaKind, PushState, VideoType
from streaming.models import MediaServer, PushSession
from tests.cameras.ledger import number
from tests.protocol.peer import Peer as HttpPeer
from tests.protocol.peer import Reply, Request, peer_answering, reply
from tests.snapshots.flv_server import FlvServer, live, raw
from tests.snapshots.flv_server import Peer as MediaPeer


@dataclass
class Roadside:
    """`code` answers VideoTransBegin; `only_says_so` takes the order and pushes nothing; `goes_on` ignores
    VideoTransFinish; `is_silent` answers nothing."""

    gateway: HttpPeer
    media: FlvServer
    high: bytes
    code: int = 200
    only_says_so: bool = False
    goes_on: bool = False
    is_silent: bool = False
    viewers: int = 0
    pushed: set[str] = field(default_factory=set)

    def respond(self, request: Request) -> Reply:
        if self.is_silent:
            return Reply(b"", raw=b"")
        stream = f"{request.query['cameraNum']}_{request.query['videoType']}"
        if request.path.endswith("VideoTransFinish"):
            if not self.goes_on:
                self.pushed.discard(stream)
                self.media.behaviours.pop(f"/live/{stream}.flv", None)
            return reply(200)
        if self.code == 200 and not self.only_says_so:
            self.pushed.add(stream)
            self.media.behaviours[f"/live/{stream}.flv"] = live(self.high)
        return reply(self.code)

    def stand(self, n: int, flv: bytes) -> None:
        """The low stream of camera `n` is there."""
        self.media.behaviours[f"/live/{number(n)}_0.flv"] = live(flv)
        low = PushSession.objects.filter(camera__number_key=number(n), video_type=VideoType.LOW)
        low.update(state=PushState.LIVE)

    def list_streams(self, peer: MediaPeer) -> None:
        rows = [{"app": "live", "stream": name, "viewers": self.viewers} for name in sorted(self.pushed)]
        body = json.dumps({"streams": rows}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        raw(head.encode(), body)(peer)

    def orders(self) -> list[str]:
        return [request.path.rpartition(".")[2] for request in self.gateway.requests]


@contextmanager
def roadside_with(high: bytes) -> Iterator[Roadside]:
    with FlvServer() as media, peer_answering(lambda _: reply(200)) as gateway:
        made = Roadside(gateway, media, high)
        gateway.respond = made.respond
        media.behaviours["/api/streams"] = made.list_streams
        MediaServer.objects.create(
            name="embedded",
            kind=MediaKind.EMBEDDED,
            rtmp_url="rtmp://127.0.0.1:1935",
            http_url=media.base,
        )
        yield made
