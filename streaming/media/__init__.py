"""Media servers behind one small interface: one module each, one line in the registry."""

from streaming.choices import MediaKind
from streaming.media.base import LiveStream, MediaAdapter
from streaming.media.embedded import EmbeddedMedia
from streaming.media.srs import SrsMedia
from streaming.media.zlm import ZlmMedia
from streaming.models import MediaServer

_REGISTRY: dict[str, type[MediaAdapter]] = {
    MediaKind.EMBEDDED: EmbeddedMedia,
    MediaKind.ZLM: ZlmMedia,
    MediaKind.SRS: SrsMedia,
}


def adapter_for(server: MediaServer) -> MediaAdapter:
    return _REGISTRY[server.kind](server)


__all__ = ["LiveStream", "MediaAdapter", "adapter_for"]
