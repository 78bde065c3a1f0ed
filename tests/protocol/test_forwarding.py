"""X-Forwarded-For counts only as far as proxies of our own have written it."""

import pytest

from protocol.forwarding import client_address, networks_of

PROXIES = networks_of(["10.0.0.5", "10.1.0.0/16", "2001:db8::/64"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        # A stranger may say what it likes.
        ("192.0.2.7", "10.0.0.5", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1, 10.0.0.5", "192.0.2.7"),
        ("10.0.0.5", "192.0.2.7", "192.0.2.7"),
        # The client wrote the first one, our proxy appended the second.
        ("10.0.0.5", "127.0.0.1, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.5", "127.0.0.1,192.0.2.7 , 10.1.2.3", "192.0.2.7"),
        ("10.0.0.5", "10.0.0.5, 192.0.2.7", "192.0.2.7"),
        # Only proxies: whoever began is one of them.
        ("10.0.0.5", "10.1.2.3", "10.1.2.3"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "unknown", "10.0.0.5"),
        ("10.0.0.5", "192.0.2.7, <script>", "10.0.0.5"),
        ("10.0.0.5", "192.0.2.7:51000", "192.0.2.7"),
        ("2001:db8::1", "[2001:db8:1::9]:443", "2001:db8:1::9"),
        ("::ffff:10.0.0.5", "::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "10.0.0.5", "192.0.2.7"),
        ("", "192.0.2.7", ""),
    ],
)
def test_the_client_behind_proxies(peer: str, forwarded_for: str, client: str) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == client


def test_nobody_is_trusted_unless_named() -> None:
    assert client_address("10.0.0.5", "192.0.2.7", ()) == "10.0.0.5"


@pytest.mark.parametrize("text", ["", "proxy.example", "10.0.0.5/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        networks_of([text])
