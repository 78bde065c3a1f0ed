"""One kind of media server each, with what a contract test does to it."""

import abc
import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlsplit

import urllib3

from streaming.choices import MediaKind
from streaming.embedded.config import Limits
from streaming.media import MediaAdapter, adapter_for
from streaming.models import MediaServer
from tests.protocol.peer import Peer, Reply, Request
from tests.streaming.embedded.conftest import SECRET, Media, media_config
from tests.streaming.embedded.peers import DEADLINE_SECONDS, FlvTag, HttpPeer, Publisher
from tests.streaming.media.standins import SrsStandIn, StandIn, ZlmStandIn

_CLIP_MS = 6000
_CARRIED = ("Location", "X-Media-Path")


class Relay:
    """Carries callbacks to the platform, or loses them."""

    def __init__(self, platform: str, port: int = 0) -> None:
        self.is_lossy = False
        self._platform = urlsplit(platform).netloc
        self.peer = Peer(self._respond, port=port)

    def _respond(self, request: Request) -> Reply:
        if self.is_lossy:
            return Reply(b"", 503)
        given = ("x-media-secret", "x-original-uri", "content-type")
        headers = {name: value for name, value in request.headers.items() if name in given}
        # A connection each: a thread of the platform that lives on would hold one to the database.
        with closing(HTTPConnection(self._platform, timeout=DEADLINE_SECONDS)) as connection:
            connection.request(request.method, request.target, request.body, headers)
            answer = connection.getresponse()
            back = {name: answer.headers[name] for name in _CARRIED if name in answer.headers}
            return Reply(answer.read(), answer.status, back)

    def close(self) -> None:
        self.peer.close()


class Front:
    """The reverse proxy of docs/media.md, as far as HLS goes."""

    def __init__(self, platform: str, name: str, media: str) -> None:
        self._hooks = f"{platform}/hooks/media/{name}"
        self._media = media
        self._http = urllib3.PoolManager()
        self.peer = Peer(self._respond)

    def _respond(self, request: Request) -> Reply:
        path, _, query = request.target.partition("?")
        if path.startswith("/live/") and path.endswith(".m3u8"):
            stream = path.removeprefix("/live/").removesuffix(".m3u8")
            return self._get(f"{self._hooks}/hls-entry/{stream}?{query}")
        if not path.startswith("/s/"):
            return Reply(b"", 404)
        verdict = self._get(f"{self._hooks}/hls-file", {"X-Original-URI": request.target})
        if verdict.status != 204:
            return Reply(b"", 403)
        return self._get(self._media + verdict.headers["X-Media-Path"])

    def _get(self, url: str, headers: dict[str, str] | None = None) -> Reply:
        answer = self._http.request("GET", url, headers=headers, retries=False, redirect=False)
        back = {name: answer.headers[name] for name in _CARRIED if name in answer.headers}
        return Reply(answer.data, answer.status, back)

    def close(self) -> None:
        self._http.clear()
        self.peer.close()


class Watcher(abc.ABC):
    """Somebody who has opened an FLV address and goes on."""

    @abc.abstractmethod
    def is_over(self) -> bool:
        """Whether the server has ended it."""


class _Connection(Watcher):
    def __init__(self, port: int, url: str) -> None:
        parts = urlsplit(url)
        self._peer = HttpPeer(port, f"{parts.path}?{parts.query}")
        assert self._peer.read_head() == 200
        self._peer.socket.setblocking(False)

    def is_over(self) -> bool:
        try:
            while self._peer.socket.recv(65536):
                pass
        except BlockingIOError:
            return False
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        self._peer.__exit__()


