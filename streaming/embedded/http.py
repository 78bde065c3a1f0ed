"""The HTTP side: errors as JSON, CORS, the platform's list and kick."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from aiohttp import web

from streaming.embedded import tickets
from streaming.embedded.config import MediaConfig
from streaming.embedded.hooks import Hooks
from streaming.embedded.hub import Hub, StreamFacts, Tell
from streaming.embedded.tickets import RefusedError
from streaming.embedded.viewers import FlvViewer

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BODY_BYTES = 64 * 1024
_MESSAGES = {404: "地址不存在", 405: "请求方法不允许", 413: "请求内容过大"}


@dataclass
class Site:
    """What the routes share."""

    config: MediaConfig
    hub: Hub
    hooks: Hooks
    tell: Tell
    new_id: Callable[[], str]
    viewers: dict[str, FlvViewer]


def to_json(facts: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(facts), status=status, content_type="application/json", charset="utf-8"
    )


def problem(status: int, message: str) -> web.Response:
    response = to_json({"code": status, "msg": message}, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def make_app(site: Site, routes: list[web.RouteDef]) -> web.Application:
    app = web.Application(middlewares=[_answer_all], client_max_size=_BODY_BYTES)
    app.add_routes(
        [
            web.get("/healthz", lambda request: _health(site)),
            web.get("/api/streams", lambda request: _list_streams(site, request)),
            web.post("/api/kick", lambda request: _kick(site, request)),
            *routes,
        ]
    )
    app.on_response_prepare.append(_cors(site.config.cors_origins))
    return app


@web.middleware
async def _answer_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Also percent-encoded: `path` is decoded. Nothing here is a file, but nobody climbs out of a session.
    if ".." in request.path or "\\" in request.path:
        return problem(403, "地址不合法")
    if request.method == "OPTIONS":
        return web.Response(status=204)
    try:
        return await handler(request)
    except RefusedError as error:
        return problem(error.status, error.message)
    except web.HTTPException as error:
        answer = problem(error.status, _MESSAGES.get(error.status, error.reason))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer


def allowed_origin(origins: tuple[str, ...], origin: str) -> str:
    if "*" in origins:
        return "*"
    return origin if origin and origin in origins else ""


def _cors(origins: tuple[str, ...]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def add(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "media"
        if request.path.startswith("/api/"):
            return
        allowed = allowed_origin(origins, request.headers.get("Origin", ""))
        if allowed != "*":
            response.headers["Vary"] = "Origin"
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = allowed
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
                response.headers["Access-Control-Allow-Headers"] = "Range, Content-Type"
                response.headers["Access-Control-Max-Age"] = "600"

    return add


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


async def _kick(site: Site, request: web.Request) -> web.Response:
    tickets.check_secret(site.config, request.headers.get("X-Media-Secret", ""))
    try:
        wanted = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise RefusedError(400, "请求不是 JSON") from None
    if not isinstance(wanted, dict):
        raise RefusedError(400, "请求应为 JSON 对象")
    client_id, app, name = (wanted.get(field) for field in ("client_id", "app", "stream"))
    if isinstance(client_id, str) and client_id:
        return to_json({"kicked": _kick_client(site, client_id)})
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


def _kick_client(site: Site, client_id: str) -> int:
    viewer = site.viewers.get(client_id)
    if viewer is not None:
        viewer.drop("kicked")
        return 1
    for stream in site.hub.streams.values():
        if stream.publisher is not None and stream.publisher.client.client_id == client_id:
            site.hub.end(stream, "kicked")
            return 1
    return 0
