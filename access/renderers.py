"""Answers as JSON."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

JSON_TYPE = "application/json; charset=utf-8"


def to_json(data: object) -> bytes:
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError:
        # A lone surrogate out of somebody's JSON: told as a question mark rather than not at all.
        return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")


class EnvelopeRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def render(
        self,
        data: object,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return to_json(data)
