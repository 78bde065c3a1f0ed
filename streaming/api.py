"""GetCameraPlayURL (document appendix 1, 2.1)."""

from rest_framework.response import Response

from access.choices import Scope
from access.verbs import VerbView
from cameras.selectors import cameras_in_department, cameras_numbered, find_camera
from protocol.errors import MalformedError, NotFoundError, shorten
from streaming.choices import VideoType
from streaming.selectors import find_playable
from streaming.services.play import PlayEntry, issue_play_url, issue_play_urls
from streaming.services.pushes import request_high_stream


class GetCameraPlayURL(VerbView):
    """Play addresses of one camera, or of every camera of a department and below."""

    scope = Scope.PLAY

    def get(self, request: object) -> Response:
        department = self.params.text("department")
        camera_num = self.params.text("cameraNum")
        video_type = VideoType(self.params.integer("videoType", 0, 1, default=0))
        if camera_num:
            return self._one(camera_num, department, video_type)
        if not department:
            raise MalformedError("缺少参数 department 或 cameraNum")
        cameras = cameras_in_department(self.partner, department)
        entries = issue_play_urls(partner=self.partner, cameras=cameras, video_type=video_type)
        return self.answer({"videoRequestUrl": [entry.to_wire() for entry in entries]})

    def _one(self, camera_num: str, department: str | None, video_type: VideoType) -> Response:
        entry = self._entry(camera_num, department, video_type)
        if video_type == VideoType.HIGH and entry.urls is not None:
            request_high_stream(camera=find_camera(self.partner, camera_num))
        wire = entry.to_wire()
        return self.answer({"videoRequestUrl": wire if self.partner.has_object_answer else [wire]})

    def _entry(self, camera_num: str, department: str | None, video_type: VideoType) -> PlayEntry:
        playable = None if department else find_playable(self.partner, camera_num, video_type)
        if playable is not None:
            return issue_play_url(partner=self.partner, playable=playable, video_type=video_type)
        cameras = cameras_numbered(self.partner, camera_num, department)
        for entry in issue_play_urls(partner=self.partner, cameras=cameras, video_type=video_type):
            return entry
        raise NotFoundError(f"摄像机不存在：{shorten(camera_num)}")
