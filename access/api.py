"""Verbs of access."""

from rest_framework.request import Request
from rest_framework.response import Response

from access import openapi
from access.actors import address_of
from access.permissions import TokenInQuery
from access.services.tokens import exchange_token
from access.verbs import VerbView


class TokenInfoView(VerbView):
    """Appendix 2: the token held now, signed, for the next one."""

    operation = openapi.TOKEN_INFO
    authentication_classes = []
    permission_classes = [TokenInQuery]

    def get(self, request: Request) -> Response:
        for name in ("deviceCode", "user", "token"):
            self.params.text(name, required=True)
        issued = exchange_token(
            device_code=self.params.raw("deviceCode") or "",
            user=self.params.raw("user") or "",
            token=self.params.raw("token") or "",
            sign=self.params.raw("sign"),
            address=address_of(request._request),
        )
        self.profile = issued.partner
        token = {"user": issued.user, "deviceCode": issued.device_code, "token": issued.token}
        return self.answer({"token": token})
