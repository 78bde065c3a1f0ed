"""Certificates of others are verified, and our own renewed without a restart."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from protocol.client import call_with_token
from protocol.errors import RemoteError
from protocol.tls import ServerTls, TlsFileError, client_context, server_context, tls_fault
from tests.protocol.certificates import UNTRUSTWORTHY, Certificates, write_certificates
from tests.protocol.peer import peer_answering, reply


def refusal(base_url: str, ca_file: Path) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        call_with_token(base_url, "PTZControl", token="t1", ca_file=str(ca_file))
    return caught.value


@pytest.mark.parametrize("kind", UNTRUSTWORTHY)
def test_an_untrustworthy_server_is_named_and_told_nothing(tmp_path: Path, kind: str) -> None:
    changes, said = UNTRUSTWORTHY[kind]
    made = write_certificates(tmp_path, **changes)
    with peer_answering(lambda _: reply(200), server_context(made.certificate, made.key)) as peer:
        error = refusal(peer.base_url, made.ca)
    assert said in error.message
    # Somebody will renew the certificate: reports have to be tried again.
    assert not error.permanent
    assert peer.requests == []


def test_a_name_is_verified_as_well_as_an_address(tmp_path: Path) -> None:
    made = write_certificates(tmp_path)
    with peer_answering(lambda _: reply(200), server_context(made.certificate, made.key)) as peer:
        error = refusal(peer.base_url.replace("127.0.0.1", "localhost"), made.ca)
    assert "与所访问的主机名不符" in error.message


def test_a_peer_without_tls_is_told_apart() -> None:
    with peer_answering(lambda _: reply(200)) as peer, pytest.raises(RemoteError, match="TLS 握手失败"):
        call_with_token(peer.base_url.replace("http", "https"), "PTZControl", token="t1")
    assert tls_fault(ConnectionRefusedError()) is None


def test_one_context_serves_until_its_file_is_replaced(tmp_path: Path) -> None:
    made = write_certificates(tmp_path)
    first = client_context(made.ca)
    assert client_context(str(made.ca)) is first
    assert (first.verify_mode, first.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert first.minimum_version == ssl.TLSVersion.TLSv1_2
    touch_later(made.ca)
    assert client_context(made.ca) is not first


def test_an_answer_tells_who_gave_it_and_until_when_it_is_believed(tmp_path: Path) -> None:
    made = write_certificates(tmp_path, ends_in_days=12)
    with peer_answering(lambda _: reply(200), server_context(made.certificate, made.key)) as peer:
        first, second = (
            call_with_token(peer.base_url, "PTZControl", token="t1", ca_file=str(made.ca)) for _ in range(2)
        )
    # The second came over a connection that was kept.
    assert first.certificate_until == second.certificate_until
    assert first.certificate_until is not None
    left = first.certificate_until - datetime.now(UTC)
    assert timedelta(days=11, hours=23) < left < timedelta(days=12)
    assert first.server.startswith("BaseHTTP/")
    with peer_answering(lambda _: reply(200)) as plain:
        assert call_with_token(plain.base_url, "PTZControl", token="t1").certificate_until is None


def touch_later(*files: Path) -> None:
    for file in files:
        later = file.stat().st_mtime_ns + 1_000_000_000
        os.utime(file, ns=(later, later))


@contextmanager
def handshaking(context: ssl.SSLContext) -> Iterator[int]:
    """A port on which handshakes are made, and nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    context.wrap_socket(connection, server_side=True).close()
                except ssl.SSLError:
                    connection.close()
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def is_shown(port: int, made: Certificates) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        try:
            client_context(made.ca).wrap_socket(connection, server_hostname="127.0.0.1").close()
        except ssl.SSLCertVerificationError:
            return False
    return True


def test_a_renewed_pair_is_taken_up_and_a_broken_one_is_not(tmp_path: Path) -> None:
    old, new = write_certificates(tmp_path / "old"), write_certificates(tmp_path / "new")
    served = tmp_path / "server.pem", tmp_path / "server.key"
    served[0].write_bytes(old.certificate.read_bytes())
    served[1].write_bytes(old.key.read_bytes())
    tls = ServerTls(*served)
    with handshaking(tls.context) as port:
        assert not tls.refresh()
        assert is_shown(port, old)
        served[0].write_bytes(new.certificate.read_bytes())
        touch_later(*served)
        with pytest.raises(TlsFileError, match="证书或私钥无法使用"):
            tls.refresh()
        assert is_shown(port, old)
        served[1].write_bytes(new.key.read_bytes())
        assert tls.refresh()
        assert is_shown(port, new)
        assert not is_shown(port, old)


def test_tls_before_1_2_is_not_spoken(tmp_path: Path) -> None:
    made = write_certificates(tmp_path)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(made.ca)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with (
        handshaking(server_context(made.certificate, made.key)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"),
    ):
        old.wrap_socket(connection, server_hostname="127.0.0.1")


@pytest.mark.parametrize("content", ["", "nonsense", None])
def test_files_that_are_none_are_named(tmp_path: Path, content: str | None) -> None:
    made = write_certificates(tmp_path)
    file = tmp_path / "wrong.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(TlsFileError, match="wrong.pem"):
        client_context(file)
    with pytest.raises(TlsFileError, match="wrong.pem"):
        ServerTls(made.certificate, file)
