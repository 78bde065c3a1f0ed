"""GetCameraPlayURL, described (document appendix 1, 2.1)."""

from access.operations import (
    CAMERA_NUM,
    DEPARTMENT,
    USER,
    Example,
    Operation,
    Parameter,
    Schema,
    Shape,
    array,
    choice,
    text,
)
from cameras.openapi import KNOWN_NUM
from streaming.choices import VideoType

_URL = r"^(https?://[^\s]+)?$"
_YES_NO = {0: "否", 1: "是"}
_CONTROL = choice("可由该接入方控制云台：能转动，并已向其开放（重要点位）", _YES_NO)

_ENTRY = Shape(
    "PlayEntry",
    "一路摄像机的播放地址",
    {
        "cameraNum": CAMERA_NUM,
        "flv_url": text("HTTP-FLV 播放地址，签发后 5 秒内可以打开，之后打不开；离线时为空", pattern=_URL),
        "hls_url": text("HLS 入口地址，同样 5 秒内可以打开，答复 302；离线时为空", pattern=_URL),
        "isCameraControl": _CONTROL,
        "online": choice("是否在线，故障按离线", _YES_NO),
        "message": text("摄像机名称"),
        "isCamerControl": {**_CONTROL, "description": "与 isCameraControl 相同，文件表格中的拼写"},
    },
)
_ENTRIES: Schema = {
    "description": "播放地址列表；接入方可设为：单路请求以对象返回",
    "oneOf": [array("列表", _ENTRY), _ENTRY],
}
_SAMPLE_URL = (
    "https://live2.jchc.cn/live_sdjilgs/sxjgl_sdjilgs_370000011011001001046.flv"
    "?auth_key=1538982230-0-0-8ff21a60ce4abac52d25411e80cec552"
)


def _sample(name: str) -> dict[str, object]:
    return {
        "cameraNum": "baee05a7-166a-48f8-9a57-3754c1a7ac65",
        "flv_url": _SAMPLE_URL,
        "hls_url": _SAMPLE_URL,
        "isCameraControl": 0,
        "online": 1,
        "message": name,
        "isCamerControl": 0,
    }


GET_CAMERA_PLAY_URL = Operation(
    summary="获取播放地址",
    clause="附录 1 2.1",
    said=(
        "给出 `cameraNum` 时为一路；否则为 `department` 及其下级的全部摄像机；两者都不给返回 400。"
        "高码流按需推流：地址立刻返回，媒体服务器至多等待 8 秒；到时仍没有这路流为 404，低码流也是如此。"
    ),
    parameters=(
        DEPARTMENT,
        Parameter("cameraNum", KNOWN_NUM),
        Parameter("videoType", choice("视频类型", dict(VideoType.choices), default=VideoType.LOW)),
        USER,
    ),
    answer={"videoRequestUrl": _ENTRIES},
    examples=(
        Example(
            {
                "code": 200,
                "msg": "成功",
                "videoRequestUrl": [
                    _sample("空闲通道_济南市玉皇庙镇 G2 上行 G2_K334+500"),
                    _sample("空闲通道_南京市二桥"),
                ],
                "message": "成功",
            }
        ),
    ),
)
