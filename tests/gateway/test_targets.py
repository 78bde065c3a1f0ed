"""Where a push may go: the address counts, however it is spelled."""

import asyncio
import ipaddress

import pytest

from gateway.targets import PushTargets
from protocol.errors import ForbiddenError, MalformedError

TARGETS = PushTargets([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/8")], (1024, 40000))


def resolve(host: str, port: int = 1935) -> str:
    return asyncio.run(TARGETS.resolve(host, port))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.1", "127.0.0.1"),
        ("fd00::5", "fd00::5"),
    ],
)
def test_allowed(host: str, address: str) -> None:
    assert resolve(host) == address


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "0xA9FEA9FE", "::1", "::ffff:10.0.0.1"])
def test_refused_by_network(host: str) -> None:
    with pytest.raises(ForbiddenError, match="网段"):
        resolve(host)


@pytest.mark.parametrize("port", [22, 1023, 40001])
def test_refused_by_port(port: int) -> None:
    with pytest.raises(ForbiddenError, match=str(port)):
        resolve("127.0.0.1", port)


def test_a_name_without_an_address() -> None:
    with pytest.raises(MalformedError, match="无法解析"):
        resolve("no-such-host.invalid")
