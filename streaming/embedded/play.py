"""FLV over HTTP and WebSocket, and how any viewer waits for a stream that is not there yet."""

import asyncio
import contextlib
import time
from typing import Any

from aiohttp import web

from protocol.play_urls import CAPTURE_UID
from streaming.embedded import tickets
from streaming.embedded.http import Site, allowed_origin
from streaming.embedded.hub import Client, Key, Stream
from streaming.embedded.tickets import RefusedError
from streaming.embedded.viewers import FlvViewer, Frame, http_chunk, plain, websocket_frame

_HEADERS = {"Content-Type": "video/x-flv", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_CLOSE_SECONDS = 1.0


async def find_stream(site: Site, key: Key, client: Client) -> Stream | None:
    """The stream, waited for if a push of it was begun; None is a 404 (protocol.md section 4)."""
    stream = site.hub.live(key)
    if stream is not None:
        return stream
    loop = asyncio.get_running_loop()
    deadline = loop.time() + site.config.limits.wait_seconds
    arrival = site.hub.arrival(key)
    try:
        if not site.hub.is_publishing(key):
            # Shared with other viewers: one who leaves must not cancel it.
            question = site.hooks.ask(key, client)
            waiting: list[asyncio.Future[Any]] = [arrival, question]
            await asyncio.wait(waiting, timeout=deadline - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            if not arrival.done() and not (question.done() and question.result()):
                return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                return await arrival
        return None
    finally:
        arrival.cancel()


def make_client(site: Site, request: web.Request, protocol: str, uid: str) -> Client:
    # Bytes that are no text reach us as surrogates, which JSON cannot carry to the platform.
    query = request.rel_url.raw_query_string.encode("utf-8", "replace").decode()
    return Client(site.new_id(), site.address_of(request), query, protocol, uid)


class FlvPlayer:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        return [web.get(r"/{app:[\w-]+}/{stream:[\w-]+}.flv", self._play)]

    async def _play(self, request: web.Request) -> web.StreamResponse:
        uid = tickets.check_play(self._site.config, request.path, request.query)
        key = request.match_info["app"], request.match_info["stream"]
        if request.method == "HEAD":
            if self._site.hub.live(key) is None:
                raise RefusedError(404, "视频流不存在")
            return web.Response(headers=_HEADERS)
        is_websocket = request.headers.get("Upgrade", "").lower() == "websocket"
        origin = request.headers.get("Origin", "")
        # Browsers do not apply CORS to WebSockets; the list of origins would be worth nothing.
        if is_websocket and origin and not allowed_origin(self._site.config.cors_origins, origin):
            raise RefusedError(403, "来源不允许")
        # The key is decoded as BASE64 later, where other bytes would count as a fault of ours.
        if is_websocket and not request.headers.get("Sec-WebSocket-Key", "").isascii():
            raise RefusedError(400, "WebSocket 握手不正确")
        client = make_client(self._site, request, "ws" if is_websocket else "flv", uid)
        stream = await find_stream(self._site, key, client)
        if stream is None:
            raise RefusedError(404, "视频流不存在")
        if is_websocket:
            return await self._play_websocket(request, stream, client)
        return await self._play_http(request, stream, client)

    async def _play_http(self, request: web.Request, stream: Stream, client: Client) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        # Nothing can follow an endless body on this connection.
        response.force_close()
        await response.prepare(request)
        frame = http_chunk if request.version >= (1, 1) else plain
        viewer = self._begin(request, stream, client, frame)
        try:
            # Who leaves cancels this task, and unshielded the future that is to say how it ended.
            await asyncio.shield(viewer.done)
        finally:
            self._finish(stream, viewer)
        return response

    async def _play_websocket(
        self, request: web.Request, stream: Stream, client: Client
    ) -> web.StreamResponse:
        response = web.WebSocketResponse(timeout=_CLOSE_SECONDS, max_msg_size=4096, compress=False)
        await response.prepare(request)
        viewer = self._begin(request, stream, client, websocket_frame)
        reading = asyncio.create_task(_read_to_end(response))
        ends: list[asyncio.Future[Any]] = [reading, viewer.done]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            self._finish(stream, viewer)
        await response.close()
        return response

    def _begin(self, request: web.Request, stream: Stream, client: Client, frame: Frame) -> FlvViewer:
        transport = request.transport
        if (
            transport is None
            or transport.is_closing()
            or self._site.hub.streams.get(stream.key) is not stream
        ):
            raise ConnectionResetError("viewer or stream left meanwhile")
        viewer = FlvViewer(stream, client, transport, frame, self._site.config.limits)
        self._site.viewers[client.client_id] = viewer
        stream.listeners.add(viewer)
        viewer.begin()
        self._tell("play", stream, client, {})
        return viewer

    def _finish(self, stream: Stream, viewer: FlvViewer) -> None:
        stream.listeners.discard(viewer)
        self._site.viewers.pop(viewer.client.client_id, None)
        viewer.end("left")
        details: dict[str, object] = {
            "reason": viewer.done.result(),
            "bytes": viewer.sent_bytes,
            "seconds": round(time.time() - viewer.since, 3),
        }
        self._tell("stop", stream, viewer.client, details)

    def _tell(self, event: str, stream: Stream, client: Client, details: dict[str, object]) -> None:
        # Nobody watches there; told of 20,000 cameras, the platform would hear of little else.
        if client.uid != CAPTURE_UID:
            self._site.tell(event, stream.key, client, details)


async def _read_to_end(response: web.WebSocketResponse) -> None:
    async for _ in response:
        pass
