"""What is said of a fault outside is Chinese, whatever went wrong, and names no class of ours."""

import http.client
import socket

import pytest
import urllib3

from protocol.faults import fault_words

POOL = urllib3.HTTPConnectionPool("192.0.2.1")


def caused(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (caused(urllib3.exceptions.ReadTimeoutError(POOL, "/", "Read timed out."), TimeoutError("timed out")), "应答超时"),
        (caused(urllib3.exceptions.ConnectTimeoutError(), TimeoutError("timed out")), "连接超时"),
        (caused(urllib3.exceptions.ProtocolError("x"), ConnectionResetError(104, "reset")), "连接被对方中断"),
        (caused(urllib3.exceptions.ProtocolError("x"), http.client.RemoteDisconnected("end")), "对方没有应答即断开了连接"),
        (caused(urllib3.exceptions.ProtocolError("x"), http.client.BadStatusLine("x")), "应答不是 HTTP"),
        (ConnectionRefusedError(111, "Connection refused"), "连接被拒绝，对方的服务可能没有运行"),
        (OSError(113, "No route to host"), "网络不可达"),
        (OSError(28, "No space left on device", "/data"), "磁盘已满"),
        (
            caused(urllib3.exceptions.NameResolutionError("h", POOL, socket.gaierror(-2, "x")), socket.gaierror(-2, "x")),  # type: ignore[arg-type]
            "域名无法解析",
        ),
        (urllib3.exceptions.NewConnectionError(POOL, "unreachable"), "网络不可达"),  # type: ignore[arg-type]
        (urllib3.exceptions.LocationValueError("no host"), "地址无效"),
        (socket.gaierror(-2, "Name or service not known"), "域名无法解析"),
        (urllib3.exceptions.HTTPError("https://h/?token=secret"), "连接失败"),
        (OSError("strange"), "连接失败"),
    ],
)
def test_a_fault_is_told_in_words(error: BaseException, words: str) -> None:
    assert fault_words(error) == words


def test_words_for_what_is_not_known_are_the_callers() -> None:
    assert fault_words(ValueError("x"), "无应答") == "无应答"
