import gzip
import json
import multiprocessing
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from protocol import client
from protocol.client import PartnerClient, call_with_token
from protocol.connections import forget_connections
from protocol.envelope import Answer
from protocol.errors import RemoteError
from tests.protocol.certificates import write_certificates
from tests.protocol.peer import Peer, Reply, Request, peer_answering, reply


@pytest.fixture(autouse=True)
def fresh_connections() -> Iterator[None]:
    yield
    forget_connections()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with peer_answering(lambda _: reply(200)) as started:
        yield started


def call(base_url: str, **changed: object) -> Answer:
    return call_with_token(base_url, "PTZControl", **{"token": "abc", "timeout": 30, **changed})  # type: ignore[arg-type]


def failing(make: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        make()
    return caught.value


def test_a_get_with_its_headers_and_parameters(peer: Peer) -> None:
    answer = call(peer.base_url, params={"cameraNum": "a+b/ 中&x=1", "action": 1, "step": None})
    assert answer.ok
    (request,) = peer.requests
    assert (request.method, request.path) == ("GET", "/service/video.PTZControl")
    assert request.query == {"cameraNum": "a+b/ 中&x=1", "action": "1"}
    assert request.headers["tauth"] == "abc"
    assert request.headers["appversion"] == "v1.0"
    assert request.headers["content-type"] == "application/json"


def test_a_post_with_its_body(peer: Peer) -> None:
    call(peer.base_url, method="POST", params={"user": "省平台"}, body={"command": {"serverIp": "127.0.0.1"}})
    (request,) = peer.requests
    assert request.method == "POST"
    assert request.query == {"user": "省平台"}
    assert json.loads(request.body) == {"command": {"serverIp": "127.0.0.1"}}


def test_single_style(peer: Peer) -> None:
    peer.respond = lambda _: Reply(b'{"code": "0"}')
    answer = call(peer.base_url, style="single", params={"action": 1, "step": None}, body={"extra": [1]})
    assert answer.ok
    (request,) = peer.requests
    assert (request.method, request.path, request.query) == ("POST", "/service", {})
    assert json.loads(request.body) == {"sipAction": "video.PTZControl", "action": 1, "extra": [1]}
    assert request.headers["tauth"] == "abc"


@pytest.mark.parametrize("tail", ["", "/", "/service", "/service/"])
def test_base_urls_as_people_paste_them(peer: Peer, tail: str) -> None:
    call(f" {peer.base_url}{tail} ")
    assert peer.requests[0].path == "/service/video.PTZControl"


def test_a_prefix_stays(peer: Peer) -> None:
    call(f"{peer.base_url}/cloud/")
    assert peer.requests[0].path == "/cloud/service/video.PTZControl"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "127.0.0.1:80",
        "ftp://a",
        "http://",
        "http://u:p@a",
        "http://a?x=1",
        "http://a:99999",
        "http://[",
        "file:///etc",
    ],
)
def test_base_urls_that_cannot_work(base_url: str) -> None:
    assert failing(lambda: call(base_url)).permanent


@pytest.mark.parametrize("token", ["", "a\r\nX-Evil: 1", "a b", "令牌", "\ud800", "x" * 5000])
def test_tokens_that_cannot_be_a_header(peer: Peer, token: str) -> None:
    error = failing(lambda: call(peer.base_url, token=token))
    assert error.permanent
    assert not peer.requests


def test_connections_are_kept(peer: Peer) -> None:
    for _ in range(5):
        call(peer.base_url)
    assert peer.connections == 1


@pytest.mark.parametrize("code", [400, 403, 404, 500])
def test_a_refusal_is_an_answer(peer: Peer, code: int) -> None:
    peer.respond = lambda _: reply(str(code), status=code)
    answer = call(peer.base_url)
    assert (answer.code, answer.msg, answer.http_status, answer.ok) == (code, "不行", code, False)
    assert len(peer.requests) == 1


