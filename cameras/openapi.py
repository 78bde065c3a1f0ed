"""The verbs of the ledger, described (document appendix 1, 1.1 and 1.2)."""

from typing import Any

from access.operations import (
    CAMERA_NUM,
    DEPARTMENT,
    PLAIN_EXAMPLE_ANSWER,
    USER,
    UUID4,
    WORDS_OR_NONE,
    Example,
    Operation,
    Parameter,
    Schema,
    Shape,
    also_text,
    array,
    choice,
    integer,
    text,
    words,
)
from cameras.choices import CameraType, Classify, OnlineStatus, Orientation
from protocol.bodies import MOST_DELETIONS, MOST_ITEMS
from protocol.cameras import (
    LONGEST_CAMERA_NAME,
    LONGEST_DEPARTMENT,
    LONGEST_GATEWAY_NUM,
    LONGEST_OTHERS,
    LONGEST_POI_NAME,
    LONGEST_ROAD_SECTION,
)
from protocol.fields import LONGEST_CAMERA_NUM, LONGEST_ROAD

LARGEST_PAGE = 500
# Degrees: 73 to 136 east, 3 to 54 north, at most 15 decimals.
_LONGITUDE = r"((7[3-9]|[89][0-9]|1[0-2][0-9]|13[0-5])(\.[0-9]{1,15})?|136(\.0{1,15})?)"
_LATITUDE = r"(([3-9]|[1-4][0-9]|5[0-3])(\.[0-9]{1,15})?|54(\.0{1,15})?)"
_ROAD = "[A-Z][0-9][0-9A-Z]{0,8}"

KNOWN_NUM = words("摄像机编号，已登记的", LONGEST_CAMERA_NUM)


def _place(is_taken_in: bool) -> dict[str, Schema]:
    """Where a camera stands: as it is taken in, and as it is answered."""
    area = text("行政区划代码，GB/T 2260 六位", pattern="^[1-9][0-9]{5}$")
    classify = choice("位置类型", dict(Classify.choices))
    orientation = choice("方向，以桩号增大为上行", dict(Orientation.choices))
    camera_type = choice("摄像机类型", dict(CameraType.choices))
    if is_taken_in:
        number = {"type": "integer", "minimum": 100000, "maximum": 999999}
        said = area.pop("description")
        area = {"description": f"{said}，字符串或数字", "anyOf": [area, number]}
        classify, camera_type = also_text(classify), also_text(camera_type)
        orientation = also_text(orientation, "上行", "下行", "双向", "上下行")
    return {
        "longAndLati": text("经度/纬度，十进制度，WGS-84", pattern=f"^{_LONGITUDE}/{_LATITUDE}$"),
        "road": text("路线编号，多条以 & 相连", longest=LONGEST_ROAD, pattern=f"^{_ROAD}(&{_ROAD})*$"),
        "classify": classify,
        "cameraOrientation": orientation,
        "pileNum": text("桩号：K<千米>+<米>", pattern=r"^K[0-9]{1,5}\+[0-9]{1,3}$"),
        "area": area,
        "roadSec": words("路段单位（管理处）名称", LONGEST_ROAD_SECTION),
        "cameraType": camera_type,
    }


def _camera(name: str, said: str, number: Schema, *, is_taken_in: bool) -> Shape:
    def rest(said: str, longest: int) -> Schema:
        schema = text(said, longest=longest, pattern=WORDS_OR_NONE)
        return {**schema, "type": ["string", "null"]} if is_taken_in else schema

    return Shape(
        name,
        said,
        {
            "department": words("摄像机所属路公司名称", LONGEST_DEPARTMENT),
            "cameraNum": number,
            "cameraName": words("摄像机名称", LONGEST_CAMERA_NAME),
            **_place(is_taken_in),
            "gatewayNum": rest("视频上云网关编号；本平台答复中为空", LONGEST_GATEWAY_NUM),
            "poiName": rest("兴趣点名称：道路、桥梁、隧道、收费站", LONGEST_POI_NAME),
            "others": rest("扩展预留", LONGEST_OTHERS),
        },
        optional=frozenset({"gatewayNum", "poiName", "others"}) if is_taken_in else frozenset(),
        is_open=is_taken_in,
    )


_CAMERA_TAKEN_IN = _camera(
    "VideoInformationItem",
    "一路摄像机。未知的键忽略；首尾空白去除",
    text("摄像机编号，UUID4；接入方可设为不要求 UUID4", pattern=UUID4),
    is_taken_in=True,
)
CAMERA_ANSWERED = _camera(
    "VideoInfo", "一路摄像机，键与次序同 VideoInformation", CAMERA_NUM, is_taken_in=False
)

