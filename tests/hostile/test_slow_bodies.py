"""The platform itself behind granian, with clients that drip, lie about lengths or send 20 MiB."""

import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from cameras.models import Camera
from deploy.web import granian_arguments
from tests.cameras.ledger import number, wire
from tests.cast import Caller
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
# Longer than a busy machine takes for one request.
BODY_SECONDS = 3
TURNS = 4
BODIES = 8


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[int]:
    """One process as the platform starts it, with four turns; its port."""
    port = free_port()
    name = connection.settings_dict["NAME"]
    url = re.sub(
        r"//([^/]*)/[^?]*", lambda match: f"//{match[1]}/{name}", os.environ["DATABASE_URL"], count=1
    )
    arguments = granian_arguments(host="127.0.0.1", port=port, workers=1, log_level="error")
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "LOG_LEVEL": "CRITICAL",
            "BODY_SECONDS": str(BODY_SECONDS),
            "REQUESTS_AT_ONCE": str(TURNS),
            "CALLER_REQUESTS_AT_ONCE": str(TURNS - 1),
            "BODIES_AT_ONCE": str(BODIES),
        },
    )
    try:
        deadline = time.monotonic() + 60
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
        server.wait(30)


@pytest.fixture
def port(server: int, gateway_partner: Caller) -> int:
    return server


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
    """More of them than there are turns: each is refused before a byte of its body is waited for."""
    with ExitStack() as clients:
        dripping = [clients.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(12)]
        for client in dripping:
            client.settimeout(30)
            client.sendall(head("", framing) + beginning)
        assert ask(port, "POST", "VideoInformation", b"[]", TAuth=gateway_partner.issued.token)["code"] == 200
        assert [_first_answer(client) for client in dripping] == [(200, 403)] * len(dripping)


def _drip(clients: ExitStack, port: int, token: str, *, count: int, begun: bytes = b"[") -> list[socket.socket]:
    """So many clients that stop in the middle of a body."""
    dripping = [clients.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
    for client in dripping:
        client.settimeout(BODY_SECONDS + 30)
        client.sendall(head(token, "Content-Length: 1000000") + begun)
    return dripping


def test_clients_that_drip_with_a_token_stop_nobody(port: int, gateway_partner: Caller) -> None:
    """More of them than there are turns, of one partner: not even another request of its own waits."""
    token = gateway_partner.issued.token
    with ExitStack() as clients:
        dripping = _drip(clients, port, token, count=2 * TURNS - 1)
        begun = time.monotonic()
        assert ask(port, "POST", "VideoInformation", b"[]", TAuth=token)["code"] == 200
        answered, _, _ = select.select(dripping, [], [], 0)
        assert answered == [], "it was not waited for them"
        for client in dripping:
            data = b""
            while piece := client.recv(65536):
                data += piece
                if "请求体没有及时传完".encode() in data:
                    break
            assert b'"code":400' in data
            assert b"connection: close" in data.lower()
        assert time.monotonic() - begun >= BODY_SECONDS - 0.1
    # What was cut off in the middle has registered nothing.
    assert not Camera.objects.exists()


def test_a_beginning_of_200_kb_buys_no_more_than_its_own_time(port: int, gateway_partner: Caller) -> None:
    with ExitStack() as clients:
        begun = time.monotonic()
        (client,) = _drip(
            clients, port, gateway_partner.issued.token, count=1, begun=b"[" + b" " * 200 * 1024
        )
        assert _first_answer(client) == (200, 400)
        assert time.monotonic() - begun < BODY_SECONDS + 30


def test_a_byte_now_and_then_is_no_pace(port: int, gateway_partner: Caller) -> None:
    """Data keeps coming, so the connection is never silent; in time the answer comes all the same."""
    with ExitStack() as clients:
        (client,) = _drip(clients, port, gateway_partner.issued.token, count=1)
        begun = time.monotonic()
        client.settimeout(0.1)
        data = b""
        while b"\r\n\r\n" not in data:
            assert time.monotonic() < begun + BODY_SECONDS + 30
            try:
                client.sendall(b" ")
                data += client.recv(65536)
            except TimeoutError:
                continue
        assert b'"code":400' in data


def test_over_the_bound_of_bodies_only_their_sender_is_refused(
    port: int, gateway_partner: Caller, other_gateway: Caller
) -> None:
    token = gateway_partner.issued.token
    with ExitStack() as clients:
        for _ in range(BODIES):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.settimeout(30)
            client.sendall(head(token, "Content-Length: 1000", "Expect: 100-continue"))
            # Said when the body is first read.
            assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        (refused,) = _drip(clients, port, token, count=1)
        answer = refused.recv(65536)
        assert b'"code":403' in answer
        assert f"retry-after: {BODY_SECONDS}\r\n".encode() in answer.lower()
        # A request without a body is no matter, nor is the body of somebody else.
        assert ask(port, "GET", "VideoInformation", TAuth=token)["code"] == 400
        assert ask(port, "POST", "ReportCameraStatus", b"[]", TAuth=other_gateway.issued.token)["code"] == 200
        assert _first_answer(client) == (200, 400)
    assert ask(port, "POST", "VideoInformation", b"[]", TAuth=token)["code"] == 200


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


def test_no_more_database_connections_than_turns(port: int, gateway_partner: Caller) -> None:
    """Threads come and go, each with other requests; the connections stay with the turns."""
    token = gateway_partner.issued.token
    with ThreadPoolExecutor(BODIES) as pool:
        answers = pool.map(lambda _: ask(port, "POST", "VideoInformation", b"[]", TAuth=token), range(60))
        assert {answer["code"] for answer in answers} == {200}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        (count,) = cursor.fetchone()
    assert 1 <= count <= TURNS


def test_who_sends_steadily_is_waited_for(port: int, gateway_partner: Caller) -> None:
    """Ten MiB in pieces with pauses."""
    body = json.dumps([wire(1)]).encode()
    padding = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.settimeout(30)
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
        client.settimeout(30)
        client.sendall(head(token, f"Content-Length: {limit + 1}"))
        assert _first_answer(client) == (200, 400)
    assert ask(port, "POST", "VideoInformation", [*pieces, b" "], TAuth=token)["msg"] == "请求体超过 20 MiB"
    assert not Camera.objects.exists()
    assert ask(port, "POST", "VideoInformation", pieces, TAuth=token)["backResult"][0]["info"] == "注册成功"
    assert ask(port, "POST", "VideoInformation", exact, TAuth=token)["backResult"][0]["info"] == "未变化"


def test_expect_100_continue(port: int, gateway_partner: Caller) -> None:
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.settimeout(30)
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
            client.settimeout(30)
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
