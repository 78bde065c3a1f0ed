import json
import time
import tracemalloc
from collections.abc import Callable

import pytest

from protocol import bodies
from protocol.cameras import CameraItemError, parse_camera
from protocol.codes import OnlineStatus
from protocol.errors import MalformedError
from tests.protocol.samples import sample, sample_bytes

WHAT = "VideoInformation"
NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"


def refused(body: bytes, parse: Callable[[bytes], object] | None = None) -> str:
    with pytest.raises(MalformedError) as caught:
        parse(body) if parse else bodies.parse_list(body, what=WHAT)
    caught.value.message.encode()
    return caught.value.message


def test_the_documents_list() -> None:
    raws = bodies.parse_list(sample_bytes("video_information"), what=WHAT)
    assert [json.loads(bytes(raw)) for raw in raws] == sample("video_information")


def test_small_lists() -> None:
    assert bodies.parse_list(b"[]", what=WHAT) == []
    assert len(bodies.parse_list(b"\xef\xbb\xbf [ {} ]\n", what=WHAT)) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'[{"a":1},\n {"b":}]', "第 2 行第 7 列"),
        ('[{"名称":"中文",}]'.encode(), "第 1 行第 13 列"),
        (b"[1, 2", "第 1 行第 6 列"),
        (b"[\n{}\n{}]", "第 3 行第 1 列"),
        (b"[1] x", "第 1 行第 5 列"),
        (b"<xml/>", "第 1 行第 1 列"),
        (b"[NaN]", "第 1 行第 2 列"),
        (b'["a\nb"]', "第 1 行第 4 列"),
        (b'["\\ud800",\n oops]', "第 2 行第 2 列"),
        (b'["\\ud800"', "第 1 行第 10 列"),
    ],
)
def test_no_json_says_line_and_column(body: bytes, place: str) -> None:
    assert refused(body) == f"{WHAT} 不是 JSON：{place}"


def test_other_encodings() -> None:
    body = '[\n{"cameraName": "互通"}]'.encode("gbk")
    assert refused(body) == f"{WHAT} 请求体不是 UTF-8 编码：第 2 行第 17 列，字节 0xBB"
    assert "UTF-8" in refused('["互通"]'.encode("utf-16"))
    assert "UTF-8" in refused(b'["\xed\xa0\x80"]')
    assert "UTF-8" in refused('{"cameras": ["互通"]}'.encode("gbk"), bodies.parse_deletion)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"cameraNum": 1}', '{"cameraNum": 1}'),
        (b" null", "null"),
        (b"7", "7"),
        (b'"x"', '"x"'),
        (b"true", "true"),
    ],
)
def test_json_that_is_no_list(body: bytes, shown: str) -> None:
    assert refused(body) == f"{WHAT} 请求体应为 JSON 数组，开头是“{shown}”"


@pytest.mark.parametrize("body", [b"", b"  \n", b"\xef\xbb\xbf"])
def test_nothing(body: bytes) -> None:
    assert refused(body) == f"{WHAT} 请求体为空"


def test_size_limit() -> None:
    at_limit = b"[" + b" " * (bodies.MOST_BODY_BYTES - 2) + b"]"
    assert bodies.parse_list(at_limit, what=WHAT) == []
    assert "超过上限 20971520 字节" in refused(at_limit + b" ")


def test_count_limit() -> None:
    at_limit = b"[" + b",".join([b"{}"] * 20_000) + b"]"
    assert len(bodies.parse_list(at_limit, what=WHAT)) == 20_000
    assert "超过 20000 条" in refused(at_limit[:-1] + b",{}]")


def test_a_hostile_list_is_counted_before_it_is_built() -> None:
    body = b"[" + b"0," * 5_000_000 + b"0]"
    tracemalloc.start()
    try:
        assert "超过 20000 条" in refused(body)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("item", [b'{"others":"%s"}' % (b"," * 100), b"[0%s]" % (b",0" * 100)])
def test_commas_in_items_do_not_count(item: bytes) -> None:
    body = b"[" + b",".join([item] * 5_000) + b"]"
    assert body.count(b",") > bodies._MANY_COMMAS
    assert len(bodies.parse_list(body, what=WHAT)) == 5_000


def test_depth_limit() -> None:
    assert len(bodies.parse_list(b"[" * 20 + b"]" * 20, what=WHAT)) == 1
    assert refused(b"[1," + b"[" * 20 + b"]" * 21) == f"{WHAT}[1] 的 JSON 嵌套超过 20 层"
    assert "嵌套超过" in refused(b"[" * 5_000_000)
    assert "嵌套超过" in refused(b'[{"a":' * 5_000 + b"1" + b"}]" * 5_000)


def test_brackets_in_strings_are_no_depth() -> None:
    body = json.dumps([{"others": '["{' * 50}]).encode()
    assert len(bodies.parse_list(body, what=WHAT)) == 1
    assert len(bodies.parse_list(json.dumps([[{}] * 40]).encode(), what=WHAT)) == 1


