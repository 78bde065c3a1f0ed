"""Settings under which HTTPS would not work, or would be believed where it is not there."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from protocol.forwarding import networks_of, plain_address
from protocol.tls import TlsFileError, client_context, server_context

_DAYS_TO_RENEW = 14
# Wider than any site: it would take in the clients themselves.
_WIDEST = {4: 8, 6: 16}


@register
def check_certificates(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found = list(_pair("TLS_CERT_FILE", "TLS_KEY_FILE"))
    if settings.MEDIA_TLS_CERT_FILE != settings.TLS_CERT_FILE:
        found += _pair("MEDIA_TLS_CERT_FILE", "MEDIA_TLS_KEY_FILE")
    if settings.PLATFORM_CA_FILE:
        try:
            client_context(settings.PLATFORM_CA_FILE)
        except TlsFileError as error:
            found.append(Error(f"PLATFORM_CA_FILE：{error}", id="access.E013"))
    return found


def _pair(cert_name: str, key_name: str) -> Iterator[CheckMessage]:
    cert_file, key_file = getattr(settings, cert_name), getattr(settings, key_name)
    if not cert_file and not key_file:
        return
    if not cert_file or not key_file:
        yield Error(f"{cert_name} 与 {key_name} 应同时设置", id="access.E011")
        return
    try:
        server_context(cert_file, key_file)
    except TlsFileError as error:
        yield Error(f"{cert_name}、{key_name}：{error}", id="access.E012")
        return
    if b"-----BEGIN PRIVATE KEY-----" not in Path(key_file).read_bytes():
        yield Error(
            f"{key_name} 应为 PKCS#8 格式",
            hint="openssl pkcs8 -topk8 -nocrypt -in 原私钥 -out 新私钥",
            id="access.E014",
        )
    yield from _expiry(cert_name, Path(cert_file))


def _expiry(name: str, cert_file: Path) -> Iterator[CheckMessage]:
    # Only a start with a certificate needs it, and every process of the platform imports this module.
    from cryptography import x509

    certificate = x509.load_pem_x509_certificates(cert_file.read_bytes())[0]
    ends_at = certificate.not_valid_after_utc
    now = datetime.datetime.now(datetime.UTC)
    if ends_at <= now:
        yield Error(f"{name} 的证书已于 {ends_at:%Y-%m-%d} 过期", id="access.E015")
    elif ends_at - now < datetime.timedelta(days=_DAYS_TO_RENEW):
        yield Warning(f"{name} 的证书将于 {ends_at:%Y-%m-%d} 过期，请更换", id="access.W011")


@register
def check_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever is trusted may write any address into our logs and slip past every limit."""
    found: list[CheckMessage] = []
    for text in settings.TRUSTED_PROXIES:
        try:
            (network,) = networks_of([text])
        except ValueError:
            found.append(Error(f"TRUSTED_PROXIES：“{text}” 不是地址或网段", id="access.E016"))
            continue
        if network.prefixlen < _WIDEST[network.version]:
            found.append(
                Error(
                    f"TRUSTED_PROXIES：{text} 过宽，任何人都能冒充代理",
                    hint="只写代理自己的地址",
                    id="access.E017",
                )
            )
    return found


@register
def check_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The public address, the certificate and the proxies have to tell one story."""
    found: list[CheckMessage] = []
    is_https = settings.PUBLIC_BASE_URL.startswith("https:")
    if is_https and not settings.TLS_CERT_FILE and not settings.TRUSTED_PROXIES:
        found.append(
            Error(
                "PUBLIC_BASE_URL 是 https，但平台既没有证书，也没有可信的代理：无法登录",
                hint="设置 TLS_CERT_FILE 与 TLS_KEY_FILE，或在 TRUSTED_PROXIES 中写明代理的地址",
                id="access.E018",
            )
        )
    if not is_https and settings.TLS_CERT_FILE:
        found.append(
            Error(
                "已设置 TLS_CERT_FILE，PUBLIC_BASE_URL 却不是 https：截图地址会出错，会话 Cookie 也不加密",
                id="access.E019",
            )
        )
    if is_https and not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        found.append(Error("PUBLIC_BASE_URL 是 https，Cookie 却未限于 HTTPS", id="access.E020"))
    if not is_https and settings.SECURE_HSTS_SECONDS:
        found.append(Warning("HSTS_SECONDS 只在 HTTPS 下有效，而 PUBLIC_BASE_URL 是 http", id="access.W012"))
    if is_https and settings.SECURE_HSTS_SECONDS <= 0 and not settings.IS_DEMO:
        found.append(Warning("HSTS_SECONDS 为 0：浏览器仍可能以 http 访问", id="access.W013"))
    if not is_https and not (settings.DEBUG or settings.IS_DEMO or _is_ours_alone()):
        found.append(Warning("PUBLIC_BASE_URL 是 http：密码与令牌以明文传输", id="access.W014"))
    return found


def _is_ours_alone() -> bool:
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or ""
    address = plain_address(host)
    return host == "localhost" if address is None else address.is_loopback
