"""The pictures themselves, for whoever has a signed address and for staff."""

import time

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date
from django.views import View

from access.choices import Action
from access.models import User
from cameras.selectors import cameras_visible_to
from snapshots.capture.store import open_picture
from snapshots.selectors import find_picture
from snapshots.services.links import is_signed

# A picture never changes once it is there.
_KEEP_SECONDS = 86_400


class PictureView(View):
    """One picture: a signature in the query, or a member of staff who may see this camera's pictures."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, camera_id: int, unix_slot: int) -> HttpResponseBase:
        if not (_has_signature(request, camera_id, unix_slot) or _is_visible(request, camera_id)):
            return self._closed(request, 403, "地址无效或已过期，或没有查看该摄像机截图的权限")
        row = find_picture(camera_id, unix_slot)
        file = open_picture(camera_id, row.slot_at) if row is not None else None
        if row is None or file is None:
            return self._closed(request, 404, "该时段没有截图")
        response = FileResponse(file, content_type="image/jpeg", filename=f"{camera_id}-{unix_slot}.jpg")
        response["Cache-Control"] = f"private, max-age={_KEEP_SECONDS}, immutable"
        if row.taken_at is not None:
            response["Last-Modified"] = http_date(row.taken_at.timestamp())
        return _guarded(response, request)

    def _closed(self, request: HttpRequest, status: int, why: str) -> HttpResponseBase:
        response = HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")
        # A gap may still become a picture within its slot.
        response["Cache-Control"] = "no-store"
        return _guarded(response, request)


def _has_signature(request: HttpRequest, camera_id: int, unix_slot: int) -> bool:
    return is_signed(
        camera_id,
        unix_slot,
        expires=request.GET.get("expires", ""),
        signature=request.GET.get("signature", ""),
        now=time.time(),
    )


def _is_visible(request: HttpRequest, camera_id: int) -> bool:
    user = request.user
    return isinstance(user, User) and cameras_visible_to(user, Action.SNAPSHOT).filter(pk=camera_id).exists()


def _guarded(response: HttpResponseBase, request: HttpRequest) -> HttpResponseBase:
    response["X-Content-Type-Options"] = "nosniff"
    # Without credentials: a page elsewhere needs a signed address, the session of a browser does not open it there.
    origin, allowed = request.headers.get("Origin"), settings.MEDIA_CORS_ORIGINS
    if "*" in allowed:
        response["Access-Control-Allow-Origin"] = "*"
    elif allowed:
        patch_vary_headers(response, ["Origin"])
        if origin and origin in allowed:
            response["Access-Control-Allow-Origin"] = origin
    return response
