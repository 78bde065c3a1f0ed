"""The published schema of the interface, and a page of it that loads nothing from elsewhere."""

from functools import cache

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_urlconf
from django.views.decorators.http import require_safe

from access.actors import address_of
from access.answers import enveloped
from access.callers import presented_token
from access.interface_page import entries, paragraphs, shape_tables
from access.operations import Schema
from access.renderers import JSON_TYPE, to_json
from access.services.tokens import authenticate
from protocol.codes import Code
from protocol.errors import ForbiddenError


def published_schema() -> Schema:
    return _schema_of(get_urlconf() or settings.ROOT_URLCONF)


@cache
def _schema_of(urlconf: str) -> Schema:
    # Takes a tenth of a second and some MiB, which every process with the URLs would pay.
    from drf_spectacular.generators import SchemaGenerator

    generator = SchemaGenerator(urlconf=urlconf)  # type: ignore[no-untyped-call]
    schema: Schema = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    return schema


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """YAML, or JSON for `?format=json` and whoever accepts only that; a refusal is JSON too, for programs."""
    if not _may_read(request):
        refusal = enveloped(Code.FORBIDDEN, "缺少有效的令牌：请在 TAuth 头中给出，或先登录", None, None)
        return HttpResponse(to_json(refusal), content_type=JSON_TYPE, status=Code.FORBIDDEN)
    from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

    wants_json = request.GET.get("format") == "json" or request.headers.get("Accept") == "application/json"
    renderer = OpenApiJsonRenderer() if wants_json else OpenApiYamlRenderer()
    content = renderer.render(published_schema(), renderer_context={})
    return HttpResponse(
        content, content_type=f"application/{'json' if wants_json else 'yaml'}; charset=utf-8"
    )


@require_safe
def interface_page(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        return redirect_to_login(request.get_full_path())
    schema = published_schema()
    return render(
        request,
        "access/interface.html",
        {
            "info": schema["info"],
            "paragraphs": paragraphs(schema["info"]["description"]),
            "groups": list(entries(schema)),
            "shapes": shape_tables(schema),
        },
    )


def _may_read(request: HttpRequest) -> bool:
    if settings.API_DOCS_PUBLIC or request.user.is_authenticated:
        return True
    token = presented_token(request.META)
    try:
        return token is not None and authenticate(token).partner.may_call_from(address_of(request))
    except ForbiddenError:
        return False
