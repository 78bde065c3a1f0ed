import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import cameras
from protocol.cameras import BackResult, CameraItemError, CameraRecord, camera_to_wire, parse_camera
from protocol.codes import CameraType, Classify, ItemStatus, Orientation
from protocol.errors import MalformedError
from tests.protocol.samples import sample, sample_bytes

CAMERA: dict[str, Any] = sample("video_information")[0]
NUM = "aef89ecc-4cc6-4a6d-80fd-283196105b0b"


def parse(**changed: object) -> CameraRecord:
    return parse_camera(json.dumps({**CAMERA, **changed}).encode())


def faults_of(raw: bytes, *, uuid4: bool = True) -> tuple[str, ...]:
    with pytest.raises(CameraItemError) as caught:
        parse_camera(raw, uuid4=uuid4)
    caught.value.message.encode()
    return caught.value.faults


def faults(**changed: object) -> tuple[str, ...]:
    return faults_of(json.dumps({**CAMERA, **changed}).encode())


def test_the_documents_first_camera() -> None:
    assert parse() == CameraRecord(
        department="江苏宁沪高速股份有限公司",
        camera_num=NUM,
        camera_name="G25 (长深高速) 江苏南京 XX 段 XX 单位 K1100+300",
        longitude=118.7741,
        latitude=32.247,
        road="G25",
        classify=Classify.ROADSIDE,
        orientation=Orientation.UP,
        camera_type=CameraType.FIXED,
        stake="K1100+300",
        stake_m=1_100_300,
        area="320100",
        road_section="宁镇管理处",
        gateway_num=NUM,
        poi_name="长深高速",
        others="",
    )


def test_the_documents_second_camera_says_the_direction_in_words() -> None:
    second = sample("video_information")[1]
    assert second["cameraOrientation"] == "上行"
    record = parse_camera(json.dumps(second).encode())
    assert record.orientation is Orientation.UP
    assert record.classify is Classify.DEFAULT


def test_raw_elements_of_a_list() -> None:
    raws = msgspec.json.decode(sample_bytes("video_information"), type=list[msgspec.Raw])
    assert [parse_camera(raw).camera_num for raw in raws] == [NUM, NUM]


def test_written_as_it_was_read() -> None:
    wire = camera_to_wire(parse())
    assert wire == CAMERA
    assert list(wire) == list(CAMERA)
    assert wire["area"] == "320100"
    assert type(wire["classify"]) is int


def test_upward_the_gateway_is_not_named() -> None:
    assert camera_to_wire(parse(), gateway_num=False) == {**CAMERA, "gatewayNum": ""}


def test_numbers_as_strings() -> None:
    record = parse(classify="8", cameraOrientation="2", cameraType="2", area=320100)
    assert (record.classify, record.orientation, record.camera_type, record.area) == (8, 2, 2, "320100")


def test_dirt_is_trimmed() -> None:
    record = parse(
        department="江苏宁沪\r\n",
        roadSec="\t宁镇管理处",
        cameraName=" 互通\n入口 ",
        cameraNum=f"{NUM.upper()}\r\n",
    )
    assert (record.department, record.road_section, record.camera_name) == (
        "江苏宁沪",
        "宁镇管理处",
        "互通入口",
    )
    assert record.camera_num == NUM.upper()
    assert parse(pileNum=" k12+5\n").stake == "K12+5"
    assert parse(road="G42 & S38").road == "G42&S38"


@pytest.mark.parametrize("name", ["gatewayNum", "poiName", "others"])
def test_optional_fields(name: str) -> None:
    without = {key: value for key, value in CAMERA.items() if key != name}
    wire = camera_to_wire(parse_camera(json.dumps(without).encode()))
    assert wire == {**CAMERA, name: ""}
    assert camera_to_wire(parse(**{name: None})) == {**CAMERA, name: ""}


@pytest.mark.parametrize("name", [key for key in CAMERA if key not in ("gatewayNum", "poiName", "others")])
def test_required_fields(name: str) -> None:
    without = {key: value for key, value in CAMERA.items() if key != name}
    assert faults_of(json.dumps(without).encode()) == (f"缺少 {name}",)
    assert faults(**{name: None}) == (f"缺少 {name}",)
    assert len(faults(**{name: ""})) == 1


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("department", 64),
        ("cameraName", 128),
        ("roadSec", 64),
        ("poiName", 128),
        ("gatewayNum", 64),
        ("others", 2000),
    ],
)
def test_lengths(name: str, longest: int) -> None:
    assert camera_to_wire(parse(**{name: "长" * longest}))[name] == "长" * longest
    (message,) = faults(**{name: "长" * (longest + 1)})
    assert message.startswith(f"{name} 的值“")
    assert message.endswith(f"有 {longest + 1} 个字符，最多 {longest} 个")


def test_all_faults_of_an_item_at_once() -> None:
    found = faults(
        department="",
        cameraNum="camera 1",
        cameraName=7,
        longAndLati="32/118",
        road="沪蓉",
        classify=9,
        cameraOrientation="左",
        pileNum="1100",
        area="32",
        roadSec=None,
        cameraType=0,
        gatewayNum=1,
        poiName=[],
        others={"a": 1},
    )
    assert {message.split(" 的值")[0].removeprefix("缺少 ") for message in found} == set(CAMERA)
    assert "classify 的值“9”应为 0、1、2、3、4、5、6、7、8 之一" in found


def test_the_error_says_which_camera() -> None:
    with pytest.raises(CameraItemError) as caught:
        parse(road="沪蓉")
    assert caught.value.camera_num == NUM
    assert isinstance(caught.value, MalformedError)
    with pytest.raises(CameraItemError) as caught:
        parse(cameraNum="x" * 5000)
    assert caught.value.camera_num == "x" * 64
    with pytest.raises(CameraItemError) as caught:
        parse(cameraNum=7)
    assert caught.value.camera_num == ""


