"""Right and wrong streams, read from a real server and held against the document."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.judging import HIGH, LOW, Finding, Wanted, judge
from acceptance.measuring import Meter, Patience, measure
from snapshots.capture.flv import Tag
from tests.acceptance.clips import clip, with_gap
from tests.snapshots.clips import HEADER, make_tag, tags_of
from tests.snapshots.flv_server import Behaviour, FlvServer, Peer, ended, live, silent, status

STREAM = "/live/a_0.flv"
SHORT = Patience(first_frame=3, reading=3)
HASTY = Patience(first_frame=0.3, reading=0.3)
HEVC = HEADER + make_tag(b"\x1c\x00\x00\x00\x00hvcC")
ENHANCED_HEVC = HEADER + make_tag(b"\x97hvc1" + bytes(20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.fixture(scope="module")
def right(folder: Path) -> bytes:
    return clip(folder)


@pytest.fixture
def media() -> Iterator[FlvServer]:
    with FlvServer() as server:
        yield server


def look(
    media: FlvServer, behaviour: Behaviour, *, patience: Patience = SHORT, wanted: Wanted = LOW
) -> list[Finding]:
    media.behaviours[STREAM] = behaviour
    meter = measure(lambda: f"{media.base}{STREAM}", patience=patience, wait=lambda _: None)
    return list(judge(meter, wanted))


def bad(findings: list[Finding]) -> dict[str, str]:
    return {finding["title"]: finding["found"] for finding in findings if finding["is_good"] is False}


def test_a_right_stream_is_good_in_everything(media: FlvServer, right: bytes) -> None:
    findings = look(media, live(right))
    titles = ["编码", "分辨率", "帧率", "码率", "关键帧间隔", "平稳", "首帧"]
    assert [finding["title"] for finding in findings] == titles
    assert bad(findings) == {}
    found = {finding["title"]: finding["found"] for finding in findings}
    assert (found["分辨率"], found["帧率"]) == ("352×288", "25.0 帧/秒")
    assert found["关键帧间隔"] == "最长 2.0 秒"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fps": 15, "gop": 30}, {"帧率": "15.0 帧/秒"}),
        ({"gop": 60}, {"关键帧间隔": "最长 2.4 秒"}),
        ({"gop": 1000}, {"关键帧间隔": "最长 3.0 秒"}),
        ({"size": "704x576"}, {"分辨率": "704×576"}),
    ],
)
def test_what_is_wrong_is_found_and_nothing_else(
    changes: dict[str, int], expected: dict[str, str], media: FlvServer, folder: Path
) -> None:
    assert bad(look(media, live(clip(folder, **changes)))) == expected  # type: ignore[arg-type]


def test_a_picture_of_too_few_bits(media: FlvServer, folder: Path) -> None:
    still = clip(folder, source="color=black:size=352x288:rate=25")
    assert list(bad(look(media, live(still)))) == ["码率"]


def test_a_high_stream_may_be_larger_but_not_smaller_or_thinner(
    media: FlvServer, folder: Path, right: bytes
) -> None:
    assert bad(look(media, live(clip(folder, size="1344x756")), wanted=HIGH)) == {}
    assert list(bad(look(media, live(right), wanted=HIGH))) == ["分辨率", "码率"]


def test_a_gap_on_the_clock_of_the_stream(media: FlvServer, folder: Path) -> None:
    flv = with_gap(clip(folder, gop=25), after=30, milliseconds=1040)
    found = bad(look(media, live(flv)))
    assert sorted(found) == ["帧率", "平稳"]
    assert found["平稳"].startswith("最长间隔 1.08 秒")


@pytest.mark.parametrize("name", [HEVC, ENHANCED_HEVC])
def test_another_encoding_is_told_by_name(name: bytes, media: FlvServer) -> None:
    assert bad(look(media, live(name))) == {"编码": "H265"}


def test_parameters_that_cannot_be_read(media: FlvServer) -> None:
    flv = HEADER + make_tag(b"\x17\x00\x00\x00\x00no record")
    assert bad(look(media, live(flv))) == {"编码": "参数集无法识别的 H.264"}


def test_a_stream_that_ends_early(media: FlvServer, right: bytes) -> None:
    assert bad(look(media, ended(right[: len(right) // 2])))["平稳"].endswith("码流中断")


def test_a_stream_that_stands_still(media: FlvServer, right: bytes) -> None:
    assert bad(look(media, live(right), patience=Patience(0.2, 3.6)))["平稳"].endswith("没有后续画面")


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (silent, "没有画面"),
        (live(HEADER), "没有画面"),
        (ended(), "码流中断"),
        (status(403), "媒体服务器拒绝，HTTP 403"),
        (status(404), "媒体服务器上没有该码流"),
        (ended(b"<html>"), "画面无法解码"),
    ],
)
def test_where_nothing_comes_it_is_told_why(behaviour: Behaviour, why: str, media: FlvServer) -> None:
    assert bad(look(media, behaviour, patience=HASTY)) == {"取得码流": why}


def test_nobody_listens() -> None:
    with FlvServer() as server:
        address = f"{server.base}{STREAM}"
    findings = list(judge(measure(lambda: address, patience=HASTY), LOW))
    assert bad(findings) == {"取得码流": "媒体服务器无法连接"}


def test_a_stream_is_waited_for_where_the_server_does_not(media: FlvServer, right: bytes) -> None:
    answers = [status(404), status(404), live(right)]

    def behave(peer: Peer) -> None:
        answers.pop(0)(peer)

    assert bad(look(media, behave)) == {}
    assert len(media.requests) == 3


# The meter alone -----------------------------------------------------------------------------------


def metered(flv: bytes, *, from_ms: int = 0, step_seconds: float = 0.04) -> Meter:
    meter = Meter()
    for number, tag in enumerate(tag for tag in tags_of(flv) if tag.is_video):
        at = (from_ms + 40 * number) & 0xFFFFFFFF
        meter.take(Tag(at, tag.data), 0.5 + number * step_seconds)
    return meter


def test_time_runs_over_the_end_of_its_32_bits(right: bytes) -> None:
    meter = metered(right, from_ms=2**32 - 1000)
    assert meter.fps == pytest.approx(25)
    assert meter.longest_gap_ms == pytest.approx(40)


def test_a_late_arrival_is_a_gap_whatever_the_clock_of_the_stream_says(right: bytes) -> None:
    assert metered(right, step_seconds=1.5).longest_gap_ms == pytest.approx(1500)


def test_the_first_frame_counts_and_a_slow_one_is_bad(right: bytes) -> None:
    meter = metered(right)
    # The sequence header is no frame.
    assert meter.first_frame_at == pytest.approx(0.54)
    meter.first_frame_at = 1.2
    assert list(bad(list(judge(meter, LOW)))) == ["首帧"]
    assert bad(list(judge(meter, LOW, was_absent=False))) == {}
