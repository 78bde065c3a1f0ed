import pytest

from streaming.embedded.mpegts import AacConfig, Muxer, adts_frame, parse_aac
from tests.streaming.embedded.transport_stream import AUDIO_PID, VIDEO_PID, crc, demux


def test_the_checksum_of_the_reader_is_the_published_one() -> None:
    assert crc(b"123456789") == 0x0376E6E7


def test_tables_name_the_streams() -> None:
    assert demux(Muxer().tables(has_audio=False)).kinds == {VIDEO_PID: 0x1B}
    assert demux(Muxer().tables(has_audio=True)).kinds == {VIDEO_PID: 0x1B, AUDIO_PID: 0x0F}


@pytest.mark.parametrize(
    "size", [1, 100, 145, 146, 147, 156, 157, 158, 183, 184, 185, 331, 340, 341, 342, 5000]
)
@pytest.mark.parametrize("is_key", [True, False])
def test_pictures_of_any_size_come_back(size: int, is_key: bool) -> None:
    muxer = Muxer()
    data = muxer.tables(has_audio=False)
    pictures = [bytes(index % 251 for index in range(size + more)) for more in range(3)]
    for index, picture in enumerate(pictures):
        data += muxer.video(picture, decode_ms=index * 40, present_ms=index * 40 + 80, is_key=is_key)
    units = demux(data).units[VIDEO_PID]
    assert [unit.data for unit in units] == pictures
    assert [unit.decode for unit in units] == [90_000, 93_600, 97_200]
    assert [unit.present - unit.decode for unit in units] == [7200] * 3
    assert all(unit.clock is not None and unit.clock < unit.decode for unit in units)
    assert {unit.is_random_access for unit in units} == {is_key}


@pytest.mark.parametrize("size", [1, 150, 170, 171, 172, 400])
def test_sound_of_any_size_comes_back(size: int) -> None:
    muxer = Muxer()
    frame = adts_frame(AacConfig(2, 4, 1), bytes(size))
    unit = demux(muxer.tables(has_audio=True) + muxer.audio(frame, present_ms=500)).units[AUDIO_PID][0]
    assert (unit.data, unit.present) == (frame, 135_000)


def test_times_wrap_at_33_bits() -> None:
    muxer = Muxer()
    day_27 = (1 << 33) // 90
    data = muxer.tables(has_audio=False) + muxer.video(b"x", decode_ms=day_27, present_ms=day_27, is_key=True)
    assert demux(data).units[VIDEO_PID][0].decode < 90_000 + 90


@pytest.mark.parametrize(
    ("header", "config"),
    [
        (b"\xaf\x00\x12\x08", AacConfig(2, 4, 1)),
        (b"\xaf\x00\x11\x90\x56", AacConfig(2, 3, 2)),
        (b"\xaf\x00\x2b\x92\x08\x00", AacConfig(2, 7, 2)),
        (b"\xaf\x00\x17\x88", None),
        (b"\xaf\x00", None),
    ],
    ids=["44.1 kHz mono", "48 kHz stereo", "HE-AAC", "own frequency", "cut"],
)
def test_reads_the_audio_configuration(header: bytes, config: AacConfig | None) -> None:
    assert parse_aac(header) == config


def test_the_frame_header_says_its_length() -> None:
    frame = adts_frame(AacConfig(2, 4, 1), bytes(300))
    assert frame[:2] == b"\xff\xf1"
    assert (int.from_bytes(frame[3:6], "big") >> 5 & 0x1FFF) == 307 == len(frame)