def test_uuid4_is_a_flag() -> None:
    plain = json.dumps({**CAMERA, "cameraNum": "camera_1-A"}).encode()
    assert faults_of(plain) == ("cameraNum 的值“camera_1-A”不符合 UUID4 规则",)
    assert parse_camera(plain, uuid4=False).camera_num == "camera_1-A"
    traversal = json.dumps({**CAMERA, "cameraNum": "../../etc"}).encode()
    assert "只能含" in faults_of(traversal, uuid4=False)[0]


@pytest.mark.parametrize("name", ["department", "cameraName", "roadSec", "poiName", "others", "gatewayNum"])
@pytest.mark.parametrize(("char", "shown"), [("\0", "控制字符 U+0000"), ("\ud800", "代理项 U+D800")])
def test_what_the_database_cannot_hold(name: str, char: str, shown: str) -> None:
    (message,) = faults(**{name: f"a{char}b"})
    assert message.startswith(f"{name} 的值“a\\u")
    assert message.endswith(f"第 2 个字符是{'不成对的' if char != chr(0) else ''}{shown}")


def test_a_faulty_number_with_a_lone_surrogate_can_be_echoed() -> None:
    with pytest.raises(CameraItemError) as caught:
        parse(cameraNum="\ud800")
    assert caught.value.camera_num == "?"


@pytest.mark.parametrize(
    "raw",
    [b"7", b"null", b'"x"', b"[]", b"true", b"{", b'{"a":}', b"\xff", b"", b"1e999", b"[" * 100_000],
)
def test_what_is_no_object(raw: bytes) -> None:
    assert len(faults_of(raw)) == 1


def test_numbers_beyond_all_measure() -> None:
    raw = json.dumps(CAMERA).replace('"classify": 1', '"classify": 1e999').encode()
    assert "classify" in faults_of(raw)[0]
    raw = json.dumps(CAMERA).replace('"classify": 1', '"classify": ' + "9" * 5000).encode()
    assert faults_of(raw)


def test_an_item_of_megabytes_is_not_opened() -> None:
    raw = json.dumps({**CAMERA, "others": [[]] * 30_000}).encode()
    assert "超过上限 65536 字节" in faults_of(raw)[0]


def test_unknown_fields_are_ignored_and_the_last_of_two_wins() -> None:
    raw = json.dumps({**CAMERA, "extra": {"deep": [1]}}).encode()
    assert parse_camera(raw) == parse()
    assert parse_camera(raw[:-1] + b', "road": "S38"}').road == "S38"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda children: st.lists(children, max_size=2),
    max_leaves=3,
)


@given(name=st.sampled_from(sorted(CAMERA)), value=JSON_VALUES)
def test_no_value_breaks_the_parser(name: str, value: object) -> None:
    try:
        wire = camera_to_wire(parse(**{name: value}))
    except CameraItemError as error:
        assert error.faults
        error.message.encode()
    else:
        assert parse_camera(msgspec.json.encode(wire)) == parse_camera(json.dumps(wire).encode())


@given(
    longitude=st.floats(73, 136).map(lambda degrees: round(degrees, 9)),
    latitude=st.floats(3, 54).map(lambda degrees: round(degrees, 9)),
)
def test_positions_there_and_back(longitude: float, latitude: float) -> None:
    record = parse(longAndLati=f"{longitude!r}/{latitude!r}")
    assert (record.longitude, record.latitude) == (longitude, latitude)
    assert parse(longAndLati=camera_to_wire(record)["longAndLati"]) == record


def test_back_result() -> None:
    expected = sample("video_information_answer")["backResult"][0]
    result = BackResult(NUM, ItemStatus.DONE, "注册成功")
    assert result.to_wire() == expected
    assert list(result.to_wire()) == list(expected)
    assert type(result.to_wire()["status"]) is int
    assert result.ok
    assert not BackResult(NUM, 1, "缺少 road").ok


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"department": " 山东高速"},
        {"department": "山东\t高速"},
        {"cameraName": "一|二"},
        {"cameraName": "一 | 二"},
        {"cameraName": "|"},
        {"others": "一\n二"},
        {"others": " "},
        {"road": "G42 & S38"},
        {"road": "G42&S38"},
        {"pileNum": " k12+034 "},
        {"area": 370100},
        {"classify": "3"},
        {"cameraOrientation": "下行"},
        {"cameraType": 4.0},
        {"gatewayNum": None, "poiName": None, "others": None},
        {"unknown": {"deep": [1]}},
        {"longAndLati": " 117.0/36.6"},
        {"cameraNum": "BAEE05A7-166A-48F8-9A57-3754C1A7AC65"},
    ],
)
def test_what_is_plain_is_read_as_on_a_closer_look(changes: dict[str, object]) -> None:
    raw = json.dumps({**CAMERA, **changes}).encode()
    assert parse_camera(raw) == cameras._parse_closely(raw, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"department": ""},
        {"department": "山" * 65},
        {"cameraName": "\u0000"},
        {"classify": 9},
        {"classify": True},
        {"cameraType": 0},
        {"area": "37010"},
        {"road": "X"},
        {"pileNum": "K1"},
        {"longAndLati": "137/36"},
        {"roadSec": None},
        {"cameraNum": "1"},
        {"others": "x" * 2001},
        {"others": "x" * 70_000},
    ],
)
def test_what_is_wrong_is_never_plain(changes: dict[str, object]) -> None:
    assert cameras._parse_plain(json.dumps({**CAMERA, **changes}).encode(), True) is None
    assert faults(**changes)
