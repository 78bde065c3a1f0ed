"""Transcoding takes no more of the machine than it was given."""

from pathlib import Path

import pytest

from gateway.budget import BudgetSpentError, CoreBudget, transcoding_cores
from protocol.codes import Code, VideoType
from protocol.commands import HIGH_FORMAT, LOW_FORMAT
from tests.gateway.roadside import (
    DOME,
    FIXED,
    LOW,
    Sink,
    camera,
    command,
    gateway_in_thread,
    until,
    write_config,
)

CIF, FULL_HD = 352 * 288 * 25.0, 1920 * 1080 * 25.0


def test_the_estimate_agrees_with_what_was_measured() -> None:
    """Channels a core: 19, 6 and 3.3."""
    assert 1 / transcoding_cores(LOW_FORMAT, CIF) == pytest.approx(19, rel=0.05)
    assert 1 / transcoding_cores(LOW_FORMAT, FULL_HD) == pytest.approx(6, rel=0.05)
    assert 1 / transcoding_cores(HIGH_FORMAT, FULL_HD) == pytest.approx(3.3, rel=0.05)
    assert transcoding_cores(LOW_FORMAT, None) == transcoding_cores(LOW_FORMAT, FULL_HD)


def test_what_is_promised_is_kept_until_it_is_given_back() -> None:
    budget = CoreBudget(1.0)
    budget.reserve("a", 0.6)
    with pytest.raises(BudgetSpentError, match=r"需 0\.50 核，已用 0\.60 核，共 1 核"):
        budget.reserve("b", 0.5)
    # A channel that is planned anew is not counted twice.
    budget.reserve("a", 0.9)
    assert budget.used == pytest.approx(0.9)
    budget.release("a")
    budget.reserve("b", 1.0)
    # What is passed on as it is needs no room.
    budget.reserve("c", 0.0)


def test_an_order_beyond_the_budget_is_refused_with_500_and_the_reason(
    folder: Path, media: Sink, clip: Path
) -> None:
    source = {"adapter": "file", "path": str(clip), "mode": "transcode"}
    cameras = [camera(DOME, source), camera(FIXED, source)]
    with gateway_in_thread(write_config(folder, cameras=cameras, transcode_cores=0.2)) as gateway:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        media.until_frames(3)
        for _ in range(2):
            refused = gateway.begin(FIXED, command(media.port, "/live/fixed"))
            assert refused.code == Code.INTERNAL
            assert refused.msg.startswith("转码能力已用完：本路需")
        assert until(lambda: gateway.pushing) == 1

        assert gateway.finish(DOME).code == Code.OK
        assert gateway.begin(FIXED, command(media.port)).code == Code.OK
        media.until_frames(3)


def test_passing_through_needs_no_budget(folder: Path, media: Sink, clip: Path) -> None:
    source = {"adapter": "file", "path": str(clip), "mode": "auto"}
    path = write_config(folder, cameras=[camera(DOME, source)], transcode_cores=0)
    with gateway_in_thread(path) as gateway:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        media.until_frames(3)
        # The other format has to be made: first it is looked at, then it is refused.
        small = command(media.port, "/live/other", video={**LOW, "framerate": 10, "iframe": 20})
        assert gateway.begin(DOME, small, VideoType.HIGH).code == Code.INTERNAL
