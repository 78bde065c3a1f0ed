"""Addresses of one stream as they are handed out: by the media server itself, or by the play domain before it."""

import math
import time
from typing import NamedTuple

from django.conf import settings

from protocol.play_urls import new_rands, sign_paths
from protocol.url_signers import SIGNERS
from streaming.choices import HlsWay, SignerKind
from streaming.media import MediaAdapter
from streaming.models import PlayDomain


class Outlet(NamedTuple):
    """Where a stream is played from; without a domain, from its media server."""

    adapter: MediaAdapter
    domain: PlayDomain | None = None

    @property
    def has_websocket(self) -> bool:
        """CDNs pass FLV on, but no WebSocket."""
        return self.adapter.has_websocket and (self.domain is None or self.domain.signer == SignerKind.OWN)


class Signer:
    """Signs for one asker, in one thread; what is the same for all streams of an answer is looked up once.

    `key` signs instead of the one that our servers, or a play domain, have for it now.
    """

    def __init__(self, uid: str, ttl_seconds: int, key: str | None = None) -> None:
        self._uid = uid
        self._ttl_seconds = ttl_seconds
        self._given_key = key
        self._key: str = settings.PLAY_URL_KEYS[0] if key is None else key
        self._rands = new_rands()

    def sign(self, outlet: Outlet, stream: str) -> tuple[str, str]:
        """The absolute addresses by HTTP-FLV and by HLS, good from now."""
        adapter, domain = outlet
        paths = adapter.play_paths(stream)
        base = adapter.server.http_url.rstrip("/")
        # Rounded up: rounded down, a URL issued late in a second would lose up to a second of its life.
        ends_at = math.ceil(time.time()) + self._ttl_seconds
        rand = next(self._rands)
        flv, hls = sign_paths(paths, self._key, timestamp=ends_at, rand=rand, uid=self._uid)
        own = f"{paths.flv}?auth_key={flv}", f"{paths.hls}?auth_key={hls}"
        if domain is None:
            return base + own[0], base + own[1]
        if domain.signer == SignerKind.OWN:
            hls_base = domain.base_url if domain.hls_way == HlsWay.DOMAIN else base
            return domain.base_url + own[0], hls_base + own[1]
        return domain.base_url + self._by_vendor(domain, paths.flv, ends_at, rand), base + own[1]

    def _by_vendor(self, domain: PlayDomain, path: str, ends_at: int, rand: str) -> str:
        return SIGNERS[domain.signer].sign(
            path,
            domain.signing_key if self._given_key is None else self._given_key,
            ends_at=ends_at,
            validity_seconds=domain.validity_seconds,
            rand=rand,
            uid=self._uid,
        )
