"""What analysis boxes at the roadside report to the gateway, judged as the platform would judge it."""

import hmac
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from gateway.cameras import Camera, Cameras
from gateway.results import Results
from protocol.errors import NotFoundError
from protocol.lists import parse_items, summary
from protocol.reports import parse_analysis, parse_quality


class _Item(Protocol):
    @property
    def camera_num(self) -> str: ...


ItemT = TypeVar("ItemT", bound=_Item)


class Intake:
    """`token` None: nobody may report."""

    def __init__(self, cameras: Cameras, results: Results, token: str | None) -> None:
        self._cameras = cameras
        self._results = results
        self._token = token.encode() if token else None

    @property
    def is_open(self) -> bool:
        return self._token is not None

    def accepts(self, token: str) -> bool:
        return self._token is not None and hmac.compare_digest(token.encode(), self._token)

    def take_analyses(self, body: bytes, department: str | None) -> str | None:
        """Words for what was not taken; MalformedError or NotFoundError when nothing was."""
        told, said = self._sort_out(body, department, parse_analysis, "智能分析列表")
        for camera, item in told:
            self._results.put(camera, item.data)
        return said

    def take_qualities(self, body: bytes, department: str | None) -> str | None:
        """The same for image quality; of one camera twice the later counts."""
        told, said = self._sort_out(body, department, parse_quality, "图像质量列表")
        for camera, item in told:
            self._cameras.note_quality(camera, item.flags)
        return said

    def _sort_out(
        self, body: bytes, department: str | None, parse: Callable[[msgspec.Raw], ItemT], what: str
    ) -> tuple[Sequence[tuple[Camera, ItemT]], str | None]:
        items, faults = parse_items(body, parse, what=what)
        known: list[tuple[Camera, ItemT]] = []
        unknown: dict[str, None] = {}
        for item in items:
            try:
                camera = self._cameras.get(item.camera_num)
            except NotFoundError:
                unknown[item.camera_num] = None
                continue
            if department in (None, camera.record.department, camera.record.road_section):
                known.append((camera, item))
            else:
                unknown[item.camera_num] = None
        return known, summary(len(known), faults, list(unknown))
