from typing import Final

from django.db import models

from protocol import codes

# What the behaviour log and 操作审计 call an order.
PTZ_VERB: Final = "云台控制"


class PtzLevel(models.IntegerChoices):
    """Rank of control: the higher number wins (document 4.1 2.b)."""

    MINISTRY = 1, "部级"
    PROVINCE = 2, "省级"


class PtzAction(models.IntegerChoices):
    STOP = codes.PtzAction.STOP.value, "停止"
    LEFT = codes.PtzAction.LEFT.value, "向左"
    RIGHT = codes.PtzAction.RIGHT.value, "向右"
    UP = codes.PtzAction.UP.value, "向上"
    DOWN = codes.PtzAction.DOWN.value, "向下"
    ZOOM_OUT = codes.PtzAction.ZOOM_OUT.value, "变倍短"
    ZOOM_IN = codes.PtzAction.ZOOM_IN.value, "变倍长"
    FOCUS_NEAR = codes.PtzAction.FOCUS_NEAR.value, "聚焦近"
    FOCUS_FAR = codes.PtzAction.FOCUS_FAR.value, "聚焦远"
    IRIS_CLOSE = codes.PtzAction.IRIS_CLOSE.value, "光圈小"
    IRIS_OPEN = codes.PtzAction.IRIS_OPEN.value, "光圈大"
    LIGHT_OFF = codes.PtzAction.LIGHT_OFF.value, "灯光关"
    LIGHT_ON = codes.PtzAction.LIGHT_ON.value, "灯光开"
    STOP_LENS = codes.PtzAction.STOP_LENS.value, "镜头停止"
    HOME = codes.PtzAction.HOME.value, "复位"


class PtzOutcome(models.TextChoices):
    DONE = "done", "成功"
    HELD = "held", "省级控制中"
    NOT_OPENED = "closed", "未开放"
    NOT_CONTROLLABLE = "fixed", "不可控"
    REFUSED = "refused", "网关拒绝"
    TIMED_OUT = "timeout", "网关无应答"
