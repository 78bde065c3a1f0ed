"""Devices found by WS-Discovery, whatever else answers."""

import asyncio
import re
import socket
import threading

import pytest

from gateway.onvif.discovery import Found, discover
from gateway.onvif.soap import parse_xml

_MATCH = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Body><d:ProbeMatches><d:ProbeMatch>
<d:Scopes>onvif://www.onvif.org/type/ptz onvif://www.onvif.org/name/K1100%20dome onvif://www.onvif.org/hardware/D7\
</d:Scopes><d:XAddrs>https://10.1.2.3/onvif/device_service http://10.1.2.3/onvif/device_service</d:XAddrs>
</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"""
_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'


def test_each_device_once_and_rubbish_not_at_all() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.bind(("127.0.0.1", 0))
        probes: list[bytes] = []

        def answer() -> None:
            probe, asker = camera.recvfrom(65536)
            probes.append(probe)
            for text in ("rubbish", _BOMB, _MATCH, _MATCH):
                camera.sendto(text.encode(), asker)

        thread = threading.Thread(target=answer)
        thread.start()
        found = asyncio.run(discover(0.3, address="127.0.0.1", to=camera.getsockname()))
        thread.join(5)
    assert found == [Found("http://10.1.2.3/onvif/device_service", "K1100 dome", "D7")]
    assert re.search(rb"<a:MessageID>urn:uuid:[0-9a-f-]{36}</a:MessageID>", probes[0])
    assert b"<d:Types>dn:NetworkVideoTransmitter</d:Types>" in probes[0]


def test_entities_are_not_even_read() -> None:
    with pytest.raises(ValueError, match="document type"):
        parse_xml(_BOMB.encode())
