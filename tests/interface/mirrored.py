"""The interface as an ordinary REST one, so that every check of schemathesis applies.

The checks judge by HTTP statuses, and ours is 200 whatever the code says. So the application is wrapped: it
must answer 200 with an envelope, and is then seen with the envelope's code as its status; and the schema is
read with an answer for each code in place of the one for 200.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.db import transaction

from protocol.codes import Code

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

VERBS = "/service/"


class NotAnEnvelopeError(AssertionError):
    """An answer below `/service/` with another HTTP status, or without a code."""


def by_code(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with an answer for each code the envelopes of a verb may have."""
    shapes = schema["components"]["schemas"]
    paths = {}
    for path, methods in schema["paths"].items():
        paths[path] = {
            method: {**operation, "responses": _by_code(operation["responses"], shapes)}
            if path.startswith(VERBS)
            else operation
            for method, operation in methods.items()
        }
    return {**schema, "paths": paths}


def _by_code(responses: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    assert set(responses) == {"200"}
    answer = responses["200"]
    content = answer["content"]["application/json"]
    found: dict[str, Any] = {}
    for code in (200, 400, 403, 404, 500):
        fitting = [each for each in content["schema"]["oneOf"] if code in _codes(each, shapes)]
        # With one left a fault is told by its own name, not as "not one of these".
        narrowed = {
            "oneOf" if len(fitting) > 1 else "allOf": fitting,
            "properties": {"code": {"const": code}},
        }
        own = {**content, "schema": narrowed}
        if code != Code.OK:
            own.pop("examples", None)
        found[str(code)] = {**answer, "content": {"application/json": own}}
    return found


def _codes(reference: Mapping[str, str], shapes: Mapping[str, Any]) -> list[int]:
    shape = shapes[reference["$ref"].rpartition("/")[2]]
    return list(shape["properties"]["code"]["enum"])


def mirrored(application: Wsgi) -> Wsgi:
    """`application` with the code of an envelope as its status, each request in a transaction that is rolled back."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, headers, body = _answer_of(application, environ)
        if environ["PATH_INFO"].startswith(VERBS):
            status = _mirrored_status(environ, status, body)
        start_response(status, headers)
        return [body]

    return call


def _answer_of(application: Wsgi, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> None:
        begun.append((status, headers))

    with transaction.atomic():
        answer = application(environ, begin)
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
            transaction.set_rollback(True)
    status, headers = begun[-1]
    return status, headers, body


def _mirrored_status(environ: dict[str, Any], status: str, body: bytes) -> str:
    where = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    if not status.startswith("200 "):
        raise NotAnEnvelopeError(f"{where} answered HTTP {status}")
    if environ["REQUEST_METHOD"] == "HEAD":
        return status
    try:
        code = orjson.loads(body)["code"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise NotAnEnvelopeError(f"{where} answered {body[:200]!r}") from None
    return f"{code} told in the envelope"


def keys_in_order(value: Any, schema: Any, shapes: Mapping[str, Any]) -> Iterator[str]:
    """Places where the keys of an answer do not come in the order of the schema."""
    if "$ref" in schema:
        yield from keys_in_order(value, shapes[schema["$ref"].rpartition("/")[2]], shapes)
    elif isinstance(value, list):
        for each in value:
            yield from keys_in_order(each, _of_type("array", schema, shapes)["items"], shapes)
    elif isinstance(value, dict):
        shape = _of_type("object", schema, shapes)
        known = [key for key in shape["properties"] if key in value]
        if list(value) != known:
            yield f"{list(value)} instead of {known}"
        for key in known:
            yield from keys_in_order(value[key], shape["properties"][key], shapes)


def _of_type(wanted: str, schema: Any, shapes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one of several alternatives that is of the type wanted."""
    for each in schema.get("oneOf", [schema]):
        found = shapes[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        if found.get("type") == wanted:
            return dict(found)
    raise AssertionError(f"no {wanted} in {schema}")
