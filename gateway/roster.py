"""From the configured cameras to the running ones, again each time the configuration is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapters.base import Surroundings
from gateway.camera_config import CameraConfig
from gateway.cameras import Camera


@dataclass(frozen=True)
class Change:
    cameras: Sequence[Camera]  # all of them
    fresh: Sequence[Camera]  # not there before, or not like this
    gone: Sequence[Camera]  # not there any more, or not like this


class Roster:
    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._known: dict[str, tuple[CameraConfig, Camera]] = {}

    def changed_to(self, configured: Sequence[CameraConfig]) -> Change:
        """A camera whose entry is the same is the same camera, with its status and its adapter."""
        before, self._known = self._known, {}
        fresh: list[Camera] = []
        for config in configured:
            key = config.record.camera_num.lower()
            known = before.get(key)
            if known is not None and _is_same(known[0], config):
                known[1].is_assigned = config.is_assigned
                self._known[key] = known
                continue
            camera = self._build(config)
            self._known[key] = config, camera
            fresh.append(camera)
        gone = [
            camera
            for key, (_, camera) in before.items()
            if self._known.get(key, (None, None))[1] is not camera
        ]
        return Change([camera for _, camera in self._known.values()], fresh, gone)

    def _build(self, config: CameraConfig) -> Camera:
        adapter = config.factory(config.record, self._surroundings)
        return Camera(
            config.record, adapter, is_ptz_open=config.is_ptz_open, is_assigned=config.is_assigned
        )


def combined(own: Sequence[CameraConfig], assigned: Sequence[CameraConfig]) -> list[CameraConfig]:
    """The section's own file goes before the platform: what it names runs as it says."""
    named = {config.record.camera_num.lower() for config in own}
    return [*own, *(one for one in assigned if one.record.camera_num.lower() not in named)]


def _is_same(one: CameraConfig, other: CameraConfig) -> bool:
    return (one.record, one.source, one.is_ptz_open) == (other.record, other.source, other.is_ptz_open)