def test_html_is_a_failure(peer: Peer) -> None:
    peer.respond = lambda _: Reply(b"<html>Not Found</html>", 404)
    error = failing(lambda: call(peer.base_url))
    assert (error.permanent, error.http_status, error.remote_code) == (True, 404, None)


def test_redirects_are_not_followed(peer: Peer) -> None:
    peer.respond = lambda _: Reply(b"", 302, {"Location": f"{peer.base_url}/elsewhere"})
    error = failing(lambda: call(peer.base_url))
    assert (error.permanent, error.http_status) == (True, 302)
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("999999999999", 86_400),
        pytest.param(formatdate(time.time() - 100, usegmt=True), 0, id="a date gone by"),
        ("soon", None),
        ("-5", None),
        ("Fri, 99 Zzz 2026", None),
    ],
)
def test_retry_after_is_carried(peer: Peer, header: str, seconds: int | None) -> None:
    peer.respond = lambda _: reply(403, headers={"Retry-After": header})
    answer = call(peer.base_url)
    assert answer.retry_after == seconds
    assert answer.error().retry_after == seconds
    assert answer.error().permanent is (seconds is None)
    peer.respond = lambda _: Reply(b"<html>", 503, {"Retry-After": header})
    assert failing(lambda: call(peer.base_url)).retry_after == seconds


def test_retry_after_as_a_date(peer: Peer) -> None:
    peer.respond = lambda _: reply(403, headers={"Retry-After": formatdate(time.time() + 120, usegmt=True)})
    seconds = call(peer.base_url).retry_after
    assert seconds is not None
    assert 110 <= seconds <= 120


def test_chunked_answers(peer: Peer) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    peer.respond = lambda _: Reply(b"", raw=head + b'8\r\n{"code":\r\n5\r\n 200}\r\n0\r\n\r\n')
    assert call(peer.base_url).ok