_VERDICT = Shape(
    "BackResult",
    "一项的结果，按上报的次序",
    {
        "cameraNum": text(
            "摄像机编号：成功的项按登记时的写法，失败的项按上报的写法；读不出时为空",
            longest=LONGEST_CAMERA_NUM,
        ),
        "status": choice("操作状态", {0: "成功", 1: "失败"}),
        "info": text("注册成功、修改成功、未变化、待审核、删除成功，或失败的原因（字段与值）", shortest=1),
    },
)
_BACK_RESULT = {"backResult": array("逐项的结果", _VERDICT)}
_SAMPLE_NUM = "aef89ecc-4cc6-4a6d-80fd-283196105b0b"
_DELETED_NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"
SAMPLE_CAMERA: dict[str, Any] = {
    "department": "江苏宁沪高速股份有限公司",
    "cameraNum": _SAMPLE_NUM,
    "cameraName": "G25 (长深高速) 江苏南京 XX 段 XX 单位 K1100+300",
    "longAndLati": "118.7741/32.247",
    "road": "G25",
    "classify": 1,
    "cameraOrientation": 0,
    "pileNum": "K1100+300",
    "area": "320100",
    "roadSec": "宁镇管理处",
    "cameraType": 1,
    "gatewayNum": _SAMPLE_NUM,
    "poiName": "长深高速",
    "others": "",
}


def _judged(number: str, info: str) -> dict[str, Any]:
    """The answer of the document's samples to one item that was done."""
    verdict = {"cameraNum": number, "status": 0, "info": info}
    return {"code": 200, "msg": "成功", "backResult": [verdict], "message": "成功"}


VIDEO_INFORMATION = Operation(
    summary="注册、修改摄像机",
    clause="附录 1 1.1 a",
    said="逐项判断：存在则修改，否则新增。整批处理过即为 `code` 200，每一项的结果在 `backResult` 中。",
    parameters=(USER,),
    body=array("摄像机列表", _CAMERA_TAKEN_IN, most=MOST_ITEMS),
    answer=_BACK_RESULT,
    examples=(Example(_judged(_SAMPLE_NUM, "注册成功"), body=[SAMPLE_CAMERA]),),
)

VIDEO_INFORMATION_DEL = Operation(
    summary="删除摄像机",
    clause="附录 1 1.1 b",
    said=f"一次最多 {MOST_DELETIONS} 个编号，超过时返回 400，一个也不删除。不存在的编号 `status` 为 1。",
    parameters=(USER,),
    body=Shape(
        "VideoInformationDelBody",
        "要删除的编号。未知的键忽略",
        {"cameras": array("摄像机编号", words("摄像机编号", LONGEST_CAMERA_NUM), most=MOST_DELETIONS)},
        is_open=True,
    ),
    answer=_BACK_RESULT,
    examples=(Example(_judged(_DELETED_NUM, "删除成功"), body={"cameras": [_DELETED_NUM]}),),
)

NO_VERDICTS = (
    "没有逐项的结果：能用的都会采用，`code` 200，`msg` 写明其余（前十项与总数）；一项也没有采用时，"
    "全部未知为 404，否则为 400。"
)

REPORT_CAMERA_STATUS = Operation(
    summary="上报摄像机状态",
    clause="附录 1 1.2",
    said=f"在线、离线或故障。{NO_VERDICTS}",
    parameters=(DEPARTMENT, USER),
    body=array(
        "状态列表",
        Shape(
            "StatusItem",
            "一路摄像机的状态。未知的键忽略",
            {
                "cameraNum": KNOWN_NUM,
                "online": also_text(choice("状态", dict(OnlineStatus.choices))),
            },
            is_open=True,
        ),
        most=MOST_ITEMS,
    ),
    examples=(
        Example(
            PLAIN_EXAMPLE_ANSWER,
            body=[{"cameraNum": _DELETED_NUM, "online": 0}, {"cameraNum": _DELETED_NUM, "online": 1}],
        ),
    ),
)

_PAGE = (
    DEPARTMENT,
    Parameter("currPage", integer("页码，从 1 起", 1, 10**9, default=1)),
    Parameter("pageSize", integer("每页条数", 1, LARGEST_PAGE, default=LARGEST_PAGE)),
    USER,
)
_TOTAL = integer("总数", 0)

GET_DEPARTMENT_VIDEO_INFO = Operation(
    summary="查询台账",
    clause="文件之外，已有客户端使用",
    said="分页取得单位及其下级的摄像机；不给 `department` 时为接入方范围内的全部。",
    parameters=_PAGE,
    answer={"total": _TOTAL, "videoInfo": array("本页的摄像机", CAMERA_ANSWERED, most=LARGEST_PAGE)},
    examples=(
        Example(
            {
                "code": 200,
                "msg": "成功",
                "total": 1,
                "videoInfo": [{**SAMPLE_CAMERA, "gatewayNum": ""}],
                "message": "成功",
            }
        ),
    ),
)

GET_CAMERA_STATUS = Operation(
    summary="查询状态",
    clause="文件之外，已有客户端使用",
    said="分页取得单位及其下级摄像机的状态；不给 `department` 时为接入方范围内的全部。",
    parameters=_PAGE,
    answer={
        "total": _TOTAL,
        "cameraStatus": array(
            "本页的状态",
            Shape(
                "CameraStatus",
                "一路摄像机的状态",
                {"cameraNum": CAMERA_NUM, "onlineStatus": choice("状态", dict(OnlineStatus.choices))},
            ),
            most=LARGEST_PAGE,
        ),
    },
    examples=(
        Example(
            {
                "code": 200,
                "msg": "成功",
                "total": 1,
                "cameraStatus": [{"cameraNum": _SAMPLE_NUM, "onlineStatus": 1}],
                "message": "成功",
            }
        ),
    ),
)
