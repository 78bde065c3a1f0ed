"""Who calls: `TAuth`, or `Authorization: Bearer`, from the token ring or from OAuth."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.callers import presented_token, remember_partner
from access.services.tokens import Companion, PartnerAuth, authenticate

__all__ = ["PartnerAuth", "PartnerAuthentication"]


class PartnerAuthentication(BaseAuthentication):
    """Sets `request.auth`; `request.user` stays nobody, as partners are not staff."""

    def __init__(self, companion: Callable[[], Companion | None] = lambda: None) -> None:
        self._companion = companion

    def authenticate(self, request: Request) -> tuple[AnonymousUser, PartnerAuth] | None:
        token = presented_token(request.META)
        if token is None:
            return None
        auth = authenticate(token, self._companion())
        remember_partner(token, auth.partner.pk)
        return AnonymousUser(), auth
