"""The platform itself behind granian, with clients that drip, lie about lengths or send 20 MiB."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from cameras.models import Camera
from tests.cameras.ledger import number, wire
from tests.cast import Caller

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
THREADS = 4


@pytest.fixture
def port(gateway_partner: Caller) -> Iterator[int]:
    """One process with four threads."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    name = connection.settings_dict["NAME"]
    url = re.sub(
        r"//([^/]*)/[^?]*", lambda match: f"//{match[1]}/{name}", os.environ["DATABASE_URL"], count=1
    )
    server = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "wsgi",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ),
            *("--blocking-threads", str(THREADS), "--log-level", "error", "province.wsgi:application"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "LOG_LEVEL": "CRITICAL",
        },
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                ask(port, "GET", "TokenInfo")
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def ask(port: int, method: str, verb: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """A list as the body goes out in chunks."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        chunks = iter(body) if isinstance(body, list) else body
        client.request(
            method, f"/service/video.{verb}", chunks, headers, encode_chunked=isinstance(body, list)
        )
        answer = client.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        envelope: dict[str, Any] = json.loads(answer.read())
        assert list(envelope)[:2] == ["code", "msg"]
        return envelope


def head(token: str, *lines: str, path: str = "/service/video.VideoInformation") -> bytes:
    given = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *([f"TAuth: {token}"] if token else []), *lines]
    return "\r\n".join([*given, "", ""]).encode()


@pytest.mark.parametrize(
    ("framing", "beginning"),
    [("Content-Length: 1000", b"["), ("Transfer-Encoding: chunked", b"1\r\n[\r\n")],
    ids=["length", "chunked"],
)
def test_clients_that_drip_without_a_token_stop_nobody(
    port: int, gateway_partner: Caller, framing: str, beginning: bytes
) -> None:
    """More of them than there are threads: each is refused before a byte of its body is waited for."""
    with ExitStack() as clients:
        dripping = [clients.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(12)]
        for client in dripping:
            client.settimeout(5)
            client.sendall(head("", framing) + beginning)
        assert ask(port, "POST", "VideoInformation", b"[]", TAuth=gateway_partner.issued.token)["code"] == 200
        assert [_first_answer(client) for client in dripping] == [(200, 403)] * len(dripping)


def test_fewer_than_the_threads_who_drip_with_a_token_stop_nobody(port: int, gateway_partner: Caller) -> None:
    token = gateway_partner.issued.token
    with ExitStack() as clients:
        for _ in range(THREADS - 1):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(head(token, "Content-Length: 1000") + b"[")
        for _ in range(5):
            assert ask(port, "POST", "VideoInformation", b"[]", TAuth=token)["code"] == 200
    # What was cut off in the middle has registered nothing.
    assert not Camera.objects.exists()


def _first_answer(client: socket.socket) -> tuple[int, int]:
    """HTTP status and code, 0 where the connection was only closed or the answer is a page."""
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
            _, found, body = data.partition(b"\r\n\r\n")
            if found and (body or b"content-length: 0" in data.lower()):
                break
    except OSError:
        pass
    code = re.search(rb'"code":(\d+)', data)
    return int(data.split(b" ", 2)[1]) if data else 0, int(code[1]) if code else 0


def test_who_sends_steadily_is_waited_for(port: int, gateway_partner: Caller) -> None:
    """Ten MiB in pieces with pauses."""
    body = json.dumps([wire(1)]).encode()
    padding = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.settimeout(5)
        client.sendall(head(gateway_partner.issued.token, f"Content-Length: {padding + len(body)}"))
        for _ in range(5):
            client.sendall(b" " * (padding // 5))
            time.sleep(0.1)
        client.sendall(body)
        assert _first_answer(client) == (200, 200)
    assert Camera.objects.get().number == number(1)


def test_20_mib_and_one_byte_more(port: int, gateway_partner: Caller) -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert limit == 20 * 2**20
    token = gateway_partner.issued.token
    items = json.dumps([wire(1)]).encode()
    exact = items.rjust(limit)
    pieces = [exact[begin : begin + 2**20] for begin in range(0, limit, 2**20)]
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        # Refused by its length, before a byte of it was sent.
        client.settimeout(5)
        client.sendall(head(token, f"Content-Length: {limit + 1}"))
        assert _first_answer(client) == (200, 400)
    assert ask(port, "POST", "VideoInformation", [*pieces, b" "], TAuth=token)["msg"] == "请求体超过 20 MiB"
    assert not Camera.objects.exists()
    assert ask(port, "POST", "VideoInformation", pieces, TAuth=token)["backResult"][0]["info"] == "注册成功"
    assert ask(port, "POST", "VideoInformation", exact, TAuth=token)["backResult"][0]["info"] == "未变化"


def test_expect_100_continue(port: int, gateway_partner: Caller) -> None:
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.settimeout(10)
        client.sendall(head(gateway_partner.issued.token, "Content-Length: 2", "Expect: 100-continue"))
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"[]")
        assert _first_answer(client) == (200, 200)


LIES = {
    "two lengths": ["Content-Length: 2", "Content-Length: 3"],
    "both": ["Content-Length: 2", "Transfer-Encoding: chunked"],
    "negative": ["Content-Length: -1"],
    "no number": ["Content-Length: abc"],
    "endless": ["Content-Length: 999999999999999999999"],
    "odd coding": ["Transfer-Encoding: chunked, x"],
    "no chunk": ["Transfer-Encoding: chunked", "", "zz", "[]"],
    "NUL in a header": ["Content-Length: 2", "Content-Type: a\0b"],
    "two tokens": ["Content-Length: 2", "TAuth: unknown"],
    "200 headers": ["Content-Length: 2", *(f"X-A{n}: {n}" for n in range(200))],
    "a header of 64 KB": ["Content-Length: 2", "X-A: " + "a" * 65_536],
    "a line of 1 MB": ["Content-Length: 2", "X-A: " + "a" * 2**20],
}


def test_lies_about_lengths_and_other_headers(port: int, gateway_partner: Caller) -> None:
    """Whatever comes back, it is no success of a request that is two, no page and no failure inside."""
    token = gateway_partner.issued.token
    for name, lines in LIES.items():
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            client.settimeout(10)
            try:
                client.sendall(head(token, *lines) + b"[]")
            except OSError:
                continue  # refused before all of it was sent
            status, code = _first_answer(client)
        assert status in (0, 200, 400, 413, 431), name
        assert code in (0, 200, 400, 403), name
    assert (
        ask(port, "POST", f"VideoInformation?user={quote('gateway-jinan')}", b"[]", TAuth=token)["code"]
        == 200
    )
