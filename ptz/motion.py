"""What the actions of PTZControl set in motion, and what ends it."""

from typing import Final

from protocol.codes import PtzAction

HEAD: Final = frozenset(
    {
        PtzAction.LEFT,
        PtzAction.RIGHT,
        PtzAction.UP,
        PtzAction.DOWN,
        # Zoom ends with the stop of the head: in GB/T 28181 they share one command.
        PtzAction.ZOOM_OUT,
        PtzAction.ZOOM_IN,
        PtzAction.STOP,
    }
)
# Ended by an action of their own, as in GB/T 28181, where focus and iris stand in another byte than the head.
LENS: Final = frozenset(
    {
        PtzAction.FOCUS_NEAR,
        PtzAction.FOCUS_FAR,
        PtzAction.IRIS_CLOSE,
        PtzAction.IRIS_OPEN,
        PtzAction.STOP_LENS,
    }
)
STOPS: Final = frozenset({PtzAction.STOP, PtzAction.STOP_LENS})
# Lights switch and home is a place: neither has to be stopped.
MOVEMENTS: Final = (HEAD | LENS) - STOPS

_DOING: Final = {
    PtzAction.STOP: "云台停止",
    PtzAction.LEFT: "云台向左转动",
    PtzAction.RIGHT: "云台向右转动",
    PtzAction.UP: "云台向上转动",
    PtzAction.DOWN: "云台向下转动",
    PtzAction.ZOOM_OUT: "镜头变倍短",
    PtzAction.ZOOM_IN: "镜头变倍长",
    PtzAction.FOCUS_NEAR: "镜头聚焦近",
    PtzAction.FOCUS_FAR: "镜头聚焦远",
    PtzAction.IRIS_CLOSE: "光圈调小",
    PtzAction.IRIS_OPEN: "光圈调大",
    PtzAction.LIGHT_OFF: "灯光关闭",
    PtzAction.LIGHT_ON: "灯光打开",
    PtzAction.STOP_LENS: "镜头停止",
    PtzAction.HOME: "云台复位",
}


def doing(action: PtzAction) -> str:
    """The action as the beginning of a sentence: 云台向左转动(成功)."""
    return _DOING[action]
