"""What cameras that are away at once may have in common."""

from django.db import models


class IncidentKind(models.TextChoices):
    """In the order in which they are tried: the widest that explains more than any of its parts is the cause."""

    MEDIA = "media", "媒体服务器"
    PROVINCE = "province", "全省"
    COMPANY = "company", "单位"
    ROAD = "road", "路线"
    GATEWAY = "gateway", "网关"
    SECTION = "section", "路段"
    CAMERA = "camera", "单路"
