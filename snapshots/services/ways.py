"""How the pictures of a camera are made and how long they are kept: what staff set by kind of place and organisation."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings

from cameras.models import Camera
from snapshots.capture.decode import Style
from snapshots.models import JpegRule, RetentionRule


@dataclass(frozen=True)
class Ways:
    """Only of the cameras for which something else holds than the settings say."""

    keep_days: dict[int, int] = field(default_factory=dict)
    styles: dict[int, Style] = field(default_factory=dict)


def ways_of(camera_ids: Iterable[int]) -> Ways:
    rules = {rule.classify: Style(rule.quality, rule.longest_side) for rule in JpegRule.objects.all()}
    longer = _longer()
    if not rules and not longer:
        return Ways()
    ways = Ways()
    cameras = Camera.objects.filter(pk__in=list(camera_ids)).order_by()
    for pk, classify, path in cameras.values_list("pk", "classify", "organisation__path"):
        if classify in rules:
            ways.styles[pk] = rules[classify]
        if days := _days_at(path, longer):
            ways.keep_days[pk] = days
    return ways


def _longer() -> list[tuple[str, int]]:
    """Paths of organisations with a rule and their days, the deepest first."""
    rules = RetentionRule.objects.order_by().values_list("organisation__path", "days")
    return sorted(rules, key=lambda rule: -len(rule[0]))


def _days_at(path: str, rules: Iterable[tuple[str, int]]) -> int:
    """0 where the retention of the platform holds."""
    days = next((days for above, days in rules if path.startswith(above)), 0)
    return days if days > settings.SNAPSHOT_RETENTION_DAYS else 0
