"""The five subjects of the document (4.1 1.e) and the words of our published schema (docs/analysis.md)."""

from django.db import models


class Subject(models.TextChoices):
    CONGESTION = "congestion", "拥堵事件"
    ACCIDENT = "accident", "交通事故"
    SPEED = "speed", "平均速度"
    FLOW = "flow", "公路流量"
    WEATHER = "weather", "公路气象"


class CongestionLevel(models.TextChoices):
    FREE = "free", "畅通"
    SLOW = "slow", "基本畅通"
    LIGHT = "light", "轻度拥堵"
    MODERATE = "moderate", "中度拥堵"
    SEVERE = "severe", "严重拥堵"


# A road that is free, or free again, is told under the same subject, and is no event.
CLEAR_LEVELS = (CongestionLevel.FREE, CongestionLevel.SLOW)


class AccidentType(models.TextChoices):
    COLLISION = "collision", "碰撞"
    ROLLOVER = "rollover", "翻车"
    FIRE = "fire", "起火"
    BREAKDOWN = "breakdown", "车辆故障"
    STOPPED = "stopped", "违法停车"
    WRONG_WAY = "wrong_way", "逆行"
    DEBRIS = "debris", "抛洒物"
    PEDESTRIAN = "pedestrian", "行人"
    OTHER = "other", "其他"


class Severity(models.TextChoices):
    MINOR = "minor", "轻微"
    ORDINARY = "ordinary", "一般"
    MAJOR = "major", "重大"
    CRITICAL = "critical", "特大"


class EventState(models.TextChoices):
    BEGUN = "begun", "发生"
    ONGOING = "ongoing", "持续"
    ENDED = "ended", "结束"


class Phenomenon(models.TextChoices):
    CLEAR = "clear", "晴好"
    FOG = "fog", "雾"
    RAIN = "rain", "雨"
    SNOW = "snow", "雪"
    HAIL = "hail", "冰雹"
    WIND = "wind", "大风"
    SAND = "sand", "沙尘"


class Surface(models.TextChoices):
    DRY = "dry", "干燥"
    WET = "wet", "潮湿"
    WATER = "water", "积水"
    SNOW = "snow", "积雪"
    ICE = "ice", "结冰"


class Direction(models.IntegerChoices):
    """As cameraOrientation of the document."""

    UP = 0, "上行"
    DOWN = 1, "下行"
    BOTH = 2, "双向"
