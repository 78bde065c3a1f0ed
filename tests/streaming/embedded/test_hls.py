"""Segments and playlist, from tags alone."""

import re

import pytest

from streaming.embedded import flv
from streaming.embedded.config import Limits
from streaming.embedded.hls import Packager
from streaming.embedded.hub import Client, Stream
from streaming.embedded.ingest import Ingest
from tests.streaming.embedded.peers import FlvTag, before, pictures, since
from tests.streaming.embedded.transport_stream import AUDIO_PID, VIDEO_PID, demux


class Hall:
    """The little of a hub that one publisher needs."""

    def __init__(self) -> None:
        self.stream: Stream | None = None

    def attach(self, key: tuple[str, str], publisher: "Source", announced_audio: bool | None) -> Stream:
        if self.stream is None:
            self.stream = Stream(key, publisher, Limits())
        self.stream.begin(publisher, announced_audio)
        return self.stream


class Source:
    """A publisher that feeds a packager with no network between."""

    client = Client("1", "", "", "rtmp")

    def __init__(self, hall: Hall | None = None) -> None:
        self.hall = hall or Hall()
        self.ingest = Ingest(self.hall, ("live", "x"), self)  # type: ignore[arg-type]

    def kick(self, reason: str) -> None:
        raise AssertionError(reason)

    def feed(self, tags: list[FlvTag]) -> None:
        for tag in tags:
            if tag.kind == flv.VIDEO:
                self.ingest.video(tag.at, tag.body)
            elif tag.kind == flv.AUDIO:
                self.ingest.audio(tag.at, tag.body)
            self.ingest.flush()

    @property
    def stream(self) -> Stream:
        assert self.hall.stream is not None
        return self.hall.stream

    def package(self) -> Packager:
        packager = Packager(self.stream, Limits())
        self.stream.listeners.add(packager)
        return packager


def repeated(tags: list[FlvTag], times: int, length_ms: int) -> list[FlvTag]:
    """The clip in a loop; sequence headers only once."""
    out = list(tags)
    for turn in range(1, times):
        moved = (
            tag._replace(at=tag.at + turn * length_ms) for tag in tags if not tag.is_config and tag.kind != 18
        )
        out += moved
    return out


def durations(playlist: str) -> list[float]:
    return [float(text) for text in re.findall(r"#EXTINF:([\d.]+),", playlist)]


def numbers(playlist: str) -> list[int]:
    return [int(text) for text in re.findall(r"^(\d+)\.ts$", playlist, re.M)]


def all_units(packager: Packager, pid: int) -> list[bytes]:
    playlist = packager.playlist()
    data = b"".join(packager.segment(number) or b"" for number in numbers(playlist))
    return [unit.data for unit in demux(data).units[pid]]


def test_segments_are_cut_at_key_frames(clip: list[FlvTag]) -> None:
    source = Source()
    source.feed(before(clip, 2000))
    packager = source.package()
    source.feed(since(clip, 2000))
    playlist = packager.playlist()
    assert durations(playlist) == [2.0, 2.0]
    assert "#EXT-X-TARGETDURATION:2\n" in playlist
    assert f"#EXT-X-MEDIA-SEQUENCE:{numbers(playlist)[0]}\n" in playlist
    for number in numbers(playlist):
        units = demux(packager.segment(number) or b"").units[VIDEO_PID]
        assert len(units) == 50
        assert units[0].is_random_access
        assert [unit.is_random_access for unit in units].count(True) == 1
    assert packager.segment(numbers(playlist)[0] - 1) is None


def test_times_and_order_survive(clip: list[FlvTag]) -> None:
    source = Source()
    source.feed(clip[:5])
    packager = source.package()
    source.feed(clip[5:])
    data = b"".join(packager.segment(number) or b"" for number in numbers(packager.playlist()))
    units = demux(data).units[VIDEO_PID]
    expected = [90 * int.from_bytes(tag.body[2:5], "big") for tag in pictures(clip)[:100]]
    assert [unit.present - unit.decode for unit in units] == expected
    assert {later.decode - earlier.decode for earlier, later in zip(units, units[1:], strict=False)} == {3600}


def test_sound_goes_along(sound_clip: list[FlvTag]) -> None:
    source = Source()
    source.ingest.metadata(b"\x02\x00\nonMetaData\x08\x00\x00\x00\x00\x00\x00\x09")
    source.feed(before(sound_clip, 1000))
    packager = source.package()
    source.feed(since(sound_clip, 1000))
    frames = [tag.body[2:] for tag in sound_clip if tag.kind == 8 and not tag.is_config]
    got = [unit[7:] for unit in all_units(packager, AUDIO_PID)]
    first = frames.index(got[0])
    assert len(got) > 70
    assert got == frames[first : first + len(got)]


@pytest.mark.parametrize(
    ("group_ms", "target", "longest"), [(1000, 1, 1.0), (2000, 2, 2.0), (3000, 3, 3.0), (10_000, 3, 3.0)]
)
def test_segments_are_never_longer_than_three_seconds(
    clip: list[FlvTag], group_ms: int, target: int, longest: float
) -> None:
    """Groups of another length made of the same pictures: only the key flag counts here."""
    header = next(tag for tag in clip if tag.kind == 9 and tag.is_config)
    key, other = pictures(clip)[0].body, pictures(clip)[1].body
    tags = [FlvTag(9, at, other if at % group_ms else key) for at in range(0, 40_000, 40)]
    source = Source()
    source.feed([header, *(tag for tag in tags if tag.at < 20_000)])
    packager = source.package()
    source.feed(since(tags, 20_000))
    playlist = packager.playlist()
    assert f"#EXT-X-TARGETDURATION:{target}\n" in playlist
    assert max(durations(playlist)) == longest
    assert len(numbers(playlist)) == 5


def test_the_window_moves_and_old_segments_stay_a_while(clip: list[FlvTag]) -> None:
    source = Source()
    loop = repeated(clip, 6, 6000)
    source.feed(loop[:10])
    packager = source.package()
    source.feed(loop[10:])
    listed = numbers(packager.playlist())
    assert len(listed) == 5
    assert listed == list(range(listed[0], listed[0] + 5))
    assert packager.segment(listed[0] - 4) is not None
    assert packager.segment(listed[0] - 5) is None


def test_another_encoder_is_marked_as_a_break(clip: list[FlvTag], larger_clip: list[FlvTag]) -> None:
    source = Source()
    source.feed(clip[:10])
    packager = source.package()
    source.feed(clip[10:])
    Source(source.hall).feed(larger_clip)
    playlist = packager.playlist()
    assert durations(playlist) == [2.0, 2.0, 2.0, 2.0]
    assert playlist.index("#EXT-X-DISCONTINUITY\n") > playlist.index(f"{numbers(playlist)[2]}.ts")
    assert playlist.count("#EXT-X-DISCONTINUITY\n") == 1
    later = Source(source.hall)
    later.feed(repeated(larger_clip, 6, 4000))
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:2\n" in packager.playlist()


def test_numbers_grow_over_the_end_of_a_stream(clip: list[FlvTag]) -> None:
    lists = []
    for _ in range(2):
        source = Source()
        source.feed(clip[:10])
        packager = source.package()
        source.feed(clip[10:])
        lists.append(numbers(packager.playlist()))
    assert lists[1][0] >= lists[0][0]
    assert lists[0][0] > 4 * 1_700_000_000
