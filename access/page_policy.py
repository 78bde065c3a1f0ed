"""Content security policy of pages: no inline script, nothing from elsewhere but what this platform lays elsewhere."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

# They would end a directive, or begin another source.
_DELIMITERS: Final = frozenset(" \t\r\n;,'\"*@")


def page_policy() -> str:
    """For every page that has none of its own."""
    return policy_of(
        {
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "media-src": ["'self'", "blob:"],
            "connect-src": ["'self'"],
            "worker-src": ["'self'", "blob:"],
        }
    )


def policy_of(sources: dict[str, list[str]]) -> str:
    """These sources beside what holds for every page."""
    every = {
        "default-src": ["'self'"],
        "img-src": image_sources(),
        **sources,
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in every.items())


def image_sources() -> list[str]:
    """Ourselves under each of our names, and the object store to which a picture's address leads on."""
    addresses = [settings.PUBLIC_BASE_URL]
    if settings.SNAPSHOT_STORAGE == "s3" and settings.SNAPSHOT_S3_PUBLIC_URL:
        addresses.append(_store_address())
    return ["'self'", "data:", "blob:", *origins_of(addresses)]


def _store_address() -> str:
    url: str = settings.SNAPSHOT_S3_PUBLIC_URL
    scheme, separator, rest = url.partition("://")
    if settings.SNAPSHOT_S3_ADDRESSING != "virtual":
        return url
    return f"{scheme}{separator}{settings.SNAPSHOT_S3_BUCKET}.{rest}"


def origins_of(addresses: Iterable[str]) -> list[str]:
    """`scheme://host:port` of each; what cannot stand in a policy is left out."""
    found = []
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.netloc and not _DELIMITERS & set(parts.netloc):
            found.append(f"{parts.scheme}://{parts.netloc}")
    return list(dict.fromkeys(found))
