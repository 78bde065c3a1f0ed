"""Bodies that come in chunks (RFC 9112, section 7.1): Django reads as much as Content-Length says, so says it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig


class _Bounded:
    """A stream that refuses to be longer than `limit` bytes."""

    def __init__(self, stream: Any, limit: int) -> None:
        self.readline = stream.readline
        self._stream, self._left = stream, limit

    def read(self, size: int = -1) -> bytes:
        if 0 <= size < self._left:
            data: bytes = self._stream.read(size)
        elif len(data := self._stream.read(self._left + 1)) > self._left:
            raise RequestDataTooBig
        self._left -= len(data)
        return data


WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def _is_chunked(environ: dict[str, Any]) -> bool:
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def has_body(environ: dict[str, Any]) -> bool:
    return _is_chunked(environ) or environ.get("CONTENT_LENGTH", "") not in ("", "0")


def with_chunked_bodies(application: WsgiApplication) -> WsgiApplication:
    """`application` with chunked bodies given the length of the limit: what is read ends with the body.

    Nothing is read here. A verb reads its body when it knows who sends it, so that a stranger who drips
    holds no thread.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _is_chunked(environ) and not environ.get("CONTENT_LENGTH"):
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
            environ["CONTENT_LENGTH"] = str(limit)
            environ["wsgi.input"] = _Bounded(environ["wsgi.input"], limit)
        return application(environ, start_response)

    return call
