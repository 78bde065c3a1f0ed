"""Media servers behind one small interface: one module each, one line in the registry."""

from streaming.media.base import LiveStream, MediaAdapter
from streaming.media.embedded import EmbeddedMedia
from streaming.models import MediaServer

_REGISTRY: dict[str, type[MediaAdapter]] = {
    "embedded": EmbeddedMedia,
}


def adapter_for(server: MediaServer) -> MediaAdapter:
    """The adapter of a server's kind; KeyError for a kind without one."""
    return _REGISTRY[server.kind](server)


def has_adapter(kind: str) -> bool:
    return kind in _REGISTRY


__all__ = ["LiveStream", "MediaAdapter", "adapter_for", "has_adapter"]