def test_depth_limit_of_an_object() -> None:
    inner = b"[" * 19 + b"]" * 19
    assert "缺少 cameras" in refused(b'{"a":' + inner + b"}", bodies.parse_deletion)
    assert "嵌套超过" in refused(b'{"a":[' + inner + b"]}", bodies.parse_deletion)
    assert "嵌套超过" in refused(b'{"a":' * 100_000, bodies.parse_deletion)


def test_one_lone_surrogate_does_not_cost_the_batch() -> None:
    cameras = [*sample("video_information"), {**sample("video_information")[0], "cameraName": "\ud800"}]
    raws = bodies.parse_list(json.dumps(cameras).encode(), what=WHAT)
    assert [parse_camera(raw).camera_num for raw in raws[:2]] == [
        camera["cameraNum"] for camera in cameras[:2]
    ]
    with pytest.raises(CameraItemError) as caught:
        parse_camera(raws[2])
    assert caught.value.faults == ("cameraName 的值“\\ud800”第 1 个字符是不成对的代理项 U+D800",)


def test_one_endless_number_beside_it_does_not_either() -> None:
    """Python refuses to read whole numbers of more than 4,300 digits."""
    body = b'[{"cameraNum": "\\ud800"}, {"cameraNum": "a", "online": ' + b"9" * 5000 + b"}]"
    found = bodies.parse_list(body, what="状态列表")
    assert len(found) == 2
    with pytest.raises(MalformedError, match="^online 的值"):
        bodies.parse_status(found[1])


def test_limits_hold_beside_a_lone_surrogate() -> None:
    assert "嵌套超过" in refused(b'["\\ud800",' + b"[" * 20 + b"]" * 21)
    assert "应为 JSON 数组" in refused(b'{"a":"\\ud800"}')
    assert "超过 20000 条" in refused(b'["\\ud800"' + b",0" * 20_000 + b"]")
    assert "不是 JSON" in refused(b'["\\ud800", NaN]')


def test_the_documents_deletion() -> None:
    numbers = bodies.parse_deletion(sample_bytes("video_information_del"))
    assert numbers == sample("video_information_del")["cameras"]
    assert len(numbers) == 10


def deletion(*numbers: object) -> bytes:
    return json.dumps({"cameras": numbers}).encode()


def test_at_most_100_deletions() -> None:
    assert bodies.parse_deletion(deletion(*[NUM] * 100)) == [NUM] * 100
    assert "有 101 个编号，最多 100 个" in refused(deletion(*[NUM] * 101), bodies.parse_deletion)


def test_deletion_numbers() -> None:
    assert bodies.parse_deletion(deletion()) == []
    assert bodies.parse_deletion(deletion(f" {NUM}\n", "unknown 1")) == [NUM, "unknown 1"]
    for bad in (7, None, "", "a\0", "\ud800", ["x"], "x" * 65):
        assert refused(deletion(NUM, bad), bodies.parse_deletion).startswith("cameras[1] 的值“")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{}", "缺少 cameras"),
        (b'{"cameras": null}', "缺少 cameras"),
        (b'{"cameras": "x"}', "cameras 应为数组"),
        (b'{"cameras": {}}', "cameras 应为数组"),
        (b'["x"]', "应为 JSON 对象，收到数组"),
        (b'"x"', "应为 JSON 对象，收到字符串"),
        (b"", "为空"),
        (b'{"cameras": [\n"x" "y"]}', "不是 JSON：第 2 行第 5 列"),
        (b'{"cameras": [' + b"0," * 100_000 + b"0]}", "内容过多"),
    ],
)
def test_what_is_no_deletion(body: bytes, why: str) -> None:
    assert why in refused(body, bodies.parse_deletion)


def test_the_documents_status() -> None:
    raws = bodies.parse_list(sample_bytes("report_camera_status"), what="ReportCameraStatus")
    assert [bodies.parse_status(raw) for raw in raws] == [
        bodies.StatusItem(NUM, OnlineStatus.OFFLINE),
        bodies.StatusItem(NUM, OnlineStatus.ONLINE),
    ]


def test_status_items() -> None:
    assert bodies.parse_status(b'{"cameraNum": " x ", "online": "2"}') == bodies.StatusItem(
        "x", OnlineStatus.FAULT
    )


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        (b"{}", ("缺少 cameraNum", "缺少 online")),
        (b'{"cameraNum": "x", "online": 3}', ("online 的值“3”应为 0、1、2 之一",)),
        (b'{"cameraNum": "x", "online": "on"}', ("online 的值“on”应为 0、1、2 之一",)),
        (b'{"cameraNum": 7, "online": null}', ("cameraNum 的值“7”应为字符型", "缺少 online")),
        (b"7", ("应为 JSON 对象，收到“7”",)),
    ],
)
def test_faulty_status_items(raw: bytes, faults: tuple[str, ...]) -> None:
    with pytest.raises(CameraItemError) as caught:
        bodies.parse_status(raw)
    assert caught.value.faults == faults


def test_a_string_without_an_end_costs_one_look() -> None:
    hostile = b"[[" + b"," * 400_001 + b'"' + b'\\"' * 40_000
    begun = time.process_time()
    with pytest.raises(MalformedError):
        bodies.parse_list(hostile, what="列表")
    # Looking for its end again from every quote took minutes.
    assert time.process_time() - begun < 30
