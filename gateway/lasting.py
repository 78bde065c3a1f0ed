"""Work in the background that outlasts what nobody thought of: one odd camera must not cost all the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0


async def lasting(
    what: str, work: Callable[[], Awaitable[None]], pause_seconds: float = PAUSE_SECONDS
) -> None:
    """Do it, and begin it anew after whatever goes wrong with it, which is logged."""
    while True:
        try:
            await work()
            return
        except Exception:
            logger.exception("%s failed", what)
        await asyncio.sleep(pause_seconds)
