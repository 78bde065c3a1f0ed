"""Thresholds that would make an incident of nothing, or of everything."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_thresholds(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    shares = (settings.INCIDENT_SHARE, settings.INCIDENT_WIDE_SHARE, settings.INCIDENT_PROVINCE_SHARE)
    if not all(0 < share <= 1 for share in shares):
        found.append(
            Error(
                "INCIDENT_SHARE、INCIDENT_WIDE_SHARE 与 INCIDENT_PROVINCE_SHARE 应大于 0、不大于 1",
                id="incidents.E001",
            )
        )
    if settings.INCIDENT_CAMERAS < 2:
        found.append(Error("INCIDENT_CAMERAS 应不小于 2：一路不是群体", id="incidents.E002"))
    if settings.FLAPPING_TIMES < 2:
        found.append(Error("FLAPPING_TIMES 应不小于 2", id="incidents.E003"))
    return found
