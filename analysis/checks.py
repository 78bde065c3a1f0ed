"""Settings under which analysis results would be lost."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.ANALYSIS_KEEP_DAYS < 1:
        return [Error("ANALYSIS_KEEP_DAYS 须为正数", id="analysis.E001")]
    return []
