"""A changed configuration file is taken over while the other cameras go on."""

import json
import signal
from pathlib import Path

from protocol.codes import Code
from tests.gateway.roadside import (
    BROKEN,
    COMPANY,
    DOME,
    FIXED,
    Platform,
    Sink,
    camera,
    command,
    config,
    gateway_process,
    sink,
    until,
    write_config,
)


def test_only_what_changed_is_touched(folder: Path, media: Sink, clip: Path, upper: Platform) -> None:
    source = {"adapter": "file", "path": str(clip)}
    dome, fixed = camera(DOME, source), camera(FIXED, source)
    platform = config(folder)["platform"] | {"base_url": upper.base_url}
    with gateway_process(folder, cameras=[dome, fixed], platform=platform) as gateway, sink() as other:
        until(lambda: upper.of("VideoInformation"), what="first report")
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        assert gateway.begin(FIXED, command(other.port)).code == Code.OK
        media.until_frames(3)
        other.until_frames(3)
        children = set(gateway.children())

        # One as it was, one gone, one new.
        given = json.loads((folder / "gateway.json").read_text())
        given["cameras"] = [dome, camera(BROKEN, source)]
        (folder / "gateway.json").write_text(json.dumps(given))
        gateway.process.send_signal(signal.SIGHUP)

        until(
            lambda: gateway.begin(BROKEN, command(other.port, "/live/new")).code == Code.OK, what="new camera"
        )
        assert gateway.begin(FIXED, command(other.port)).code == Code.NOT_FOUND
        until(lambda: len(set(gateway.children()) & children) == 1, what="end of the other push")
        assert media.publishers == 1
        media.until_frames(3)
        until(lambda: BROKEN in registered(upper), what="report of the new camera")


def registered(upper: Platform) -> set[str]:
    return {
        one["cameraNum"]
        for body in upper.of("VideoInformation")
        for one in body
        if one["department"] == COMPANY
    }


def test_a_file_with_mistakes_changes_nothing(folder: Path, media: Sink, clip: Path) -> None:
    source = {"adapter": "file", "path": str(clip)}
    with gateway_process(folder, cameras=[camera(DOME, source)]) as gateway:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        media.until_frames(3)
        write_config(folder, cameras=[])
        (folder / "gateway.json").write_text("{")
        gateway.process.send_signal(signal.SIGHUP)
        until(
            lambda: "configuration not taken over" in gateway.log.read_text(), what="the refusal in the log"
        )
        media.until_frames(3)
        assert gateway.begin(DOME, command(media.port)).code == Code.ALREADY_PUSHING
