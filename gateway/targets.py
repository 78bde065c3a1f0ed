"""Where the gateway may push to: networks and ports of its configuration, nothing else."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import ForbiddenError, MalformedError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

RESOLVE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class TlsPorts:
    """Ports at which media servers take RTMPS, with a certificate of the CA in `ca_file`."""

    ports: frozenset[int]
    ca_file: Path


class PushTargets:
    """The allow-list."""

    def __init__(
        self, networks: Sequence[Network], ports: tuple[int, int], tls: TlsPorts | None = None
    ) -> None:
        self._networks = networks
        self._first_port, self._last_port = ports
        self._tls = tls

    def ca_file(self, port: int) -> Path | None:
        """What the certificate behind `port` is checked with; None where RTMP goes in the clear."""
        return self._tls.ca_file if self._tls and port in self._tls.ports else None

    async def resolve(self, host: str, port: int) -> str:
        """The address to connect to; every address of a name has to be allowed.

        Raises ForbiddenError for a place not allowed, MalformedError for a name without address.
        """
        if not self._first_port <= port <= self._last_port:
            raise ForbiddenError(f"不允许推送到端口 {port}（允许 {self._first_port}-{self._last_port}）")
        addresses = await self._addresses(host, port)
        for address in addresses:
            if not self._allows(address):
                raise ForbiddenError(f"不允许推送到 {host}（{address} 不在允许的网段内）")
        return str(addresses[0])

    def _allows(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._networks)

    @staticmethod
    async def _addresses(host: str, port: int) -> list[Address]:
        with contextlib.suppress(ValueError):
            # A plain address needs no resolver, whose threads may be busy.
            return [_plain(ipaddress.ip_address(host))]
        loop = asyncio.get_running_loop()
        try:
            # Odd forms go through it: "0177.1" or "2130706433" are addresses to libc.
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise MalformedError(f"serverIp：{host} 无法解析") from error
        return [_plain(ipaddress.ip_address(str(entry[4][0]))) for entry in found]


def _plain(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address
