"""What a partner's token must open; staff pages have their own (console)."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.services.tokens import PartnerAuth
from protocol.errors import ForbiddenError

if TYPE_CHECKING:
    # rest_framework.views imports this module, as its default permission.
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """A token with the scope of the verb; a view without one is closed to everybody."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, PartnerAuth):
            raise ForbiddenError("缺少令牌")
        if getattr(view, "scope", None) not in request.auth.scopes:
            raise ForbiddenError("接口未授权")
        return True


class TokenInQuery(BasePermission):
    """For TokenInfo alone: the token and its signature are in the query, and the service judges them."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return True
