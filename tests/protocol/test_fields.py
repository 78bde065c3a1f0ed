from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import fields
from protocol.codes import CameraType, Classify, Orientation, PtzAction
from protocol.errors import MalformedError


def refused(parse: Callable[[], object]) -> str:
    with pytest.raises(MalformedError) as caught:
        parse()
    caught.value.message.encode()
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "metres"),
    [("K1100+300", 1_100_300), ("K0+000", 0), ("K334+5", 334_005), (" K1+1\r\n", 1_001), ("k12+340", 12_340)],
)
def test_stake(text: str, metres: int) -> None:
    assert fields.parse_stake(text) == metres


@pytest.mark.parametrize(
    "value",
    [
        "",
        "K",
        "1100+300",
        "K1100",
        "K1100-300",
        "K1100+1000",
        "K+300",
        "ZK1+1",
        "K１+1",
        "K1.5+2",
        1100,
        None,
    ],
)
def test_what_is_no_stake(value: object) -> None:
    assert "pileNum" in refused(lambda: fields.parse_stake(value))


@given(st.integers(0, 99_999_999))
def test_stake_there_and_back(metres: int) -> None:
    assert fields.parse_stake(fields.format_stake(metres)) == metres


def test_format_stake() -> None:
    assert fields.format_stake(1_100_300) == "K1100+300"
    assert fields.format_stake(5) == "K0+005"
    with pytest.raises(ValueError, match="negative"):
        fields.format_stake(-1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("118.7741/32.247", (118.7741, 32.247)),
        ("130.34567/29.346587", (130.34567, 29.346587)),
        (" 118 / 32\n", (118.0, 32.0)),
        ("73/3", (73.0, 3.0)),
        ("136/54", (136.0, 54.0)),
    ],
)
def test_lon_lat(text: str, expected: tuple[float, float]) -> None:
    assert fields.parse_lon_lat(text) == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("32.247/118.7741", "经度应在 73 到 136"),
        ("72.9999/32", "经度"),
        ("136.0001/32", "经度"),
        ("118/2.9999", "纬度应在 3 到 54"),
        ("118/54.0001", "纬度"),
        ("0/0", "经度"),
        ("118.7741,32.247", "格式"),
        ("118.7741", "格式"),
        ("118/32/1", "格式"),
        ("1e2/32", "格式"),
        ("nan/32", "格式"),
        ("-118/32", "格式"),
        ("118°/32", "格式"),
        ("/", "格式"),
        (118.7741, "格式"),
        (["118", "32"], "格式"),
    ],
)
def test_what_is_no_lon_lat(value: object, why: str) -> None:
    message = refused(lambda: fields.parse_lon_lat(value))
    assert why in message
    assert "longAndLati" in message


@pytest.mark.parametrize(
    ("text", "roads"),
    [
        ("G42", ("G42",)),
        ("S38", ("S38",)),
        ("G42&S38", ("G42", "S38")),
        (" G1501 & G15W2\t", ("G1501", "G15W2")),
    ],
)
def test_road(text: str, roads: tuple[str, ...]) -> None:
    assert fields.parse_road(text) == roads


@pytest.mark.parametrize(
    "value", ["", "&", "G42&", "42", "沪蓉高速", "G42/S38", "g42", "G42,S38", 42, None, "G4&" * 40 + "G4"]
)
def test_what_is_no_road(value: object) -> None:
    assert "road" in refused(lambda: fields.parse_road(value))


@pytest.mark.parametrize("value", [320100, "320100", " 320100\n", 320100.0])
def test_area(value: object) -> None:
    assert fields.parse_area(value) == "320100"


@pytest.mark.parametrize(
    "value", [32, "32", "0320100", "020100", 3201000, "320100000000", "32010a", "", None, True, 320100.5, []]
)
def test_what_is_no_area(value: object) -> None:
    assert "area" in refused(lambda: fields.parse_area(value))


UUID = "aef89ecc-4cc6-4a6d-80fd-283196105b0b"


def test_camera_num_keeps_its_case() -> None:
    assert fields.parse_camera_num(f" {UUID.upper()}\r\n") == UUID.upper()


@pytest.mark.parametrize(
    "value",
    [
        "aef89ecc-4cc6-1a6d-80fd-283196105b0b",
        "aef89ecc-4cc6-4a6d-c0fd-283196105b0b",
        "aef89ecc4cc64a6d80fd283196105b0b",
        "{" + UUID + "}",
        UUID[:-1],
        UUID + "0",
        "camera-1",
        "../etc/passwd",
    ],
)
def test_what_is_no_uuid4(value: str) -> None:
    assert not fields.is_camera_num(value)
    assert "UUID4" in refused(lambda: fields.parse_camera_num(value))


