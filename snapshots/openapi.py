"""SnapShot, described (document appendix 1, 2.3)."""

from access.operations import (
    CAMERA_NUM,
    DEPARTMENT,
    USER,
    Example,
    Operation,
    Parameter,
    Shape,
    array,
    integer,
    text,
)
from cameras.openapi import KNOWN_NUM

# The last second that a date can hold, in milliseconds.
_LAST_MOMENT = 253_402_300_799_000
_PICTURE = Shape(
    "Picture",
    "一张截图",
    {
        "cameraNum": CAMERA_NUM,
        "url": text("截图地址，带签名，限时有效", pattern=r"^https?://[^\s]+$"),
        "message": text(
            "拍摄时间，北京时间，月、日、时不补零",
            pattern="^[0-9]{4}/[1-9][0-9]?/[1-9][0-9]? [0-9]{1,2}:[0-9]{2}:[0-9]{2}$",
        ),
    },
)
_SAMPLE_URL = "https://live2.jchc.cn/live_sdjilgs/sxjgl_sdjilgs_370000011011001001046.jpg"
_SAMPLE_NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"

SNAP_SHOT = Operation(
    summary="查询截图",
    clause="附录 1 2.3",
    said=(
        "两个时间都不给：每路最新一张；只给一个，或开始晚于结束：400。`cameraNum` 与 `department` 至少给一个。"
        "时间范围两端都含，按拍摄时间（`message`）比较。按摄像机、再按时间排列。"
    ),
    parameters=(
        DEPARTMENT,
        Parameter("cameraNum", KNOWN_NUM),
        Parameter("startTime", integer("开始时间，unix 秒；毫秒自动识别", 0, _LAST_MOMENT)),
        Parameter("endTime", integer("结束时间，unix 秒；毫秒自动识别", 0, _LAST_MOMENT)),
        USER,
    ),
    answer={"snapShots": array("截图列表", _PICTURE)},
    examples=(
        Example(
            {
                "code": 200,
                "msg": "成功",
                "snapShots": [
                    {"cameraNum": _SAMPLE_NUM, "url": _SAMPLE_URL, "message": "2019/3/1 12:00:00"},
                    {"cameraNum": _SAMPLE_NUM, "url": _SAMPLE_URL, "message": "2019/3/1 13:00:00"},
                ],
                "message": "成功",
            }
        ),
    ),
)
