"""Where the streams of a test's cameras are."""

from collections.abc import Iterable

from streaming.selectors import CaptureTarget
from tests.snapshots.flv_server import FlvServer


class Streams:
    """Stands for streaming.selectors.capture_targets: where the streams of these cameras are."""

    def __init__(self, media: FlvServer) -> None:
        self.media = media
        self.without_stream: dict[int, str] = {}
        self.asked: list[int] = []
        self.elsewhere: dict[int, FlvServer] = {}

    def __call__(self, camera_ids: Iterable[int]) -> list[CaptureTarget]:
        ids = list(camera_ids)
        self.asked += ids
        return [self._target(pk) for pk in ids]

    def _target(self, pk: int) -> CaptureTarget:
        if pk in self.without_stream:
            return CaptureTarget(pk, False, None, self.without_stream[pk])
        server = self.elsewhere.get(pk, self.media)
        return CaptureTarget(pk, True, f"{server.base}/live/{pk}.flv", "H264")
