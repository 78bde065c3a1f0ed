"""The real address and scheme of a request when a proxy stands in front of the platform."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from protocol.forwarding import Network, client_address, is_among, networks_of, plain_address


def client_in(headers: Mapping[str, Any]) -> str:
    """The address of the client by what the server was told, before any middleware."""
    trusted = _trusted(tuple(settings.TRUSTED_PROXIES))
    told = headers.get(_key(settings.FORWARDED_FOR_HEADER), "")
    return client_address(headers.get("REMOTE_ADDR", ""), told, trusted)


@lru_cache(maxsize=4)
def _trusted(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return networks_of(texts)


class TrustedProxyMiddleware:
    """Outermost. From here on REMOTE_ADDR is the client's, whichever way it came, and the scheme the one it used.

    What a stranger says about either is dropped, so that nothing further in can believe it by mistake.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._trusted = networks_of(settings.TRUSTED_PROXIES)
        self._address = _key(settings.FORWARDED_FOR_HEADER)
        self._scheme = _key(settings.FORWARDED_PROTO_HEADER)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META
        told_address, told_scheme = given.pop(self._address, ""), given.pop(self._scheme, "")
        peer = given.get("REMOTE_ADDR", "")
        if is_among(plain_address(peer), self._trusted):
            # The last one is the word of the proxy that speaks to us.
            scheme = told_scheme.rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                given["wsgi.url_scheme"] = scheme
        given["REMOTE_ADDR"] = client_address(peer, told_address, self._trusted)
        return self.get_response(request)


def _key(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}"