@pytest.mark.parametrize("value", ["camera_1-A", "x" * 64, UUID, "aef89ecc-4cc6-1a6d-80fd-283196105b0b"])
def test_plain_numbers_with_the_flag_off(value: str) -> None:
    assert fields.is_camera_num(value, uuid4=False)
    assert fields.parse_camera_num(value, uuid4=False) == value


@pytest.mark.parametrize(
    "value", ["", "x" * 65, "../x", "a b", "摄像机", "a/b", "a\0b", "a.b", "\ud800", 7, None]
)
def test_numbers_that_are_never_taken(value: object) -> None:
    assert not fields.is_camera_num(value, uuid4=False)
    refused(lambda: fields.parse_camera_num(value, uuid4=False))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("宁镇管理处", "宁镇管理处"),
        ("\r\n\t宁镇管理处\t\n", "宁镇管理处"),
        ("宁镇\r\n管理处", "宁镇管理处"),
        ("　宁镇　管理处　", "宁镇　管理处"),
        ("x" * 64 + "\n", "x" * 64),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert fields.clean_text(text, "roadSec", longest=64) == cleaned


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "不能为空"),
        (" \r\n\t", "不能为空"),
        ("x" * 65, "有 65 个字符，最多 64 个"),
        ("a\0b", "第 2 个字符是控制字符 U+0000"),
        ("a\x08b", "U+0008"),
        ("a\ud800", "第 2 个字符是不成对的代理项 U+D800"),
        (7, "应为字符型"),
        (None, "应为字符型"),
        ({"a": 1}, "应为字符型"),
    ],
)
def test_what_is_no_clean_text(value: object, why: str) -> None:
    message = refused(lambda: fields.clean_text(value, "roadSec", longest=64))
    assert why in message
    assert message.startswith("roadSec 的值“")


@given(st.text(st.characters(exclude_categories=[])))
def test_clean_text_is_storable_or_refused(text: str) -> None:
    try:
        cleaned = fields.clean_text(text, "cameraName", longest=128, shortest=0)
    except MalformedError as error:
        error.message.encode()
    else:
        cleaned.encode()
        assert "\0" not in cleaned
        assert len(cleaned) <= 128


def test_values_are_shown_shortened() -> None:
    message = refused(lambda: fields.parse_stake("K" * 5000))
    assert len(message) < 120
    assert "…" in message


@pytest.mark.parametrize("value", [2, "2", " 2 ", 2.0])
def test_choice(value: object) -> None:
    assert fields.parse_choice(value, "classify", Classify) is Classify.BRIDGE


@pytest.mark.parametrize("value", [9, -1, "9", "", "桥梁", 2.5, True, None, [], "2.0"])
def test_what_is_no_choice(value: object) -> None:
    assert "classify 的值" in refused(lambda: fields.parse_choice(value, "classify", Classify))


def test_edges_of_the_value_lists() -> None:
    assert fields.parse_choice("8", "classify", Classify) is Classify.MOBILE
    assert fields.parse_choice(4, "cameraType", CameraType) is CameraType.CAPTURE
    assert "1、2、3、4" in refused(lambda: fields.parse_choice(0, "cameraType", CameraType))
    assert fields.parse_choice("14", "action", PtzAction) is PtzAction.HOME


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, Orientation.UP),
        ("1", Orientation.DOWN),
        ("上行", Orientation.UP),
        ("下行", Orientation.DOWN),
        ("双向", Orientation.BOTH),
        (" 上下行 ", Orientation.BOTH),
    ],
)
def test_orientation(value: object, expected: Orientation) -> None:
    assert fields.parse_orientation(value) is expected


@pytest.mark.parametrize("value", [3, "上", "", None])
def test_what_is_no_orientation(value: object) -> None:
    assert "cameraOrientation" in refused(lambda: fields.parse_orientation(value))


def test_int() -> None:
    assert fields.parse_int("8", "step", low=1, high=8) == 8
    assert refused(lambda: fields.parse_int(9, "step", low=1, high=8)) == "step 的值“9”应在 1 到 8 之间"
    assert "应为整数" in refused(lambda: fields.parse_int("x", "step", low=1, high=8))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1572834416", 1572834416.0),
        (1572834416, 1572834416.0),
        ("1572834416123", 1572834416.123),
        (" 0 ", 0.0),
        ("99999999999", 99999999999.0),
        ("100000000000", 100000000.0),
    ],
)
def test_timestamp(value: object, seconds: float) -> None:
    assert fields.parse_timestamp(value, "startTime") == seconds


@pytest.mark.parametrize(
    "value", ["", "-1", "1572834416.5", "2019-03-01", "9" * 15, "9" * 16, "１５７", None, True, 1e9, -1]
)
def test_what_is_no_timestamp(value: object) -> None:
    assert "startTime" in refused(lambda: fields.parse_timestamp(value, "startTime"))
