"""TLS as all our clients and servers speak it: 1.2 or later, and nobody is believed unverified."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

# Numbers of OpenSSL's x509_vfy.h.
_CERTIFICATE_FAULTS: Final = {
    9: "对方证书尚未生效",
    10: "对方证书已过期",
    23: "对方证书已被吊销",
    62: "对方证书与所访问的主机名不符",
    64: "对方证书与所访问的 IP 地址不符",
}
_UNKNOWN_ISSUER: Final = (2, 7, 18, 19, 20, 21)


class TlsFileError(OSError):
    """A certificate, key or CA file that cannot be used; the text (Chinese) says which and why."""


def client_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Verifies chain and host name against that file alone, without one against the system's CAs.

    Kept and shared until the file changes. Raises TlsFileError.
    """
    name = str(ca_file) if ca_file else None
    return _client_context(name, changed_at(name))


@lru_cache(maxsize=64)
def _client_context(ca_file: str | None, changed: int) -> ssl.SSLContext:
    # Reading the system's certificates takes a third of a second.
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise TlsFileError(f"CA 证书文件无法使用：{ca_file}（{_short(error)}）") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def changed_at(*files: str | Path | None) -> int:
    """Differs after one of the files was replaced (nanoseconds); what is missing counts as nothing."""
    newest = 0
    for file in files:
        try:
            newest = max(newest, Path(file).stat().st_mtime_ns if file else 0)
        except OSError:
            continue
    return newest


class ServerTls:
    """What a server of ours shows: a certificate chain and its key, both PEM. Raises TlsFileError."""

    def __init__(self, cert_file: str | Path, key_file: str | Path) -> None:
        self._files = cert_file, key_file
        self._changed = changed_at(*self._files)
        self.context = server_context(cert_file, key_file)

    def refresh(self) -> bool:
        """Take up a renewed pair for connections made from now on; whether there was one.

        Raises TlsFileError for a pair that cannot be used; the old one stays in service.
        """
        changed = changed_at(*self._files)
        if changed == self._changed:
            return False
        # Tried apart first: a key that does not belong to it would leave a context that serves nobody.
        server_context(*self._files)
        self.context.load_cert_chain(*self._files)
        self._changed = changed
        return True


def server_context(cert_file: str | Path, key_file: str | Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        # Without a password OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ValueError) as error:
        raise TlsFileError(f"证书或私钥无法使用：{cert_file}，{key_file}（{_short(error)}）") from error
    return context


def certificate_end(connection: object) -> datetime | None:
    """When the certificate ends that the other side of this socket was believed by; None without TLS."""
    shown = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    until = (shown or {}).get("notAfter")
    if not isinstance(until, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)


def tls_fault(error: BaseException) -> str | None:
    """What TLS found wrong with the other side, in Chinese; None when it failed for another reason."""
    for cause in _chain(error):
        if isinstance(cause, TlsFileError):
            return str(cause)
        # aiohttp's error of that kind is only a wrapper, the facts are in its cause.
        if isinstance(cause, ssl.SSLCertVerificationError) and hasattr(cause, "verify_code"):
            if cause.verify_code in _UNKNOWN_ISSUER:
                return "对方证书不是由受信任的 CA 签发，请检查所配置的 CA 证书文件"
            return _CERTIFICATE_FAULTS.get(cause.verify_code, f"对方证书未通过校验：{cause.verify_message}")
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None):
            return f"TLS 握手失败：{_short(cause)}"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _short(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "格式不符"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
