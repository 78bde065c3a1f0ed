"""GetCameraPlayURL (document appendix 1, 2.1)."""

from functools import cached_property

from django.http.response import HttpResponseBase
from rest_framework.response import Response

from access.choices import Scope
from access.services.tokens import Companion
from access.verbs import VerbView
from cameras.selectors import cameras_in_department, cameras_numbered, find_camera
from protocol.errors import MalformedError, NotFoundError, shorten
from streaming import openapi
from streaming.choices import VideoType
from streaming.selectors import found_playable, playable_beside_token
from streaming.services.play import PlayEntry, issue_play_url, issue_play_urls
from streaming.services.pushes import request_high_stream
from streaming.services.viewings import ensure_room

# Entries signed and written together: a slow line makes none of them old.
_PIECE = 200


class GetCameraPlayURL(VerbView):
    """Play addresses of one camera, or of every camera of a department and below."""

    scope = Scope.PLAY
    operation = openapi.GET_CAMERA_PLAY_URL

    def companion(self) -> Companion | None:
        try:
            camera_num, department, video_type = self._asked
        except MalformedError:
            return None  # told when the caller is known to be allowed an answer
        return playable_beside_token(camera_num, department, video_type) if camera_num else None

    def get(self, request: object) -> HttpResponseBase:
        camera_num, department, video_type = self._asked
        if camera_num:
            return self._one(camera_num, department, video_type)
        if not department:
            raise MalformedError("缺少参数 department 或 cameraNum")
        cameras = cameras_in_department(self.partner, department)
        entries = issue_play_urls(partner=self.partner, cameras=cameras, video_type=video_type)
        return self.list_answer("videoRequestUrl", entries, piece=_PIECE)

    @cached_property
    def _asked(self) -> tuple[str | None, str | None, VideoType]:
        params = self.params
        video_type = VideoType(params.integer("videoType", 0, 1, default=0))
        return params.text("cameraNum"), params.text("department"), video_type

    def _one(self, camera_num: str, department: str | None, video_type: VideoType) -> Response:
        entry = self._entry(camera_num, department, video_type)
        ensure_room(self.partner)
        if video_type == VideoType.HIGH and entry["online"]:
            request_high_stream(camera=find_camera(self.partner, camera_num))
        return self.answer({"videoRequestUrl": entry if self.partner.has_object_answer else [entry]})

    def _entry(self, camera_num: str, department: str | None, video_type: VideoType) -> PlayEntry:
        found = self.found_beside
        if found:
            playable, outlet = found_playable(found)
            return issue_play_url(
                partner=self.partner, playable=playable, outlet=outlet, video_type=video_type
            )
        cameras = cameras_numbered(self.partner, camera_num, department)
        for entry in issue_play_urls(partner=self.partner, cameras=cameras, video_type=video_type):
            return entry
        raise NotFoundError(f"摄像机不存在：{shorten(camera_num)}")
