"""What waits for upper platforms, counted once for all who look."""

from collections.abc import Mapping
from typing import Final

from django.core.cache import cache

from ministry.choices import Interface
from ministry.models import UpperPlatform
from ministry.selectors import Backlog, backlog_by_interface

# Every desk asks every two seconds; the statement that counts looks at every camera.
_KNOWN_SECONDS: Final = 3


def waiting_at(platform: UpperPlatform) -> Mapping[Interface, Backlog]:
    """As it was a few seconds ago."""
    known: Mapping[Interface, Backlog] | None = cache.get(_key(platform))
    if known is None:
        known = backlog_by_interface(platform)
        cache.set(_key(platform), known, _KNOWN_SECONDS)
    return known


def count_anew(platform: UpperPlatform) -> None:
    """Somebody did something about it and looks whether it helped."""
    cache.delete(_key(platform))


def _key(platform: UpperPlatform) -> str:
    return f"upper-waiting:{platform.pk}"
