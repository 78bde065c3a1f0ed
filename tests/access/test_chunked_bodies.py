"""Bodies that come in chunks, without Content-Length, through granian itself."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--log-level", "error", "tests.access.echo_wsgi:application"),
        ],
        cwd=ROOT,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def post(port: int, body: bytes | list[bytes]) -> str:
    """A list goes out in chunks, bytes with their length."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        if isinstance(body, bytes):
            connection.request("POST", "/", body=body)
        else:
            connection.request("POST", "/", body=iter(body), encode_chunked=True)
        return connection.getresponse().read().decode()


def test_a_chunked_body_is_read_to_its_end(port: int) -> None:
    assert post(port, [b"[1, ", b"2", b", 3]"]) == "9 [1, 2, 3]"


def test_an_empty_chunked_body_is_empty(port: int) -> None:
    assert post(port, []) == "0 "


def test_exactly_the_limit_is_read_and_one_byte_more_refused(port: int) -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert limit is not None
    whole = [b"x" * 2**20] * (limit // 2**20)
    assert post(port, whole).split()[0] == str(limit)
    assert post(port, [*whole, b"x"]) == "too big"


def test_a_body_with_its_length_is_left_alone(port: int) -> None:
    assert post(port, b"[1, 2, 3]") == "9 [1, 2, 3]"
