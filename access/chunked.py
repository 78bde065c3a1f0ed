"""Bodies that come in chunks (RFC 9112, section 7.1): Django reads as much as Content-Length says, so says it."""

import io
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_chunked_bodies(application: WsgiApplication) -> WsgiApplication:
    """`application` with chunked bodies read beforehand, up to one byte over the limit that Django then refuses."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if is_chunked and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return call
