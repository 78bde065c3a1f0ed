"""A signed-in browser, as far as the server sees one."""

import json
from typing import Any

from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from access.models import User


class Desk:
    """Asks by URL name; `params` is the query, `body` goes out as JSON."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)

    def get(self, name: str, *args: object, **params: Any) -> HttpResponseBase:
        return self.client.get(reverse(f"console:{name}", args=args), params)

    def post(self, name: str, *args: object, body: object) -> HttpResponseBase:
        url = reverse(f"console:{name}", args=args)
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(url, text, content_type="application/json")

    def page(self, name: str, *args: object, **params: object) -> str:
        """Text of a page or part that must be there."""
        response = self.get(name, *args, **params)
        assert response.status_code == 200
        return text_of(response)

    def json(self, name: str, *args: object, **params: object) -> dict[str, Any]:
        """Content of a JSON answer that must be there."""
        response = self.get(name, *args, **params)
        assert response.status_code == 200, text_of(response)
        return content_of(response)


def text_of(response: HttpResponseBase) -> str:
    text: str = getattr(response, "content", b"").decode()
    return text


def content_of(response: HttpResponseBase) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/json"
    content: dict[str, Any] = json.loads(text_of(response))
    return content


def refusal_of(response: HttpResponseBase, status: int) -> str:
    """The Chinese sentence of a refusal."""
    assert response.status_code == status, text_of(response)
    assert "no-store" in response.headers["Cache-Control"]
    return str(content_of(response)["message"])
