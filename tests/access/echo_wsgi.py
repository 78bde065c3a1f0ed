"""A WSGI application that tells how many bytes of a body it was given, as Django would read it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "province.settings")  # noqa: TID251

from django.core.exceptions import RequestDataTooBig  # noqa: E402

from access.chunked import with_chunked_bodies  # noqa: E402


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        body = environ["wsgi.input"].read(length)
    except RequestDataTooBig:
        return [b"too big"]
    return [f"{len(body)} {body[:12].decode()}".encode()]


application = with_chunked_bodies(echo)
