"""The pictures themselves, for whoever has a signed address and for staff."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.files.base import File
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date
from django.views import View

from access.choices import Action
from access.models import User
from cameras.models import Camera
from cameras.selectors import cameras_visible_to
from cameras.visibility import visible_condition
from snapshots.capture.store import held_name, name_of, open_whole
from snapshots.selectors import find_held_picture, find_picture
from snapshots.services.links import is_signed
from snapshots.storage.contract import pictures

logger = logging.getLogger(__name__)

# A picture never changes once it is there.
_KEEP_SECONDS = 86_400
# A browser follows at once.
_REDIRECT_SECONDS = 60


class PictureView(View):
    """One picture: a signature in the query, or a member of staff who may see this camera's pictures."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, camera_id: int, unix_slot: int) -> HttpResponseBase:
        if not (_has_signature(request, camera_id, unix_slot) or _is_visible(request, camera_id, unix_slot)):
            return self._closed(request, 403, "地址无效或已过期，或没有查看该摄像机截图的权限")
        try:
            picture = _find(camera_id, unix_slot)
        except OSError:
            logger.exception("a picture could not be read")
            return self._closed(request, 503, "截图存储暂时无法读取，请稍后再试")
        if picture is None:
            return self._closed(request, 404, "该时段没有截图")
        if picture.url:
            response: HttpResponseBase = HttpResponseRedirect(picture.url)
            response["Cache-Control"] = "no-store"
            return _guarded(response, request)
        response = FileResponse(
            picture.file, content_type="image/jpeg", filename=f"{camera_id}-{unix_slot}.jpg"
        )
        response["Cache-Control"] = f"private, max-age={_KEEP_SECONDS}, immutable"
        response["Last-Modified"] = http_date(picture.taken_at.timestamp())
        return _guarded(response, request)

    def _closed(self, request: HttpRequest, status: int, why: str) -> HttpResponseBase:
        response = HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")
        # A gap may still become a picture within its slot.
        response["Cache-Control"] = "no-store"
        return _guarded(response, request)


@dataclass(frozen=True)
class _Found:
    """Where a picture is: elsewhere at `url`, or in `file`."""

    taken_at: datetime
    url: str | None
    file: File[bytes] | None


def _find(camera_id: int, unix_slot: int) -> _Found | None:
    """In its day, or held for a case. Raises OSError when the storage does not answer."""
    row = find_picture(camera_id, unix_slot)
    if row is not None:
        name = name_of(camera_id, row.slot_at, row.keep_days)
        if found := _open(name, row.taken_at or row.slot_at):
            return found
    held = find_held_picture(camera_id, unix_slot)
    return _open(held_name(held.hold_id, held.slot_at), held.taken_at) if held else None


def _open(name: str, taken_at: datetime) -> _Found | None:
    if url := pictures().direct_url(name, _REDIRECT_SECONDS):
        return _Found(taken_at, url, None)
    file = open_whole(name)
    return _Found(taken_at, None, file) if file else None


def _has_signature(request: HttpRequest, camera_id: int, unix_slot: int) -> bool:
    return is_signed(
        camera_id,
        unix_slot,
        expires=request.GET.get("expires", ""),
        signature=request.GET.get("signature", ""),
        now=time.time(),
    )


def _is_visible(request: HttpRequest, camera_id: int, unix_slot: int) -> bool:
    user = request.user
    if not isinstance(user, User):
        return False
    if cameras_visible_to(user, Action.SNAPSHOT).filter(pk=camera_id).exists():
        return True
    # What is held for a case is shown after its camera is gone, to those who could see the camera.
    held = find_held_picture(camera_id, unix_slot)
    if held is None or held.hold.camera.deleted_at is None:
        return False
    return Camera.objects.filter(visible_condition(user, Action.SNAPSHOT), pk=camera_id).exists()


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
