"""HLS over HTTP: the signed entry, its session, playlist and segments."""

import asyncio
import time
from collections.abc import Iterator

from aiohttp import web

from streaming.embedded import tickets
from streaming.embedded.hls import Packager, Session
from streaming.embedded.http import Site
from streaming.embedded.hub import Client, Key, Stream
from streaming.embedded.play import find_stream, make_client
from streaming.embedded.tickets import RefusedError

_PLAYLIST_HEADERS = {"Content-Type": "application/vnd.apple.mpegurl", "Cache-Control": "no-store"}
_SEGMENT_HEADERS = {"Content-Type": "video/mp2t", "Cache-Control": "private, max-age=30"}


class HlsPlayer:
    """All packagers and sessions. A stream is packaged only while it has a session."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._packagers: dict[Key, Packager] = {}
        # Kicked sessions, at one address or at all, until they would have been over anyway.
        self._banned: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        # One spelling of each session: \d also takes digits of other scripts, and a leading 0 the same number.
        who = r"{expires:[1-9][0-9]{0,11}}/{mac:[0-9a-f]{64}}-{uid:[A-Za-z0-9_]{1,64}}-{nonce:[A-Za-z0-9_]{1,64}}"
        session = rf"/s/{who}/{{app:[\w-]+}}/{{stream:[\w-]+}}"
        return [
            web.get(r"/{app:[\w-]+}/{stream:[\w-]+}.m3u8", self._entry),
            web.get(session + "/index.m3u8", self._playlist),
            web.get(session + r"/{number:[0-9]{1,15}}.ts", self._segment),
            web.get(r"/{anywhere:.+}/{file:[^/]+\.(ts|m3u8)}", self._without_session),
        ]

    async def _without_session(self, request: web.Request) -> web.StreamResponse:
        raise RefusedError(403, "播放会话无效")

    async def _entry(self, request: web.Request) -> web.StreamResponse:
        site = self._site
        uid = tickets.check_play(site.config, request.path, request.query)
        key = request.match_info["app"], request.match_info["stream"]
        if request.method == "HEAD":
            stream = site.hub.live(key)
        else:
            stream = await find_stream(site, key, make_client(site, request, "hls", uid))
        if stream is None:
            raise RefusedError(404, "视频流不存在")
        # A path without host stays right behind any proxy.
        location = tickets.session_path(site.config, *key, uid) + "/index.m3u8"
        return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})

    def _checked(self, request: web.Request) -> tuple[Key, str]:
        """Stream and session of a request below a session prefix."""
        found = request.match_info
        key = found["app"], found["stream"]
        expires, mac = int(found["expires"]), found["mac"]
        tickets.check_session(self._site.config, *key, expires, mac, found["uid"], found["nonce"])
        session_id = f"{expires} {mac} {self._site.address_of(request)}"
        if session_id in self._banned or _whole(session_id) in self._banned:
            raise RefusedError(410, "播放会话已结束，请重新获取播放地址")
        # The address tells viewers apart to whom the same session was passed on.
        return key, session_id

    async def _playlist(self, request: web.Request) -> web.StreamResponse:
        key, session_id = self._checked(request)
        deadline = asyncio.get_running_loop().time() + self._site.config.limits.wait_seconds
        stream = await self._await_stream(key, deadline)
        if stream is None:
            raise RefusedError(404, "视频流不存在")
        packager = self._packager(stream)
        self._touch(packager, session_id, request, 0)
        if not await packager.first_segment(deadline):
            raise RefusedError(404, "视频流尚无分片")
        return web.Response(body=packager.playlist().encode(), headers=_PLAYLIST_HEADERS)

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        key, session_id = self._checked(request)
        packager = self._packagers.get(key)
        data = packager.segment(int(request.match_info["number"])) if packager is not None else None
        if packager is None or data is None:
            raise RefusedError(404, "分片不存在")
        self._touch(packager, session_id, request, len(data))
        return web.Response(body=data, headers=_SEGMENT_HEADERS)

    async def _await_stream(self, key: Key, deadline: float) -> Stream | None:
        """A session outlives a short absence of its stream; it asks nobody to push again."""
        stream = self._site.hub.live(key)
        if stream is not None:
            return stream
        arrival = self._site.hub.arrival(key)
        try:
            async with asyncio.timeout_at(deadline):
                return await arrival
        except TimeoutError:
            return None
        finally:
            arrival.cancel()

    def _packager(self, stream: Stream) -> Packager:
        packager = self._packagers.get(stream.key)
        if packager is not None and packager.stream is stream:
            return packager
        fresh = Packager(stream, self._site.config.limits)
        if packager is not None:
            fresh.sessions.update(packager.sessions)
        self._packagers[stream.key] = fresh
        stream.listeners.add(fresh)
        return fresh

    def _touch(self, packager: Packager, session_id: str, request: web.Request, size: int) -> None:
        now = time.time()
        session = packager.sessions.get(session_id)
        if session is None:
            session = Session(make_client(self._site, request, "hls", request.match_info["uid"]), now, now)
            packager.sessions[session_id] = session
            self._site.tell("play", packager.stream.key, session.client, {})
        session.seen = now
        session.sent_bytes += size

    def viewers(self) -> Iterator[tuple[Key, Client]]:
        for key, packager in self._packagers.items():
            for session in packager.sessions.values():
                yield key, session.client

    def kick(self, client_id: str, *, everywhere: bool) -> int:
        for key, packager in self._packagers.items():
            for session_id, session in packager.sessions.items():
                if session.client.client_id == client_id:
                    banned = _whole(session_id) if everywhere else session_id
                    self._banned[banned] = int(session_id.partition(" ")[0])
                    del packager.sessions[session_id]
                    self._tell_stop(key, session, "kicked")
                    return 1
        return 0

    def sweep(self) -> None:
        """End sessions nobody asks for any more, and packaging nobody watches."""
        now = time.time()
        for key, packager in list(self._packagers.items()):
            for session_id, session in list(packager.sessions.items()):
                if session.seen < now - self._site.config.limits.hls_idle_seconds:
                    del packager.sessions[session_id]
                    self._tell_stop(key, session, "left")
            if not packager.sessions:
                packager.stream.listeners.discard(packager)
                del self._packagers[key]
        self._banned = {name: expires for name, expires in self._banned.items() if expires > now}

    def _tell_stop(self, key: Key, session: Session, reason: str) -> None:
        details: dict[str, object] = {
            "reason": reason,
            "bytes": session.sent_bytes,
            "seconds": round(session.seen - session.since, 3),
        }
        self._site.tell("stop", key, session.client, details)


def _whole(session_id: str) -> str:
    """Without the address of one viewer."""
    return session_id.rpartition(" ")[0]
