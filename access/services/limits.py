"""Counting per minute in the cache: failures of an address, requests of a partner."""

import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_WINDOW_SECONDS = 60


def count_one(kind: str, who: str, *, limit: int) -> int | None:
    """Adds one; seconds to wait when that is more than `limit` in this minute, else None.

    Without the cache nothing is limited: refusing everybody would be the worse denial of service.
    """
    minute, passed = divmod(int(time.time()), _WINDOW_SECONDS)
    key = f"minute:{kind}:{who}:{minute}"
    try:
        count = _add_one(key)
    except RedisError as error:
        logger.warning("%s is not limited, the cache does not answer: %s", kind, error)
        return None
    return _WINDOW_SECONDS - passed if count > limit else None


def _add_one(key: str) -> int:
    try:
        return cache.incr(key)
    except ValueError:
        # The first of this minute; of two firsts the later one counts on.
        return 1 if cache.add(key, 1, timeout=2 * _WINDOW_SECONDS) else cache.incr(key)
