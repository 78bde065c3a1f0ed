"""HLS of servers that cannot keep it to one viewer: a signed entry, then a session below a prefix of ours.

ZLMediaKit remembers a viewer by cookie and query, SRS checks no segment at all. So a reverse proxy stands
before both and asks us for every file (docs/media.md); what is allowed carries its session in the path, in
the same form as at the embedded server: /s/<expires>/<mac>-<uid>-<nonce>/<app>/<stream>/<file>.
"""

import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from protocol.errors import ForbiddenError, NotFoundError
from protocol.play_urls import CAPTURE_UID, UrlVerdict, check_hls_session, sign_hls_session
from streaming.media import MediaAdapter
from streaming.media.base import APP
from streaming.services import viewings
from streaming.services.pushes import is_there_or_coming
from streaming.services.tickets import check_play, one_of

_WHO = "([0-9a-f]{64})-([A-Za-z0-9_]{1,64})-([A-Za-z0-9_]{1,64})"
_SESSION = re.compile(rf"([1-9][0-9]{{0,11}})-{_WHO}", re.ASCII)
_FILE = re.compile(rf"/s/([1-9][0-9]{{0,11}})/{_WHO}/{APP}/([\w-]+)/([\w./-]+)", re.ASCII)
# Viewers ask for a file every second or two; that often nobody has to hear of them.
_NOTED_SECONDS = 5


@dataclass(frozen=True)
class HlsEntry:
    """Where the player is sent, below the host it came to."""

    location: str


def enter(*, adapter: MediaAdapter, stream: str, query: str, address: str) -> HlsEntry:
    """Open a session with a signed play address; ForbiddenError, NotFoundError."""
    uid = check_play(adapter.play_paths(stream).hls, query)
    if not is_there_or_coming(stream=stream):
        raise NotFoundError("视频流不存在")
    expires = int(time.time()) + settings.HLS_SESSION_SECONDS
    # Without it all sessions that one asker opens in a second would be one.
    nonce = secrets.token_hex(8)
    mac = sign_hls_session(settings.HLS_SESSION_KEY, APP, stream, expires, uid, nonce)
    if uid != CAPTURE_UID:
        viewer = viewings.Viewer(uid, mac, address or None, "hls", is_session=True)
        viewings.viewer_came(server=adapter.server, stream=stream, viewer=viewer)
    return HlsEntry(f"/s/{expires}/{mac}-{uid}-{nonce}/{APP}/{stream}/index.m3u8")


def file_of_session(*, adapter: MediaAdapter, uri: str) -> str:
    """Path and query at the server of a file asked for below a session's prefix; ForbiddenError."""
    found = _FILE.fullmatch(uri.partition("?")[0])
    if found is None:
        raise ForbiddenError("播放会话无效")
    expires, mac, uid, nonce, stream, name = found.groups()
    session = f"{expires}-{mac}-{uid}-{nonce}"
    _check(stream, session)
    path = adapter.hls_file(stream, name)
    if path is None:
        raise ForbiddenError("播放会话不含此文件")
    if uid != CAPTURE_UID:
        _note(adapter, stream, viewings.Viewer(uid, mac, protocol="hls", is_session=True))
    return f"{path}?session={session}"


def _note(adapter: MediaAdapter, stream: str, viewer: viewings.Viewer) -> None:
    key = f"streaming:hls:{viewer.client}"
    if not cache.add(key, 1, timeout=_NOTED_SECONDS):
        return
    try:
        viewings.still_watching(server=adapter.server, stream=stream, viewer=viewer)
    except ForbiddenError:
        # Who was refused is not let through for having asked a moment ago.
        cache.delete(key)
        raise


def ban(macs: Iterable[str]) -> None:
    """These sessions are over, whoever has them."""
    cache.set_many({_banned(mac): 1 for mac in macs}, timeout=settings.HLS_SESSION_SECONDS)


def _banned(mac: str) -> str:
    return f"streaming:hls-banned:{mac}"


def check_session(stream: str, query: str) -> None:
    """ForbiddenError unless the query carries a session of this stream."""
    _check(stream, one_of(query, "session"))


def _check(stream: str, session: str) -> None:
    found = _SESSION.fullmatch(session)
    if found is None:
        raise ForbiddenError("播放会话无效")
    expires, mac, uid, nonce = found.groups()
    verdict = check_hls_session(
        settings.HLS_SESSION_KEY, APP, stream, int(expires), mac, uid, nonce, now=time.time()
    )
    if verdict is UrlVerdict.EXPIRED:
        raise ForbiddenError("播放会话已结束，请重新获取播放地址")
    if verdict is not UrlVerdict.OK:
        raise ForbiddenError("播放会话无效")
    if cache.get(_banned(mac)):
        raise ForbiddenError("观看已被平台终止，请重新获取播放地址")
