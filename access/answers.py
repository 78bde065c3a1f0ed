"""The envelope as an HTTP answer, in the style of the partner (protocol.md section 2)."""

from collections.abc import Iterator, Mapping
from itertools import islice

from django.http import HttpResponse

from access.choices import HttpStatusStyle
from access.models import Partner
from access.renderers import JSON_TYPE, to_json
from protocol.codes import Code
from protocol.envelope import envelope
from protocol.errors import ForbiddenError, ProtocolError


def http_status(code: Code, partner: Partner | None) -> int:
    """200 whatever the code says, unless the partner's clients want them equal; 201 stays 200."""
    if partner is None or partner.status_style != HttpStatusStyle.MIRROR or code == Code.ALREADY_PUSHING:
        return 200
    return int(code)


def enveloped(
    code: Code, msg: str | None, body: Mapping[str, object] | None, partner: Partner | None
) -> dict[str, object]:
    return envelope(code, msg, body, extras=partner is None or partner.has_extras)


def list_pieces(key: str, entries: Iterator[object], piece: int, partner: Partner | None) -> Iterator[bytes]:
    """The envelope around a list that is read and encoded `piece` entries at a time."""
    head, tail = to_json(enveloped(Code.OK, None, {key: []}, partner)).split(b"[]")
    opening = head + b"["
    while batch := list(islice(entries, piece)):
        yield opening + to_json(batch)[1:-1]
        opening = b","
    yield (b"" if opening == b"," else opening) + b"]" + tail


def error_headers(error: ProtocolError) -> dict[str, str]:
    if isinstance(error, ForbiddenError) and error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    return {}


def error_response(error: ProtocolError, partner: Partner | None = None) -> HttpResponse:
    """For whatever fails outside a verb."""
    return HttpResponse(
        to_json(enveloped(error.code, error.message, None, partner)),
        content_type=JSON_TYPE,
        status=http_status(error.code, partner),
        headers=error_headers(error),
    )
