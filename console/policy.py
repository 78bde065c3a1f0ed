"""Content security policy of the wall: beyond our own host only the play domains in use are reached."""

from access.page_policy import origins_of, policy_of
from streaming.models import MediaServer


def wall_policy() -> str:
    return policy_of({"media-src": ["blob:"], "connect-src": ["'self'", *_play_origins()]})


def _play_origins() -> list[str]:
    """`http://host:port` and `ws://host:port` of every active media server."""
    origins = origins_of(MediaServer.objects.filter(is_active=True).values_list("http_url", flat=True))
    return sorted({*origins, *(origin.replace("http", "ws", 1) for origin in origins)})
