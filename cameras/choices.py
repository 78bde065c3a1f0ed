"""The document's numbers with their Chinese words (appendix 1, 1.1 and 1.2)."""

from django.db import models

from protocol import codes


class OnlineStatus(models.IntegerChoices):
    OFFLINE = codes.OnlineStatus.OFFLINE.value, "离线"
    ONLINE = codes.OnlineStatus.ONLINE.value, "在线"
    FAULT = codes.OnlineStatus.FAULT.value, "故障"


class Classify(models.IntegerChoices):
    DEFAULT = 0, "默认"
    ROADSIDE = 1, "道路沿线"
    BRIDGE = 2, "桥梁"
    TUNNEL = 3, "隧道"
    TOLL_PLAZA = 4, "收费广场"
    TOLL_STATION = 5, "收费站"
    SERVICE_AREA = 6, "服务区"
    ETC_GANTRY = 7, "ETC 门架"
    MOBILE = 8, "移动视频源"


class Orientation(models.IntegerChoices):
    UP = 0, "上行"
    DOWN = 1, "下行"
    BOTH = 2, "双向"


class CameraType(models.IntegerChoices):
    FIXED = codes.CameraType.FIXED.value, "枪机"
    DOME = codes.CameraType.DOME.value, "球机"
    PANORAMIC = codes.CameraType.PANORAMIC.value, "全景"
    CAPTURE = codes.CameraType.CAPTURE.value, "抓拍"


class GatewayStyle(models.TextChoices):
    VERBS = "verbs", "按接口路径"
    SINGLE = "single", "单一路径 sipAction"


class PtzStop(models.TextChoices):
    ACTION_0 = "action0", "动作 0 停止"
    NONE = "none", "每次一步，无停止"


class SourceMode(models.TextChoices):
    """What a gateway does with the pictures of a network camera."""

    AUTO = "auto", "自动"
    COPY = "copy", "转发"
    TRANSCODE = "transcode", "转码"


class PtzDriver(models.TextChoices):
    ONVIF = "onvif", "ONVIF"


class FocusWay(models.TextChoices):
    AUTO = "auto", "按设备所说"
    CONTINUOUS = "continuous", "连续"
    RELATIVE = "relative", "每次一步"


class MoveEnd(models.TextChoices):
    """What an ONVIF device takes for the end of a movement."""

    BOTH = "both", "Stop 与速度 0"
    STOP = "stop", "只认 Stop"
    ZERO = "zero", "只认速度 0"


class StatusSource(models.TextChoices):
    STREAM = "stream", "视频流"
    REPORT = "report", "网关上报"
    STAFF = "staff", "人工"


class ChangeAct(models.TextChoices):
    """What was done to a camera of the ledger."""

    REGISTERED = "registered", "登记"
    MODIFIED = "modified", "修改"
    DELETED = "deleted", "删除"
    REVIVED = "revived", "重新登记"
    APPROVED = "approved", "通过审核"
    REJECTED = "rejected", "退回"


class ChangeSource(models.TextChoices):
    """By which way it came."""

    REPORT = "report", "接口上报"
    IMPORT = "import", "表格导入"
    FORM = "form", "台账页面"
    BULK = "bulk", "批量修改"
    ADMIN = "admin", "管理后台"
    REVIEW = "review", "审核"
    GATEWAY = "gateway", "网关登记"


class ImportState(models.TextChoices):
    PREVIEWED = "previewed", "待确认"
    COMMITTED = "committed", "已导入"
