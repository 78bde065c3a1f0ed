"""WS-Discovery: which ONVIF devices there are on this network.

    python -m gateway.onvif.discovery [--seconds 3] [--address 192.168.1.10]

Prints a line for each device: address, name, model. Nothing is taken over into the configuration by itself.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import socket
import sys
import uuid
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree

from gateway.onvif.soap import parse_xml

GROUP = ("239.255.255.250", 3702)
_MOST_DEVICES = 1000
_NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "d": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
}
_PROBE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<s:Envelope xmlns:s="{_NAMES["s"]}" xmlns:a="{_NAMES["a"]}" xmlns:d="{_NAMES["d"]}"'
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
    "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
    "<a:MessageID>urn:uuid:{number}</a:MessageID>"
    "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"
    "<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
)


@dataclass(frozen=True)
class Found:
    url: str  # of the device service
    name: str
    model: str


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.found: dict[str, Found] = {}

    def datagram_received(self, data: bytes, address: tuple[str | int, ...]) -> None:
        # Anybody on the network may send anything here.
        with contextlib.suppress(ValueError):
            for one in _devices(parse_xml(data)):
                if len(self.found) < _MOST_DEVICES:
                    self.found.setdefault(one.url, one)


def _devices(answer: ElementTree.Element) -> list[Found]:
    devices = []
    for match in answer.iterfind(".//d:ProbeMatch", _NAMES):
        addresses = (match.findtext("d:XAddrs", "", _NAMES) or "").split()
        plain = [url for url in addresses if url.startswith("http://")] or addresses
        if plain:
            scopes = (match.findtext("d:Scopes", "", _NAMES) or "").split()
            devices.append(Found(plain[0], _scope(scopes, "name"), _scope(scopes, "hardware")))
    return devices


def _scope(scopes: list[str], kind: str) -> str:
    prefix = f"onvif://www.onvif.org/{kind}/"
    return next((_printable(unquote(one[len(prefix) :])) for one in scopes if one.startswith(prefix)), "")


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:80]


async def discover(seconds: float, *, address: str | None = None, to: tuple[str, int] = GROUP) -> list[Found]:
    """What answers within that time. `address`: of the network card towards the cameras; OSError when it is not ours."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        if address is not None:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ipaddress.IPv4Address(address).packed)
        sock.bind((address or "", 0))
        transport, listener = await loop.create_datagram_endpoint(_Listener, sock=sock)
    except BaseException:
        sock.close()
        raise
    try:
        transport.sendto(_PROBE.replace("{number}", str(uuid.uuid4())).encode(), to)
        await asyncio.sleep(seconds)
    finally:
        transport.close()
    return sorted(listener.found.values(), key=lambda one: one.url)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gateway.onvif.discovery", description="查找 ONVIF 摄像机"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="等待应答的秒数")
    parser.add_argument("--address", help="朝向摄像机的网卡的 IPv4 地址")
    options = parser.parse_args()
    try:
        found = asyncio.run(discover(options.seconds, address=options.address))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"无法查找：{error}\n")
        return 1
    for one in found:
        sys.stdout.write(f"{one.url}\t{one.name}\t{one.model}\n")
    sys.stderr.write(f"共 {len(found)} 台\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
