"""The verbs for the configuration of gateways, described; none of the document's."""

from typing import Any

from access.operations import (
    PLAIN_EXAMPLE_ANSWER,
    USER,
    WORDS_OR_NONE,
    Example,
    Operation,
    Parameter,
    Schema,
    Shape,
    array,
    integer,
    text,
)
from cameras.choices import FocusWay, MoveEnd, PtzDriver, SourceMode
from cameras.openapi import CAMERA_ANSWERED, KNOWN_NUM, SAMPLE_CAMERA
from protocol.configuration import (
    LARGEST_VERSION,
    LONGEST_PLACE,
    LONGEST_REASON,
    MOST_FAULTS,
    MOST_RUNNING,
    Origin,
)
from protocol.fields import LONGEST_CAMERA_NUM

_CLAUSE = "文件之外，本平台与随附的网关程序之间"
_VERSION = integer("配置的版本", 0, LARGEST_VERSION)


def _one_of(said: str, values: list[str]) -> Schema:
    return {"type": "string", "description": said, "enum": values}


def _or_null(said: str, schema: Schema | Shape) -> Schema:
    return {"description": said, "oneOf": [schema, {"type": "null"}]}


def _told(said: str, longest: int) -> Schema:
    return text(said, longest=longest, pattern=WORDS_OR_NONE)


def _switch(said: str) -> Schema:
    return {"type": "boolean", "description": said}


_PTZ = Shape(
    "GatewayPtz",
    "云台的驱动与机型差异",
    {
        "driver": _one_of("驱动", PtzDriver.values),
        "url": text("设备服务地址；缺省由网关从 rtsp 地址得出"),
        "user": text("用户名；缺省与 rtsp 地址相同"),
        "password": text("口令；缺省与 rtsp 地址相同"),
        "profile": text("ONVIF 配置；缺省为第一个带云台的"),
        "move_seconds": {"type": "number", "description": "一次动作的秒数", "minimum": 0.1, "maximum": 10},
        "invert_pan": _switch("左右相反"),
        "invert_tilt": _switch("上下相反"),
        "invert_focus": _switch("聚焦相反"),
        "focus": _one_of("聚焦方式", FocusWay.values),
        "stop": _one_of("停止方式", MoveEnd.values),
        "light": text("灯光的辅助命令"),
    },
    optional=frozenset({"url", "user", "password", "profile"}),
)
_SOURCE = Shape(
    "GatewaySource",
    "怎样取流",
    {
        "adapter": _one_of("种类", ["rtsp"]),
        "url": text("rtsp 地址，用户名与口令在内"),
        "mode": _one_of("取流方式", SourceMode.values),
        "high_url": text("高码流另取的 rtsp 地址；缺省同 url"),
        "high_mode": _one_of("高码流的取流方式；缺省同 mode", SourceMode.values),
        "ptz": _PTZ,
    },
    optional=frozenset({"high_url", "high_mode", "ptz"}),
)
_CAMERA = Shape(
    "GatewayCamera",
    "一路摄像机：台账各项，另加取流方法",
    {**CAMERA_ANSWERED.keys, "source": _SOURCE},
)
_SAMPLE: dict[str, Any] = {
    "code": 200,
    "msg": "成功",
    "version": 7,
    "configuration": {
        "cameras": [
            {
                **SAMPLE_CAMERA,
                "gatewayNum": "",
                "source": {"adapter": "rtsp", "url": "rtsp://admin:password@10.1.2.3/stream2", "mode": "auto"},
            }
        ]
    },
    "message": "成功",
}

GET_CONFIGURATION = Operation(
    summary="取网关配置",
    clause=_CLAUSE,
    said="平台为本网关配置的摄像机，含口令。没有登记网关的接入方得到 404。",
    parameters=(Parameter("version", integer("网关已有的版本，没有则不给", 0, LARGEST_VERSION)), USER),
    answer={
        "version": _VERSION,
        "configuration": _or_null(
            "全部摄像机；网关已有这一版时为 null",
            Shape(
                "GatewayConfiguration",
                "网关应当运行的摄像机",
                {"cameras": array("摄像机", _CAMERA)},
            ),
        ),
    },
    examples=(Example(_SAMPLE),),
)

_FAULT = Shape(
    "ConfigurationFault",
    "一处错误。未知的键忽略",
    {
        "cameraNum": _told("摄像机编号；不是某一路的为空", LONGEST_CAMERA_NUM),
        "place": _told("该路之内的位置，如 source.url；整路的为空", LONGEST_PLACE),
        "reason": _told("原因", LONGEST_REASON),
    },
    is_open=True,
)
_REJECTED = Shape(
    "RejectedConfiguration",
    "没有采用的一版。未知的键忽略",
    {"version": _or_null("版本；读不出时为 null", _VERSION), "faults": array("错误", _FAULT, most=MOST_FAULTS)},
    optional=frozenset({"version"}),
    is_open=True,
)
_RUNNING = Shape(
    "RunningCamera",
    "网关运行的一路摄像机。未知的键忽略",
    {
        "cameraNum": KNOWN_NUM,
        "origin": _one_of("以谁的配置为准：platform 平台，file 网关的配置文件", [*Origin]),
        "fault": _told("现在的问题；没有则为空", LONGEST_REASON),
    },
    is_open=True,
)

REPORT_CONFIGURATION = Operation(
    summary="报告网关运行的配置",
    clause=_CLAUSE,
    said="运行的版本、没有采用的版本与原因、各路摄像机。没有登记网关的接入方得到 404。",
    parameters=(USER,),
    body=Shape(
        "ReportConfigurationBody",
        "网关现在的样子。未知的键忽略",
        {
            "version": _or_null("运行的版本；没有采用过平台的配置时为 null", _VERSION),
            "rejected": _or_null("没有采用的一版；没有则为 null", _REJECTED),
            "cameras": array("运行的全部摄像机", _RUNNING, most=MOST_RUNNING),
        },
        optional=frozenset({"version", "rejected"}),
        is_open=True,
    ),
    examples=(
        Example(
            PLAIN_EXAMPLE_ANSWER,
            body={
                "version": 7,
                "rejected": {
                    "version": 8,
                    "faults": [
                        {
                            "cameraNum": SAMPLE_CAMERA["cameraNum"],
                            "place": "source.url",
                            "reason": "10.9.0.1 不在网关允许的网段内",
                        }
                    ],
                },
                "cameras": [
                    {"cameraNum": SAMPLE_CAMERA["cameraNum"], "origin": "platform", "fault": "用户名或密码错误"}
                ],
            },
        ),
    ),
)
