"""Where somebody goes on whose session has ended, after the sign-in."""

from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

# Of the address of the sign-in page: what was sent with the request that led there is lost.
LOST = "lost"


def path_to_login(request: HttpRequest, *, is_page: bool) -> str:
    """The sign-in page, told which page to return to; and whether a form has been lost on the way.

    `is_page`: the address asked for is one that a browser shows. A form's own address may not be (it answers to POST
    alone), nor is that of a part of a page: both return to the page they stand on, which the browser names.
    """
    sent = request.method not in ("GET", "HEAD")
    target = request.get_full_path() if is_page and not sent else _page_of(request)
    query = {"next": target} | ({LOST: "1"} if sent else {})
    return f"{resolve_url(settings.LOGIN_URL)}?{urlencode(query, safe='/', quote_via=quote)}"


def _page_of(request: HttpRequest) -> str:
    """The path of the page that the browser says it is on, if it is one of ours; otherwise the first page."""
    named = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(named, {request.get_host()}, require_https=request.is_secure()):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    parts = urlsplit(named)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
