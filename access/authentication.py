"""Who calls: `TAuth`, or `Authorization: Bearer`, from the token ring or from OAuth."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.services.tokens import Companion, PartnerAuth, authenticate

__all__ = ["PartnerAuth", "PartnerAuthentication", "presented_token"]

_BEARER = "bearer "


def presented_token(request: HttpRequest | Request) -> str | None:
    token: str = request.META.get("HTTP_TAUTH", "").strip()
    if token:
        return token
    authorization: str = request.META.get("HTTP_AUTHORIZATION", "").strip()
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip() or None
    return None


class PartnerAuthentication(BaseAuthentication):
    """Sets `request.auth`; `request.user` stays nobody, as partners are not staff."""

    def __init__(self, companion: Callable[[], Companion | None] = lambda: None) -> None:
        self._companion = companion

    def authenticate(self, request: Request) -> tuple[AnonymousUser, PartnerAuth] | None:
        token = presented_token(request)
        return None if token is None else (AnonymousUser(), authenticate(token, self._companion()))
