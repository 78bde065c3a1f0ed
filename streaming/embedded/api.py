"""What the platform may ask: the streams that are there, and that someone be thrown out."""

import orjson
from aiohttp import web

from protocol.play_urls import CAPTURE_UID
from streaming.embedded import tickets
from streaming.embedded.http import Site, to_json
from streaming.embedded.hub import Client, Key, StreamFacts
from streaming.embedded.play_hls import HlsPlayer
from streaming.embedded.tickets import RefusedError


class Api:
    def __init__(self, site: Site, hls: HlsPlayer) -> None:
        self._site = site
        self._hls = hls

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self._health),
            web.get("/api/streams", self._list_streams),
            web.get("/api/viewers", self._list_viewers),
            web.post("/api/kick", self._kick),
        ]

    async def _health(self, request: web.Request) -> web.Response:
        streams = self._site.hub.streams.values()
        viewers = sum(stream.viewers for stream in streams)
        return to_json({"ok": True, "streams": len(streams), "viewers": viewers})

    async def _list_streams(self, request: web.Request) -> web.Response:
        self._check_secret(request)
        # As the events say: one whose publisher is within its time of grace is there, and so are its viewers.
        streams = self._site.hub.streams
        if "stream" in request.query:
            wanted = streams.get((request.query.get("app", ""), request.query["stream"]))
            streams = {wanted.key: wanted} if wanted else {}
        there = [stream.facts() for stream in streams.values() if stream.is_announced]
        return to_json({"streams": [_stream_line(facts) for facts in there]})

    async def _list_viewers(self, request: web.Request) -> web.Response:
        """Those whose coming is told, in the words in which it is."""
        self._check_secret(request)
        flv = ((viewer.key, viewer.client) for viewer in self._site.viewers.values())
        rows = [_viewer_line(key, client) for key, client in (*flv, *self._hls.viewers())]
        return to_json({"viewers": [row for row in rows if row["uid"] != CAPTURE_UID]})

    def _check_secret(self, request: web.Request) -> None:
        tickets.check_secret(self._site.config, request.headers.get("X-Media-Secret", ""))

    async def _kick(self, request: web.Request) -> web.Response:
        self._check_secret(request)
        try:
            wanted = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            raise RefusedError(400, "请求不是 JSON") from None
        if not isinstance(wanted, dict):
            raise RefusedError(400, "请求应为 JSON 对象")
        client_id, app, name = (wanted.get(field) for field in ("client_id", "app", "stream"))
        if isinstance(client_id, str) and client_id:
            return to_json({"kicked": self.kick_client(client_id, everywhere=True)})
        if isinstance(app, str) and isinstance(name, str) and app and name:
            return to_json({"kicked": self._kick_stream(app, name)})
        raise RefusedError(400, "缺少 app 和 stream，或 client_id")

    def _kick_stream(self, app: str, name: str) -> int:
        stream = self._site.hub.streams.get((app, name))
        if stream is None:
            return 0
        kicked = stream.viewers + (stream.publisher is not None)
        self._site.hub.end(stream, "kicked")
        return kicked

    def kick_client(self, client_id: str, *, everywhere: bool = False) -> int:
        """`everywhere`: a session of HLS ends also for others to whom it was, or will be, passed on."""
        viewer = self._site.viewers.get(client_id)
        if viewer is not None:
            viewer.drop("kicked")
            return 1
        for stream in self._site.hub.streams.values():
            if stream.publisher is not None and stream.publisher.client.client_id == client_id:
                self._site.hub.end(stream, "kicked")
                return 1
        return self._hls.kick(client_id, everywhere=everywhere)


def _viewer_line(key: Key, client: Client) -> dict[str, str]:
    return {
        "app": key[0],
        "stream": key[1],
        "client_id": client.client_id,
        "address": client.address,
        "uid": client.uid,
        "protocol": client.protocol,
    }


def _stream_line(facts: StreamFacts) -> dict[str, object]:
    return {
        "app": facts.app,
        "stream": facts.stream,
        "publisher": {"id": facts.publisher.client_id, "address": facts.publisher.address},
        "since": facts.since,
        "codec": "H264",
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "bitrate_kbps": facts.bitrate_kbps,
        "gop_seconds": facts.gop_seconds,
        "has_audio": facts.has_audio,
        "bytes": facts.total_bytes,
        "viewers": facts.viewers,
    }
