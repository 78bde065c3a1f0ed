"""SnapShot (document appendix 1, 2.3)."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.http.response import HttpResponseBase

from access.choices import Scope
from access.verbs import VerbView
from cameras.models import Camera
from cameras.selectors import cameras_in_department, find_camera
from protocol.errors import MalformedError
from protocol.fields import parse_timestamp
from snapshots import openapi
from snapshots.selectors import PictureEntry, latest_of, pictures_between
from snapshots.services.listing import issue_pictures

_PIECE = 1000


class SnapShot(VerbView):
    """Addresses of pictures: of a time, or the latest of each camera."""

    scope = Scope.SNAPSHOT
    operation = openapi.SNAP_SHOT

    def get(self, request: object) -> HttpResponseBase:
        cameras = self._cameras()
        entries = issue_pictures(self._entries(cameras), ttl_seconds=self.partner.snapshot_ttl_seconds)
        return self.list_answer("snapShots", entries, piece=_PIECE)

    def _cameras(self) -> QuerySet[Camera]:
        department = self.params.text("department")
        camera_num = self.params.text("cameraNum")
        if camera_num:
            return Camera.objects.filter(pk=find_camera(self.partner, camera_num, department).pk)
        if not department:
            raise MalformedError("缺少 department 或 cameraNum")
        return cameras_in_department(self.partner, department)

    def _entries(self, cameras: QuerySet[Camera]) -> Iterator[PictureEntry]:
        start, end = (self.params.text(name) for name in ("startTime", "endTime"))
        if start is None and end is None:
            return latest_of(cameras)
        if start is None or end is None:
            missing = "startTime" if start is None else "endTime"
            raise MalformedError(f"缺少参数 {missing}：startTime 与 endTime 须同时给出，或都不给出")
        first, last = parse_timestamp(start, "startTime"), parse_timestamp(end, "endTime")
        if first > last:
            raise MalformedError("startTime 不应晚于 endTime")
        return pictures_between(cameras, first, last)
