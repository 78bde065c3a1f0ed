"""The envelope `{"code", "msg", ...}` every answer of `/service/` comes in, written and read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from protocol.codes import Code
from protocol.errors import RemoteError, shorten

DEFAULT_MESSAGES: Final[Mapping[Code, str]] = {
    Code.OK: "成功",
    Code.ALREADY_PUSHING: "正在推流",
    Code.MALFORMED: "下发格式存在异常",
    Code.FORBIDDEN: "权限出错",
    Code.NOT_FOUND: "不存在",
    Code.INTERNAL: "程序内部出现异常",
}

# Gateways in the field answer 0 where the document says 200.
_SUCCESS: Final = frozenset({Code.OK, Code.ALREADY_PUSHING, 0})
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_NUMERIC: Final = re.compile(r"\s*-?[0-9]{1,9}\s*", re.ASCII)
_LAST_COMMA: Final = re.compile(rb",(\s*[}\]])")
_UNWELL_STATUSES: Final = frozenset({408, 425, 429})


def envelope(
    code: Code, msg: str | None = None, body: Mapping[str, object] | None = None, *, extras: bool = True
) -> dict[str, object]:
    """code, msg, then the document's keys in the order of `body`, then `message` = msg as an extra.

    `msg` None says the usual words for the code. A partner with `extras` off gets the document's keys only.
    """
    said = DEFAULT_MESSAGES[code] if msg is None else msg
    answer: dict[str, object] = {"code": int(code), "msg": said}
    answer.update(body or {})
    if extras:
        answer.setdefault("message", said)
    return answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What another platform or gateway answered. `body` is the whole JSON object.

    `server` is what it calls itself (RFC 9110, 10.2.4), `certificate_until` the end of the certificate it showed.
    """

    code: int
    msg: str
    body: dict[str, Any] = field(default_factory=dict)
    http_status: int = 200
    retry_after: int | None = None
    server: str = ""
    certificate_until: datetime | None = None

    @property
    def ok(self) -> bool:
        return self.code in _SUCCESS and self.http_status < 400

    def error(self, who: str = "对方") -> RemoteError:
        """The answer as an error, for callers that cannot go on without success."""
        is_unwell = self.code == Code.INTERNAL or self.retry_after is not None or self.ok
        return RemoteError(
            f"{who}答复 {self.code}：{shorten(self.msg) or '无说明'}",
            permanent=not is_unwell and not is_unwell_status(self.http_status),
            remote_code=self.code,
            http_status=self.http_status,
            retry_after=self.retry_after,
        )


def is_unwell_status(http_status: int) -> bool:
    """True for HTTP statuses after which the same request may succeed later."""
    return http_status in _UNWELL_STATUSES or http_status >= 500


def parse_number(value: object) -> int | None:
    """An integer from a number or a numeric string, as `code` and `status` come in both; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        return int(value) if _NUMERIC.fullmatch(value) else None
    return value if isinstance(value, int) else None


def _decoded(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        pass
    try:
        # Gateways in the field print what the document prints: a comma before the closing brace (3.2, 3.3).
        return msgspec.json.decode(_LAST_COMMA.sub(rb"\1", raw))
    except (ValueError, RecursionError):
        return None


def parse_answer(raw: bytes, http_status: int = 200, *, retry_after: int | None = None) -> Answer:
    """Read an answer, with `code` as number or numeric string; a bare number or "0" is taken as the code.

    RemoteError when there is no code to be found (HTML, not JSON, another shape): permanent for HTTP
    3xx and 4xx, temporary otherwise, as a proxy in between may have spoken.
    """
    parsed = _decoded(raw.removeprefix(_UTF8_BOM))
    body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    code = parse_number(body.get("code") if isinstance(parsed, dict) else parsed)
    if code is None:
        raise RemoteError(
            f"对方的答复无法识别（HTTP {http_status}）：{_beginning(raw)}",
            permanent=300 <= http_status < 500 and not is_unwell_status(http_status) and retry_after is None,
            http_status=http_status,
            retry_after=retry_after,
        )
    said = body.get("msg") or body.get("message")
    return Answer(code, said if isinstance(said, str) else "", body, http_status, retry_after)


def _beginning(raw: bytes) -> str:
    return shorten(" ".join(raw[:400].decode("utf-8", "replace").split())) or "空"
