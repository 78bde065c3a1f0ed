"""What an address of a camera must have right before anybody connects to it."""

import re
from urllib.parse import urlsplit


def check_address(url: str, *schemes: str, name: str = "url") -> None:
    """ValueError (Chinese, without the address, which may hold a password) for one that would fail at every use."""
    is_none = f"{name} 不是 {schemes[0]} 地址"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(is_none) from None
    if parts.scheme not in schemes or not parts.hostname or re.search(r"\s", url):
        raise ValueError(is_none)
    try:
        # Resolvers refuse the same: empty labels, too long ones.
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError(f"{name} 的主机名无效") from None
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"{name} 的端口不是 0-65535 之内的整数") from None
