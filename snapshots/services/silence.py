"""Media servers that take every request and send nothing: their cameras are not to blame."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from snapshots.capture.crew import Shot
from snapshots.choices import SnapshotResult

# Of fewer cameras it may be chance, and of fewer in a hundred it is the cameras.
_FEWEST: Final = 10
_SHARE: Final = 0.9


def silent_servers(results: Mapping[int, SnapshotResult], servers: Mapping[int, str]) -> set[str]:
    """Servers of which hardly any camera gave a key frame in time. `results` and `servers` are by camera."""
    asked: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    for camera_id, result in results.items():
        if server := servers.get(camera_id):
            asked[server] += 1
            silent[server] += result == SnapshotResult.NO_KEY_FRAME
    return {server for server, count in asked.items() if count >= _FEWEST and silent[server] >= _SHARE * count}


def excused(shots: Sequence[Shot], servers: Mapping[int, str], silent: set[str]) -> list[Shot]:
    """The same shots, those of silent servers as "not to be reached"."""
    return [
        Shot(shot.camera_id, SnapshotResult.UNREACHABLE)
        if servers.get(shot.camera_id) in silent
        else shot
        for shot in shots
    ]
