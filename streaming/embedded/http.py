"""The HTTP side, what all routes share: errors as JSON, CORS."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from protocol.forwarding import Network, client_address, networks_of
from streaming.embedded.config import MediaConfig
from streaming.embedded.hooks import Hooks
from streaming.embedded.hub import Hub, Tell
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
    _proxies: tuple[Network, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._proxies = networks_of(self.config.trusted_proxies)

    def address_of(self, request: web.Request) -> str:
        """The viewer's, whatever proxy of ours stands between."""
        forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", []))
        return client_address(request.remote or "", forwarded_for, self._proxies)


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
    app.add_routes(routes)
    app.on_response_prepare.append(_cors(site.config.cors_origins))
    return app


@web.middleware
async def _answer_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method == "OPTIONS":
        return web.Response(status=204)
    try:
        return await handler(request)
    except RefusedError as error:
        return problem(error.status, error.message)
    except ConnectionError:
        raise
    except web.HTTPException as error:
        answer = problem(error.status, _MESSAGES.get(error.status, error.reason))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return problem(500, "服务内部错误")


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
