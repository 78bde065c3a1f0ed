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
    key = f"upper-waiting:{platform.pk}"
    known: Mapping[Interface, Backlog] | None = cache.get(key)
    if known is None:
        known = backlog_by_interface(platform)
        cache.set(key, known, _KNOWN_SECONDS)
    return known