def test_large_answers_are_cut_off(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_ANSWER_BYTES", 1000)
    peer.respond = lambda _: Reply(b" " * 980 + b'{"code": 200}')
    assert call(peer.base_url).ok
    peer.respond = lambda _: Reply(b" " * 990 + b'{"code": 200}')
    error = failing(lambda: call(peer.base_url))
    assert "超过 1000 字节" in error.message


def test_compressed_answers_are_bounded_too(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_ANSWER_BYTES", 1000)
    packed = gzip.compress(b" " * 10_000_000)
    peer.respond = lambda _: Reply(packed, headers={"Content-Encoding": "gzip"})
    assert "超过 1000 字节" in failing(lambda: call(peer.base_url)).message


TROUBLE = {
    "closed at once": b"",
    "no http": b"RTSP/1.0 200 OK\r\n\r\n",
    "cut": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"code": 200}',
    "chunk cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nzz\r\n",
    "gzip broken": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\nhello",
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("raw", TROUBLE.values(), ids=TROUBLE.keys())
def test_trouble_on_the_way_is_temporary(peer: Peer, raw: bytes) -> None:
    peer.respond = lambda _: Reply(b"", raw=raw)
    error = failing(lambda: call(peer.base_url, params={"token": "topsecret"}))
    assert not error.permanent
    assert "topsecret" not in error.message
    # Never sent twice unasked: a second PTZ order would be a second step.
    assert len(peer.requests) == 1
    peer.respond = lambda _: reply(200)
    assert call(peer.base_url).ok


def test_nobody_there() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    error = failing(lambda: call(f"http://127.0.0.1:{port}"))
    assert not error.permanent
    assert error.message.startswith("对方无法访问：连接被拒绝")


@contextmanager
def answering_bytes(send: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that accepts one connection and speaks as `send` does, until the test is over."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with closing(connection):
                try:
                    send(connection, over)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def test_a_peer_that_never_answers() -> None:
    def keep_silent(_: socket.socket, over: threading.Event) -> None:
        over.wait(60)

    with answering_bytes(keep_silent) as base_url:
        started = time.monotonic()
        error = failing(lambda: call(base_url, timeout=0.2))
        assert time.monotonic() - started < 30
    assert not error.permanent
    assert error.message == "对方无法访问：应答超时"


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        # Of neither a header nor the length of a chunk does a read time-out ever see the end.
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_peer_that_trickles(beginning: bytes) -> None:
    def trickle(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.wait(0.02):
            connection.sendall(b"0")

    with answering_bytes(trickle) as base_url:
        partner = PartnerClient(
            base_url, client.Credentials("u", "R0E=", "t1", "00" * 32), read_timeout=30, request_seconds=0.3
        )
        started = time.monotonic()
        error = failing(lambda: partner.call("PTZControl"))
        assert time.monotonic() - started < 15
    assert (error.permanent, error.is_timeout) == (False, True)
    assert "迟迟没有结束" in error.message


def test_a_deadline_holds_over_tls_and_on_a_kept_connection(tmp_path: Path) -> None:
    files = write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    release = threading.Event()
    with peer_answering(lambda _: reply(200), context) as peer:
        partner = PartnerClient(
            peer.base_url,
            client.Credentials("u", "R0E=", "t1", "00" * 32),
            ca_file=str(files.ca),
            read_timeout=30,
            request_seconds=2,
        )
        assert partner.call("PTZControl").ok
        peer.respond = lambda _: reply(200) if release.wait(30) else reply(500)
        started = time.monotonic()
        error = failing(lambda: partner.call("PTZControl"))
        assert time.monotonic() - started < 15
        release.set()
        assert peer.connections == 1
    assert error.is_timeout


def test_tls_is_verified(tmp_path: Path) -> None:
    ours, other = write_certificates(tmp_path / "ours"), write_certificates(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours.certificate, ours.key)
    with peer_answering(lambda _: reply(200), context) as peer:
        assert call(peer.base_url, ca_file=str(ours.ca)).ok
        for ca_file in (str(other.ca), None):
            error = failing(lambda ca_file=ca_file: call(peer.base_url, ca_file=ca_file))  # type: ignore[misc]
            assert "不是由受信任的 CA 签发" in error.message
    assert len(peer.requests) == 1


def test_a_replaced_ca_file_is_read_again(tmp_path: Path) -> None:
    ours, other = write_certificates(tmp_path / "ours"), write_certificates(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours.certificate, ours.key)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(other.ca.read_bytes())
    with peer_answering(lambda _: reply(200), context) as peer:
        failing(lambda: call(peer.base_url, ca_file=str(ca_file)))
        ca_file.write_bytes(ours.ca.read_bytes())
        assert call(peer.base_url, ca_file=str(ca_file)).ok


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_opens_its_own_connections(peer: Peer) -> None:
    partner = PartnerClient(peer.base_url, client.Credentials("u", "R0E=", "t1", "00" * 32))
    assert partner.call("PTZControl").ok
    child = multiprocessing.get_context("fork").Process(target=partner.call, args=("PTZControl",))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert partner.call("PTZControl").ok
    assert peer.connections == 2


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        error = failing(lambda name=name: call("https://127.0.0.1:1", ca_file=str(tmp_path / name)))  # type: ignore[misc]
        assert error.permanent
        assert "CA 证书文件" in error.message


def test_an_answer_never_read_to_its_end_does_not_spoil_the_next(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MOST_ANSWER_BYTES", 1000)

    def respond(request: Request) -> Reply:
        return Reply(b"x" * 500_000) if request.query.get("big") else reply(200)

    peer.respond = respond
    failing(lambda: call(peer.base_url, params={"big": 1}))
    assert call(peer.base_url).ok


def test_a_client_needs_a_usable_address() -> None:
    credentials = client.Credentials("u", "R0E=", "t1", "00" * 32)
    assert failing(lambda: PartnerClient("ministry", credentials)).permanent
    assert "t1" not in repr(credentials)
    assert "00" * 32 not in repr(credentials)