class Bench(abc.ABC):
    kind: MediaKind
    name = "zlm1"
    given = SECRET
    # Where the server's callbacks go; 0 where it can be told.
    hook_port = 0
    server: MediaServer
    relay: Relay

    @abc.abstractmethod
    def begin(self, relay: Relay) -> None: ...

    @abc.abstractmethod
    def publish(self, stream: str, query: str) -> bool:
        """Whether a publisher was let in; it goes on until `leave`."""

    @abc.abstractmethod
    def leave(self, stream: str) -> None: ...

    @abc.abstractmethod
    def play(self, url: str) -> int:
        """Status of an opened FLV address, 0 where the server closes without one."""

    @abc.abstractmethod
    def watch(self, url: str) -> Watcher: ...

    @abc.abstractmethod
    def crash(self) -> None:
        """Gone without a word, with all its publishers."""

    @abc.abstractmethod
    def restart(self) -> None: ...

    @abc.abstractmethod
    def close(self) -> None: ...

    @property
    def adapter(self) -> MediaAdapter:
        return adapter_for(self.server)

    def register(self, *, http_url: str, rtmp_url: str = "rtmp://127.0.0.1:1935", api_url: str = "") -> None:
        self.server = MediaServer.objects.create(
            name=self.name,
            kind=self.kind,
            rtmp_url=rtmp_url,
            http_url=http_url,
            api_url=api_url,
            secret=self.given,
        )

    def fetch_playlist(self, url: str, stream: str) -> Reply:
        """Of a session, while pictures come in."""
        return self.fetch(url)

    def fetch(self, url: str) -> Reply:
        """Of the play address, without following a redirect."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        with HttpPeer(urlsplit(self.server.http_url).port or 80, target) as peer:
            peer.read_head()
            location = peer.headers.get("location", "")
            return Reply(b"".join(peer.body()), peer.status, {"Location": location})


def _open(port: int, url: str) -> int:
    parts = urlsplit(url)
    with HttpPeer(port, f"{parts.path}?{parts.query}") as peer:
        return peer.read_head()


class _RtmpBench(Bench):
    """A server that takes RTMP."""

    def __init__(self, clip: list[FlvTag]) -> None:
        self._clip = clip
        self._publishers: dict[str, Publisher] = {}
        self._watchers: list[_Connection] = []
        self.rtmp_port = self.http_port = 0

    def publish(self, stream: str, query: str) -> bool:
        publisher = Publisher(self.rtmp_port)
        auth_key = query.removeprefix("auth_key=") or None
        if publisher.publish("live", stream, auth_key) != "NetStream.Publish.Start":
            publisher.socket.close()
            return False
        publisher.send_tags(self._clip)
        self._publishers[stream] = publisher
        return True

    def leave(self, stream: str) -> None:
        self._publishers.pop(stream).socket.close()

    def fetch_playlist(self, url: str, stream: str) -> Reply:
        with ThreadPoolExecutor(1) as pool:
            fetched = pool.submit(self.fetch, url)
            for number in count(1):
                self._publishers[stream].send_tags(self._clip, shift=number * _CLIP_MS)
                if wait([fetched], timeout=0.3).done:
                    break
            return fetched.result()

    def play(self, url: str) -> int:
        return _open(self.http_port, url)

    def watch(self, url: str) -> Watcher:
        self._watchers.append(_Connection(self.http_port, url))
        return self._watchers[-1]

    def close(self) -> None:
        for watcher in self._watchers:
            watcher.close()
        for publisher in self._publishers.values():
            publisher.socket.close()
        self._publishers.clear()


class EmbeddedBench(_RtmpBench):
    kind = MediaKind.EMBEDDED
    name = "embedded"

    def begin(self, relay: Relay) -> None:
        self.relay = relay
        self.restart()
        url = f"http://127.0.0.1:{self.http_port}"
        self.register(http_url=url, rtmp_url=f"rtmp://127.0.0.1:{self.rtmp_port}")

    def crash(self) -> None:
        self.relay.is_lossy = True
        self._media.stop()
        self.relay.is_lossy = False
        _RtmpBench.close(self)

    def restart(self) -> None:
        ports = {"rtmp_port": self.rtmp_port, "http_port": self.http_port}
        # As in service, but that publishers send at once and then keep still.
        limits = Limits(media_idle_seconds=300.0)
        self._media = Media(media_config(platform_url=self.relay.peer.base_url, limits=limits, **ports))
        self.rtmp_port, self.http_port = self._media.rtmp_port, self._media.http_port

    def close(self) -> None:
        super().close()
        self._media.stop()


class GivenBench(_RtmpBench):
    """A real ZLMediaKit or SRS on this machine, set up as docs/media.md says."""

    def __init__(self, kind: str, clip: list[FlvTag], facts: dict[str, str]) -> None:
        super().__init__(clip)
        self.kind = MediaKind(kind)
        self.name, self.given = facts["NAME"], facts["SECRET"]
        self.hook_port = int(facts["HOOK_PORT"])
        self._facts = facts
        self._front: Front | None = None

    @classmethod
    def from_environment(cls, kind: str, clip: list[FlvTag]) -> "GivenBench | None":
        prefix = f"TEST_{kind.upper()}_"
        names = ("URL", "RTMP", "API", "SECRET", "NAME", "HOOK_PORT")
        facts = {name: os.environ.get(prefix + name, "") for name in names}
        return cls(kind, clip, facts) if facts["URL"] else None

    def begin(self, relay: Relay) -> None:
        self.relay = relay
        url = self._facts["URL"]
        self.http_port = urlsplit(url).port or 80
        self.rtmp_port = urlsplit(self._facts["RTMP"]).port or 1935
        self._front = Front(relay.peer.base_url, self.name, url)
        self.register(
            http_url=self._front.peer.base_url,
            rtmp_url=self._facts["RTMP"],
            api_url=self._facts["API"] or url,
        )

    def crash(self) -> None:
        raise NotImplementedError

    restart = crash

    def close(self) -> None:
        super().close()
        if self._front is not None:
            self._front.close()


class _Played(Watcher):
    """A viewer of a stand-in."""

    def __init__(self, media: StandIn) -> None:
        self._media = media
        self._client = list(media.viewers)[-1]

    def is_over(self) -> bool:
        return self._client not in self._media.viewers


class _StandInBench(Bench):
    make: type[StandIn]
    media: StandIn

    def begin(self, relay: Relay) -> None:
        self.relay = relay
        self.media = self.make(relay.peer.base_url, self.name, self.given)
        self._front = Front(relay.peer.base_url, self.name, self.media.peer.base_url)
        self.register(http_url=self._front.peer.base_url, api_url=self.media.peer.base_url)

    def publish(self, stream: str, query: str) -> bool:
        return self.media.publish(stream, query)

    def leave(self, stream: str) -> None:
        self.media.leave(stream)

    def play(self, url: str) -> int:
        return _open(urlsplit(self.media.peer.base_url).port or 80, url)

    def watch(self, url: str) -> Watcher:
        assert self.play(url) == 200
        return _Played(self.media)

    def crash(self) -> None:
        self.media.is_down = True
        self.media.streams.clear()

    def restart(self) -> None:
        self.media.is_down = False

    def close(self) -> None:
        self._front.close()
        self.media.close()


class ZlmBench(_StandInBench):
    kind = MediaKind.ZLM
    make = ZlmStandIn


class SrsBench(_StandInBench):
    kind = MediaKind.SRS
    make = SrsStandIn
