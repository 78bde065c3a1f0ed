"""Whose request this is, told before anything is looked up: enough to share out the server, opens nothing."""

from collections.abc import Mapping
from typing import Any

_BEARER = "bearer "
# Tokens kept in mind; over it all are forgotten, and known again at their next request.
_MOST = 10_000
_partners: dict[str, int] = {}


def presented_token(headers: Mapping[str, Any]) -> str | None:
    """The token in `TAuth`, or in `Authorization: Bearer`."""
    token: str = headers.get("HTTP_TAUTH", "").strip()
    if token:
        return token
    authorization: str = headers.get("HTTP_AUTHORIZATION", "").strip()
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip() or None
    return None


def remember_partner(token: str, partner_id: int) -> None:
    """That `token` was found valid: whatever tokens a partner has, it is one caller."""
    if _partners.get(token) == partner_id:
        return
    if len(_partners) >= _MOST:
        _partners.clear()
    _partners[token] = partner_id


def known_partner(headers: Mapping[str, Any]) -> int | None:
    """Whose token was presented, by what was found out in earlier requests of this process."""
    token = presented_token(headers)
    return None if token is None else _partners.get(token)
