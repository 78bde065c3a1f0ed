"""PTZControl, described (document appendix 1, 2.2)."""

from access.operations import CAMERA_NUM, USER, Example, Operation, Parameter, Shape, choice, integer, text
from cameras.openapi import KNOWN_NUM
from ptz.choices import PtzAction

MOST_STEP = 8

_RESULT = Shape(
    "PTZResult",
    "控制的结果",
    {
        "cameraName": text("摄像机名称"),
        "status": choice("结果", {0: "控制成功", 1: "控制失败"}),
        "message": text("结果的文字描述；失败时为原因", shortest=1),
        "cameraNum": CAMERA_NUM,
    },
)

PTZ_CONTROL = Operation(
    summary="控制云台",
    clause="附录 1 2.2",
    said=(
        "动作片刻后自动停止，重复发送即持续。文件规定动作 1 至 12；0、13、14 是已有客户端使用的扩展。"
        "不可控、网关拒绝或无应答：`code` 200，`status` 1。未开放或省级正在控制：`code` 403，同样带 `PTZControl`，"
        "此时不必更换令牌。"
    ),
    parameters=(
        Parameter("cameraNum", KNOWN_NUM, is_required=True),
        Parameter("action", choice("云台动作", dict(PtzAction.choices)), is_required=True),
        Parameter("step", integer("步长", 1, MOST_STEP, default=1)),
        USER,
    ),
    answer={"PTZControl": _RESULT},
    codes_with_answer=(403,),
    examples=(
        Example(
            {
                "code": 200,
                "msg": "成功",
                "PTZControl": {
                    "cameraName": "104*雍庄互通入口 1",
                    "status": 0,
                    "message": "通过云台成功聚焦",
                    "cameraNum": "baee05a7-166a-48f8-9a57-3754c1a7ac65",
                },
                "message": "成功",
            }
        ),
    ),
)
