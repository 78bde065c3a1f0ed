"""Generated from the platform's own URLs: no verb without a scope, no page without a rule (threats.md 14)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from access.api import TokenInfoView
from access.choices import Scope
from access.permissions import HasScope
from access.verbs import VerbView
from tests.cast import answer_of


def patterns(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in (resolver or get_resolver("province.urls")).url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, route)
        else:
            yield route, each


def verbs() -> dict[str, type[VerbView]]:
    return {
        route: getattr(pattern.callback, "cls", None)  # type: ignore[misc]
        for route, pattern in patterns()
        if route.startswith("service/") and "<" not in route
    }


def test_every_verb_is_closed_by_a_scope() -> None:
    found = verbs()
    assert len(found) >= 4
    for route, view in found.items():
        assert view is not None and issubclass(view, VerbView), route
        if view is TokenInfoView:
            continue
        assert view.permission_classes == [HasScope], route
        assert view.scope in Scope, route


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_gets_past_a_verb_without_a_token(method: str) -> None:
    for route, view in verbs().items():
        if view is TokenInfoView:
            continue
        answer = answer_of(Client().generic(method, f"/{route}"))
        expected = 403 if hasattr(view, method.lower()) else 400
        assert answer["code"] == expected, route


def test_only_the_oauth_endpoints_in_use_are_served() -> None:
    assert [route for route, _ in patterns() if route.startswith("oauth/")] == [
        "oauth/token/",
        "oauth/revoke_token/",
    ]
