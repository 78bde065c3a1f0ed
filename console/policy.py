"""Content security policy of the wall: beyond our own host only the play domains in use are reached."""

from urllib.parse import urlsplit

from streaming.models import MediaServer


def wall_policy() -> str:
    connect = " ".join(["'self'", *_play_origins()])
    return "; ".join(
        [
            "default-src 'self'",
            "img-src 'self' data: blob:",
            "media-src blob:",
            f"connect-src {connect}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _play_origins() -> list[str]:
    """`http://host:port` and `ws://host:port` of every active media server."""
    origins: set[str] = set()
    for url in MediaServer.objects.filter(is_active=True).values_list("http_url", flat=True):
        parts = urlsplit(url)
        # A semicolon or blank in a record would end the directive and begin another.
        if parts.scheme in ("http", "https") and not set(parts.netloc) & set(" ;,'\""):
            origins |= {
                f"{parts.scheme}://{parts.netloc}",
                f"{parts.scheme.replace('http', 'ws')}://{parts.netloc}",
            }
    return sorted(origins)
