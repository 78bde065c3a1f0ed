"""The base of every partner verb: who calls, in which version, with which parameters."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any, ClassVar

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.actors import Actor, actor_of_partner, address_of
from access.answers import enveloped, http_status, list_pieces
from access.authentication import PartnerAuthentication
from access.choices import Scope
from access.models import Partner
from access.operations import Operation
from access.params import VerbParams
from access.renderers import JSON_TYPE
from access.services.limits import count_one
from access.services.tokens import Companion, PartnerAuth, outside_networks
from protocol.codes import Code
from protocol.errors import ForbiddenError, MalformedError, shorten

_APP_VERSION = "v1.0"


class _AlwaysJson(BaseContentNegotiation):
    """Whatever `Accept` or `?format=` say: an answer of `/service/` is JSON."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class VerbView(APIView):
    """One verb of `/service/`: declares its `scope`, has `get` or `post`, returns `self.answer(...)`.

    `partner` and `actor` are set before `get` or `post` run; `params` are the query parameters and
    `body` the bytes of the request body.
    """

    http_method_names = ["get", "post", "head"]
    content_negotiation_class = _AlwaysJson

    scope: ClassVar[Scope]
    # What the published schema says of the verb.
    operation: ClassVar[Operation]
    partner: Partner
    # The partner whose style the answer has; None until a token was known.
    profile: Partner | None = None

    @cached_property
    def params(self) -> VerbParams:
        return VerbParams(self.request.META.get("QUERY_STRING", ""))

    def companion(self) -> Companion | None:
        """What the statement that finds the token reads beside it, for verbs called every second."""
        return None

    @property
    def found_beside(self) -> tuple[Any, ...] | None:
        """The row of `companion`, or None."""
        auth = self.request.auth
        found = auth.companion if isinstance(auth, PartnerAuth) else None
        return None if found is None or found[0] is None else found

    def get_authenticators(self) -> list[BaseAuthentication]:
        # TokenInfo has none: its token is in the query.
        return [PartnerAuthentication(self.companion)] if self.authentication_classes else []

    @property
    def actor(self) -> Actor:
        return actor_of_partner(self.partner, self.request._request)

    @property
    def body(self) -> bytes:
        return self.request._request.body

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls is found out first, as even a refusal is told in the partner's style."""
        refusal = self._find_partner(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request._request)
        if refusal is not None:
            raise refusal
        self.check_permissions(request)
        self.check_throttles(request)
        self._check_version(request)
        params = self.params
        if self.profile is not None:
            self._check_caller(request, params, self.profile)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        allowed = "、".join(method for method in self.allowed_methods if method != "HEAD")
        raise MalformedError(f"不支持 {shorten(request.method)} 方法，应为 {allowed}")

    def answer(
        self, body: Mapping[str, object] | None = None, *, code: Code = Code.OK, msg: str | None = None
    ) -> Response:
        return Response(enveloped(code, msg, body, self.profile), status=http_status(code, self.profile))

    def list_answer(self, key: str, entries: Iterator[object], *, piece: int) -> HttpResponseBase:
        """An answer whose list is written `piece` by piece while it is read, so that memory stays flat.

        The first piece is read before the status is sent: what fails, fails in the envelope.
        """
        first = list(islice(entries, piece))
        if len(first) < piece:
            return self.answer({key: first})
        pieces = list_pieces(key, chain(first, entries), piece, self.profile)
        return StreamingHttpResponse(pieces, content_type=JSON_TYPE)

    def _find_partner(self, request: Request) -> ForbiddenError | None:
        try:
            auth = request.auth
        except ForbiddenError as error:
            return error
        if isinstance(auth, PartnerAuth):
            self.partner = self.profile = auth.partner
        return None

    def check_throttles(self, request: Request) -> None:
        """Networks and rate of the partner's profile (protocol.md section 7)."""
        partner = self.profile
        if partner is None:
            return
        if partner.allowed_networks and not partner.may_call_from(address := address_of(request._request)):
            raise ForbiddenError(outside_networks(address))
        limit = partner.requests_per_minute
        if limit and (wait := count_one("requests", str(partner.pk), limit=limit)) is not None:
            raise ForbiddenError(f"请求过于频繁：每分钟最多 {limit} 次", retry_after=wait)

    def _check_version(self, request: Request) -> None:
        version = request.META.get("HTTP_APPVERSION", "").strip()
        if version not in ("", _APP_VERSION):
            raise MalformedError(f"AppVersion 应为 {_APP_VERSION}，收到 {shorten(version)}")

    def _check_caller(self, request: Request, params: VerbParams, partner: Partner) -> None:
        user = params.text("user")
        if user is not None and not partner.is_named(user):
            raise ForbiddenError("user 与令牌不符")
        if request.method == "POST" and partner.is_strict:
            media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
            if media_type != "application/json":
                raise MalformedError(f"Content-Type 应为 application/json，收到 {shorten(media_type)}")
