"""Fixed vocabularies of access: stored as numbers or short words, shown in Chinese."""

from django.db import models


class OrganisationKind(models.IntegerChoices):
    PROVINCE = 0, "省中心"
    COMPANY = 1, "路公司"
    OFFICE = 2, "管理处"


class Role(models.TextChoices):
    MONITOR = "monitor", "值班监控员"
    PTZ_OPERATOR = "ptz", "云台操作员"
    SECTION_ADMIN = "section", "路段管理员"
    PROVINCE_ADMIN = "province", "省中心管理员"
    AUDITOR = "auditor", "审计员"
    SYSTEM = "system", "系统管理员"
    SECURITY = "security", "安全管理员"
    AUDIT = "audit", "审计管理员"


class Action(models.TextChoices):
    """What a member of staff may be allowed to do with the cameras of an organisation."""

    WATCH = "watch", "查看视频"
    SNAPSHOT = "snapshot", "查看截图"
    PTZ = "ptz", "云台控制"
    LEDGER = "ledger", "维护台账"
    ALARM = "alarm", "处理告警"
    USERS = "users", "管理用户"
    MINISTRY = "ministry", "部级对接"
    AUDIT = "audit", "查看审计"
    OVERSEE = "oversee", "查看权限"
    GRANT = "grant", "授予权限"
    OPERATOR_LOG = "operator_log", "查看操作员日志"


ROLE_ACTIONS: dict[str, frozenset[str]] = {
    Role.MONITOR: frozenset({Action.WATCH, Action.SNAPSHOT, Action.ALARM}),
    Role.PTZ_OPERATOR: frozenset({Action.WATCH, Action.SNAPSHOT, Action.ALARM, Action.PTZ}),
    Role.SECTION_ADMIN: frozenset({Action.WATCH, Action.SNAPSHOT, Action.ALARM, Action.PTZ, Action.LEDGER}),
    Role.PROVINCE_ADMIN: frozenset(Action.values) - {Action.AUDIT, Action.OPERATOR_LOG},
    Role.AUDITOR: frozenset({Action.AUDIT}),
    Role.SYSTEM: frozenset({Action.USERS, Action.OVERSEE}),
    Role.SECURITY: frozenset({Action.GRANT, Action.OVERSEE, Action.OPERATOR_LOG}),
    Role.AUDIT: frozenset({Action.AUDIT}),
}
# All that an account for a big screen does, whatever roles it holds.
SCREEN_ACTIONS = frozenset({Action.WATCH})
# 三员: nobody holds two of them, and who holds one holds nothing else (threats.md 15).
DUTIES = (Role.SYSTEM, Role.SECURITY, Role.AUDIT)
# What the three share among themselves when duties are separate, and no other role keeps beside its own work.
DUTY_ACTIONS = frozenset({Action.USERS, Action.GRANT, Action.OPERATOR_LOG})
# What can be allowed or denied on a single camera; who may do one of the others there may watch it too.
CAMERA_ACTIONS = (Action.WATCH, Action.SNAPSHOT, Action.PTZ, Action.LEDGER)


class PartnerKind(models.TextChoices):
    MINISTRY = "ministry", "上级平台"
    GATEWAY = "gateway", "路段网关"


class Scope(models.TextChoices):
    PLAY = "play", "播放地址"
    PTZ = "ptz", "云台控制"
    SNAPSHOT = "snapshot", "视频截图"
    REPORT = "report", "数据上报"


KIND_SCOPES: dict[str, tuple[str, ...]] = {
    PartnerKind.MINISTRY: (Scope.PLAY, Scope.PTZ, Scope.SNAPSHOT),
    PartnerKind.GATEWAY: (Scope.REPORT,),
}


class HttpStatusStyle(models.TextChoices):
    ALWAYS_200 = "envelope", "始终 200"
    MIRROR = "mirror", "与 code 相同"


class ActorKind(models.TextChoices):
    STAFF = "staff", "用户"
    PARTNER = "partner", "接入方"
    SYSTEM = "system", "系统"


class Outcome(models.TextChoices):
    DONE = "done", "成功"
    REFUSED = "refused", "拒绝"
    FAILED = "failed", "失败"


class Severity(models.IntegerChoices):
    NOTICE = 1, "提示"
    WARNING = 2, "警告"
    CRITICAL = 3, "严重"


class TargetKind(models.TextChoices):
    WEBHOOK = "webhook", "Webhook"
    MAIL = "mail", "邮件"


class WebhookProof(models.TextChoices):
    """By what the receiver knows that a message is ours."""

    HMAC_SM3 = "hmac", "HMAC-SM3 签名"
    BEARER = "bearer", "令牌（Authorization: Bearer）"
    NONE = "none", "无"


class AlarmEvent(models.TextChoices):
    OPENED = "opened", "发生"
    RAISED = "raised", "升级"
    CLOSED = "closed", "恢复"
    TEST = "test", "测试"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "待发"
    SENT = "sent", "已送达"
    FAILED = "failed", "已放弃"
