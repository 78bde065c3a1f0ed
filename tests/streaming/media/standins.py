"""ZLMediaKit and SRS played on loopback: real HTTP, callbacks and answers in the shapes that were recorded."""

import abc
import json
from itertools import count
from typing import Any

import urllib3

from tests.protocol.peer import Peer, Reply, Request
from tests.streaming.media.recordings import answer_of, body_of

_CLOSED = Reply(b"", raw=b"")
_SEGMENTS = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n{name}\n"


class StandIn(abc.ABC):
    """`streams`: what is published, with the query it came with; `viewers`: who watches which of them by FLV.

    `is_down`: it neither answers nor calls.
    """

    def __init__(self, platform: str, name: str, given: str) -> None:
        self.name, self.given = name, given
        self.streams: dict[str, str] = {}
        self.viewers: dict[str, str] = {}
        self._numbers = count(1)
        self.is_down = False
        self.codec = "H264"
        self._platform = platform
        self._http = urllib3.PoolManager()
        self.peer = Peer(self._respond)

    def close(self) -> None:
        self._http.clear()
        self.peer.close()

    def tell(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post a callback; an answer that is none counts as a refusal, as these servers take it."""
        url = f"{self._platform}/hooks/media/{self.name}/{hook}?secret={self.given}"
        answer = self._http.request("POST", url, json=body, retries=False)
        if answer.status != 200:
            return {"code": -1}
        said: dict[str, Any] = answer.json()
        return said

    def _respond(self, request: Request) -> Reply:
        if self.is_down:
            return _CLOSED
        query = request.target.partition("?")[2]
        return self.answer(request, query)

    @abc.abstractmethod
    def answer(self, request: Request, query: str) -> Reply: ...

    @abc.abstractmethod
    def publish(self, stream: str, query: str) -> bool: ...

    @abc.abstractmethod
    def leave(self, stream: str) -> None: ...


class ZlmStandIn(StandIn):
    def publish(self, stream: str, query: str) -> bool:
        facts = {"stream": stream, "params": query}
        if self.tell("on_publish", body_of("zlm", "on_publish", **facts))["code"] != 0:
            return False
        self.streams[stream] = query
        body = body_of("zlm", "on_stream_changed", **facts)
        body["tracks"][0]["codec_id_name"] = self.codec
        self.tell("on_stream_changed", body)
        return True

    def leave(self, stream: str) -> None:
        query = self.streams.pop(stream)
        self.tell("on_stream_changed", body_of("zlm", "on_stream_changed", 1, stream=stream, params=query))

    def answer(self, request: Request, query: str) -> Reply:
        parts = request.path.removeprefix("/").split("/")
        match parts:
            case ["index", "api", name]:
                return self._interface(name, request.query)
            case ["live", stream, "hls.m3u8"]:
                return self._play(stream, query, "hls", _SEGMENTS.format(name="2026-11-28/17/05-00_0.ts"))
            case ["live", file] if file.endswith(".live.flv"):
                return self._play(file.removesuffix(".live.flv"), query, "rtmp", "FLV")
        body = {"path": request.path, "params": query, "mediaServerId": self.name}
        return Reply(b"x", 401 if self.tell("on_http_access", body).get("err", "-") else 200)

    def _play(self, stream: str, query: str, schema: str, content: str) -> Reply:
        client = f"{next(self._numbers)}-13"
        facts = {"stream": stream, "params": query, "schema": schema, "id": client}
        nth = 3 if schema == "hls" else 0
        if self.tell("on_play", body_of("zlm", "on_play", nth, **facts))["code"] != 0:
            return Reply(b"", 401)
        if stream not in self.streams:
            # A real one waits maxStreamWaitMS where it is not told to close.
            missing = self.tell("on_stream_not_found", body_of("zlm", "on_stream_not_found", **facts))
            return Reply(b"", 404 if missing["close"] else 504)
        if schema != "hls":
            self.viewers[client] = stream
        return Reply(content.encode())

    def _interface(self, name: str, query: dict[str, str]) -> Reply:
        if query.get("secret") != self.given:
            return Reply(b'{"code": -100, "msg": "Incorrect secret"}')
        if name == "kick_session":
            stream = self.viewers.pop(query["id"], None)
            if stream is None:
                return Reply(b'{"code": -1, "msg": "can not find the target"}')
            body = body_of("zlm", "on_flow_report", stream=stream, id=query["id"], player=True)
            self.tell("on_flow_report", body)
            return Reply(b'{"code": 0, "msg": "success"}')
        if name == "close_streams":
            is_there = query["stream"] in self.streams
            if is_there:
                self.leave(query["stream"])
            return Reply(json.dumps({"code": 0, "count_hit": is_there, "count_closed": int(is_there)}).encode())
        answer = answer_of("api_zlm_getMediaList")
        answer["data"] = [row | {"stream": stream} for stream in self.streams for row in answer["data"]]
        for row in answer["data"]:
            row["tracks"][0]["codec_id_name"] = self.codec
        return Reply(json.dumps(answer).encode())


class SrsStandIn(StandIn):
    def _tell_srs(self, action: str, stream: str, query: str, **facts: str) -> bool:
        body = body_of("srs", action, stream=stream, param=f"?{query}", **facts)
        return bool(self.tell("event", body)["code"] == 0)

    def publish(self, stream: str, query: str) -> bool:
        if not self._tell_srs("on_publish", stream, query):
            return False
        self.streams[stream] = query
        return True

    def leave(self, stream: str) -> None:
        self._tell_srs("on_unpublish", stream, self.streams.pop(stream))

    def answer(self, request: Request, query: str) -> Reply:
        parts = request.path.removeprefix("/").split("/")
        match parts:
            case ["api", "v1", "streams", ""]:
                return self._list(int(request.query.get("count", 1)))
            case ["api", "v1", "clients", client] if request.method == "DELETE":
                return Reply(json.dumps({"code": 0 if self._end(client) else 2049}).encode())
            case ["live", file] if file.endswith(".flv"):
                return self._play(file.removesuffix(".flv"), query)
            # With hls_ctx off it asks nobody about playlists and segments.
            case ["live", file] if file.endswith(".m3u8"):
                stream = file.removesuffix(".m3u8")
                return Reply(_SEGMENTS.format(name=f"{stream}-0.ts").encode())
            case ["live", file] if file.endswith(".ts"):
                return Reply(b"x")
        return Reply(b"", 404)

    def _play(self, stream: str, query: str) -> Reply:
        client = f"v{next(self._numbers)}"
        if not self._tell_srs("on_play", stream, query, client_id=client):
            return _CLOSED
        self.viewers[client] = stream
        return Reply(b"FLV")

    def _end(self, client: str) -> bool:
        """Viewers and publishers are all clients."""
        if stream := self.viewers.pop(client, None):
            return self._tell_srs("on_stop", stream, "", client_id=client)
        stream = client.removeprefix("cid-")
        is_there = stream in self.streams
        if is_there:
            self.leave(stream)
        return is_there

    def _list(self, count: int) -> Reply:
        answer = answer_of("api_srs_streams")
        (row,) = answer["streams"]
        row["video"]["codec"] = self.codec
        answer["streams"] = [
            row | {"name": stream, "publish": {"active": True, "cid": f"cid-{stream}"}}
            for stream in list(self.streams)[:count]
        ]
        return Reply(json.dumps(answer).encode())
