"""Who really asks when proxies stand in front: `X-Forwarded-For`, believed only from proxies of our own."""

import ipaddress
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks or single addresses; ValueError for a text that is neither."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def plain_address(text: str) -> Address | None:
    """An address as peers and proxies write it: perhaps in brackets, with a port, or IPv4 inside IPv6."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_among(address: Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The address nearest to us that is not a trusted proxy; "" for a peer without one (a Unix socket).

    Read from the right: each proxy appends whom it saw, so what stands further left than the first
    stranger was written by the stranger.
    """
    nearest = plain_address(peer)
    for told in reversed(forwarded_for.split(",")):
        if not is_among(nearest, trusted):
            break
        further = plain_address(told)
        if further is None:
            break
        nearest = further
    return "" if nearest is None else str(nearest)
