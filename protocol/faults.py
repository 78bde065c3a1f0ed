"""Why something outside could not be reached or written, in words for an operator."""

import errno
import http.client
import socket
from collections.abc import Iterator
from typing import Final

import urllib3

from protocol.tls import tls_fault

_BY_NUMBER: Final = {
    errno.ECONNREFUSED: "连接被拒绝，对方的服务可能没有运行",
    errno.ECONNRESET: "连接被对方中断",
    errno.EPIPE: "连接被对方中断",
    errno.ECONNABORTED: "连接中断",
    errno.ETIMEDOUT: "连接超时",
    errno.EHOSTUNREACH: "网络不可达",
    errno.ENETUNREACH: "网络不可达",
    errno.EADDRNOTAVAIL: "本机没有可用的地址或端口",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘已满",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "文件系统只读",
    errno.ENOENT: "文件或目录不存在",
    errno.EIO: "读写设备出错",
    errno.EMFILE: "打开的文件过多",
    errno.ENFILE: "打开的文件过多",
}
# Where the system gave no number. The first that fits counts: what lies below the errors of urllib3 is less exact.
_BY_KIND: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (urllib3.exceptions.NameResolutionError, "域名无法解析"),
    (socket.gaierror, "域名无法解析"),
    # Two that took no time at all are children of the third.
    (urllib3.exceptions.NewConnectionError, "网络不可达"),
    (urllib3.exceptions.ConnectTimeoutError, "连接超时"),
    (urllib3.exceptions.ReadTimeoutError, "应答超时"),
    (urllib3.exceptions.IncompleteRead, "应答没有传完，连接即中断"),
    (http.client.IncompleteRead, "应答没有传完，连接即中断"),
    (http.client.RemoteDisconnected, "对方没有应答即断开了连接"),
    (ConnectionResetError, "连接被对方中断"),
    (ConnectionRefusedError, _BY_NUMBER[errno.ECONNREFUSED]),
    (TimeoutError, "超时"),
    (http.client.HTTPException, "应答不是 HTTP"),
    (urllib3.exceptions.ProxyError, "代理无法使用"),
    (urllib3.exceptions.LocationValueError, "地址无效"),
)
_OTHERWISE: Final = "连接失败"


def fault_words(error: BaseException, otherwise: str = _OTHERWISE) -> str:
    """What TLS found, else what the system or the connection said; never the URL, which may carry a token."""
    if fault := tls_fault(error):
        return fault
    chain = list(chain_of(error))
    for cause in chain:
        if isinstance(cause, OSError) and cause.errno in _BY_NUMBER:
            return _BY_NUMBER[cause.errno]
    fitting = (words for kind, words in _BY_KIND if any(isinstance(cause, kind) for cause in chain))
    return next(fitting, otherwise)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error, and what lies below it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
