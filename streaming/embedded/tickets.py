"""Who may publish, play and fetch segments: every signature check of the server stands here."""

import hmac
import secrets
import time
from urllib.parse import parse_qs

from multidict import MultiMapping

from protocol.play_urls import (
    ORIGIN_UID,
    UrlVerdict,
    check_hls_session,
    check_path,
    is_origin_key,
    sign_hls_session,
    uid_of,
)
from streaming.embedded.config import MediaConfig


class RefusedError(Exception):
    """The answer to a request that gets nothing: an HTTP status and a sentence for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def check_play(config: MediaConfig, path: str, query: MultiMapping[str]) -> str:
    """For whom it was signed; RefusedError 403 unless exactly one auth_key signs this path and is still good.

    A CDN that takes the stream for its own viewers shows the key of the origin instead.
    """
    if is_origin_key(config.origin_keys, query.getall("origin_key", [])):
        return ORIGIN_UID
    auth_keys = query.getall("auth_key", [])
    if not auth_keys:
        raise RefusedError(403, "播放地址缺少签名")
    if len(auth_keys) > 1:
        raise RefusedError(403, "播放地址的签名重复")
    verdict = check_path(path, auth_keys[0], config.play_keys, now=time.time())
    if verdict is UrlVerdict.EXPIRED:
        raise RefusedError(403, "播放地址已过期")
    if verdict is not UrlVerdict.OK:
        raise RefusedError(403, "播放地址签名无效")
    return uid_of(auth_keys[0])


def check_publish(config: MediaConfig, app: str, name: str, query: str) -> str:
    """Empty when the publisher may go on, else the reason."""
    try:
        auth_keys = parse_qs(query, keep_blank_values=True, max_num_fields=20).get("auth_key", [])
    except ValueError:
        return "query not readable"
    if len(auth_keys) != 1:
        return "auth_key missing or repeated"
    verdict = check_path(f"/{app}/{name}", auth_keys[0], (config.publish_key,), now=time.time())
    return "" if verdict is UrlVerdict.OK else f"auth_key {verdict.value}"


def session_path(config: MediaConfig, app: str, name: str, uid: str) -> str:
    """Prefix of a new HLS session of `uid`; the names of playlist and segments follow it."""
    expires = int(time.time()) + config.hls_session_seconds
    # Without it all sessions that one asker opens in a second would be one.
    nonce = secrets.token_hex(8)
    mac = sign_hls_session(config.hls_key, app, name, expires, uid, nonce)
    return f"/s/{expires}/{mac}-{uid}-{nonce}/{app}/{name}"


def check_session(
    config: MediaConfig, app: str, name: str, expires: int, mac: str, uid: str, nonce: str
) -> None:
    """RefusedError 403 for a forged session or another stream's, 410 when it is over."""
    verdict = check_hls_session(config.hls_key, app, name, expires, mac, uid, nonce, now=time.time())
    if verdict is UrlVerdict.EXPIRED:
        raise RefusedError(410, "播放会话已结束，请重新获取播放地址")
    if verdict is not UrlVerdict.OK:
        raise RefusedError(403, "播放会话无效")


def check_secret(config: MediaConfig, given: str) -> None:
    # An empty secret must not become one that everybody knows.
    if not config.secret or not hmac.compare_digest(
        given.encode("utf-8", "surrogateescape"), config.secret.encode()
    ):
        raise RefusedError(403, "密钥不正确")
