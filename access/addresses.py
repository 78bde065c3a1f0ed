"""Addresses that staff enter and the platform calls: well formed, and inside the networks it may call (threats.md 19)."""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protocol.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads: the host by name, and the one IP address that was looked at."""

    scheme: str
    host: str
    address: str
    port: int


def http_fault(url: str) -> str:
    """What is wrong with it in words; empty when it can be called."""
    if any(char.isspace() or not char.isprintable() for char in url):
        return "地址不能含空白"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "不是有效的地址"
    if not is_usable:
        return "地址应为 http(s)://主机[:端口]/路径"
    if parts.username is not None or parts.password is not None:
        return "地址里不要写用户名与口令"
    return ""


def allowed_place(url: str, networks: Iterable[str]) -> Place:
    """Where `url` leads, resolved once: who calls that very address is not led elsewhere by a second answer.

    All addresses of the host have to lie in `networks`; RemoteError otherwise.
    """
    if fault := http_fault(url):
        raise RemoteError(fault, permanent=True)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = list(dict.fromkeys(str(row[4][0]) for row in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)))
    except (OSError, UnicodeError) as error:
        raise RemoteError(f"主机 {host[:80]} 无法解析") from error
    allowed = [ipaddress.ip_network(text) for text in networks]
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if not any((mapped or address) in network for network in allowed):
            raise RemoteError(f"地址 {text} 不在允许的网段内", permanent=True)
    return Place(parts.scheme, host, found[0], port)
