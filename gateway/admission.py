"""Which of the three local tokens a request carries, and what it may be used for."""

import base64
import binascii
import hmac

from aiohttp import web

from gateway.intake import Intake
from gateway.state import TokenState
from protocol.errors import ForbiddenError


class Admission:
    """The platform's token gives orders, the section's turns cameras and sees the status, the boxes' reports."""

    def __init__(self, tokens: TokenState, intake: Intake, section_token: str | None) -> None:
        self._section = section_token.encode() if section_token else None
        self.is_platform = tokens.accepts
        self.is_box = intake.accepts

    @property
    def has_section(self) -> bool:
        return self._section is not None

    def is_section(self, token: str) -> bool:
        return self._section is not None and hmac.compare_digest(token.encode(), self._section)

    def may_turn(self, token: str) -> bool:
        return self.is_platform(token) or self.is_section(token)


def presented_token(request: web.Request) -> str:
    """From TAuth, a Bearer or a Basic password (a browser's way). ForbiddenError when there is none."""
    token = request.headers.get("TAuth", "")
    if not token:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            token = rest.strip()
        elif scheme.lower() == "basic":
            token = _password(rest.strip())
    if not token:
        raise ForbiddenError("缺少 TAuth")
    if not token.isascii():
        raise ForbiddenError("TAuth 无效")
    return token


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
