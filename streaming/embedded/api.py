"""What the platform may ask: the streams that are there, and that someone be thrown out."""

import orjson
from aiohttp import web

from streaming.embedded import tickets
from streaming.embedded.http import Site, to_json
from streaming.embedded.hub import StreamFacts
from streaming.embedded.play_hls import HlsPlayer
from streaming.embedded.tickets import RefusedError


def api_routes(site: Site, hls: HlsPlayer) -> list[web.RouteDef]:
    return [
        web.get("/healthz", lambda request: _health(site)),
        web.get("/api/streams", lambda request: _list_streams(site, request)),
        web.post("/api/kick", lambda request: _kick(site, hls, request)),
    ]


async def _health(site: Site) -> web.Response:
    streams = site.hub.streams.values()
    viewers = sum(stream.viewers for stream in streams)
    return to_json({"ok": True, "streams": len(streams), "viewers": viewers})


async def _list_streams(site: Site, request: web.Request) -> web.Response:
    tickets.check_secret(site.config, request.headers.get("X-Media-Secret", ""))
    live = [stream.facts() for stream in site.hub.streams.values() if stream.is_live]
    return to_json({"streams": [_stream_line(facts) for facts in live]})


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


async def _kick(site: Site, hls: HlsPlayer, request: web.Request) -> web.Response:
    tickets.check_secret(site.config, request.headers.get("X-Media-Secret", ""))
    try:
        wanted = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise RefusedError(400, "请求不是 JSON") from None
    if not isinstance(wanted, dict):
        raise RefusedError(400, "请求应为 JSON 对象")
    client_id, app, name = (wanted.get(field) for field in ("client_id", "app", "stream"))
    if isinstance(client_id, str) and client_id:
        return to_json({"kicked": _kick_client(site, hls, client_id)})
    if isinstance(app, str) and isinstance(name, str) and app and name:
        return to_json({"kicked": _kick_stream(site, app, name)})
    raise RefusedError(400, "缺少 app 和 stream，或 client_id")


def _kick_stream(site: Site, app: str, name: str) -> int:
    stream = site.hub.streams.get((app, name))
    if stream is None:
        return 0
    kicked = stream.viewers + (stream.publisher is not None)
    site.hub.end(stream, "kicked")
    return kicked


def _kick_client(site: Site, hls: HlsPlayer, client_id: str) -> int:
    viewer = site.viewers.get(client_id)
    if viewer is not None:
        viewer.drop("kicked")
        return 1
    for stream in site.hub.streams.values():
        if stream.publisher is not None and stream.publisher.client.client_id == client_id:
            site.hub.end(stream, "kicked")
            return 1
    return hls.kick(client_id)
