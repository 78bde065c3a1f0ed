"""Viewers whose coming was never told: the platform was away, or thought their server gone.

What nobody counts nobody can end. Only a server that lists its viewers by name can say.
"""

import logging
from concurrent.futures import ThreadPoolExecutor

from protocol.errors import RemoteError
from streaming.media import MediaAdapter, adapter_for
from streaming.media.events import ViewerCame
from streaming.models import MediaServer, Viewing
from streaming.services.hooks import answer_event
from streaming.services.viewings import CLIENT_LENGTH

logger = logging.getLogger(__name__)


def take_in() -> int:
    """As if they had been told now; how many. Whoever may not watch is ended, as the answer to a hook does."""
    servers = MediaServer.objects.filter(is_active=True, silent_since=None)
    adapters = [adapter for server in servers if (adapter := adapter_for(server)).lists_viewers]
    if not adapters:
        return 0
    # Only asking is done by threads: one that used the database would leave its connection behind.
    with ThreadPoolExecutor(len(adapters)) as crew:
        listed = list(crew.map(_list, adapters))
    return sum(_take_in(adapter, found) for adapter, found in zip(adapters, listed, strict=True))


def _list(adapter: MediaAdapter) -> list[ViewerCame]:
    try:
        return adapter.list_viewers()
    except RemoteError as error:
        logger.info("viewers of %s not listed: %s", adapter.server.name, error.message)
        return []


def _take_in(adapter: MediaAdapter, found: list[ViewerCame]) -> int:
    known = set(Viewing.objects.filter(media_server=adapter.server).values_list("client", flat=True))
    unknown = [each for each in found if each.client and each.client[:CLIENT_LENGTH] not in known]
    for event in unknown:
        if not answer_event(adapter=adapter, event=event).is_allowed:
            _end(adapter, event)
    return len(unknown)


def _end(adapter: MediaAdapter, event: ViewerCame) -> None:
    try:
        adapter.end_viewer(event.client)
    except RemoteError as error:
        logger.info("viewer %s could not be ended: %s", event.client, error.message)
