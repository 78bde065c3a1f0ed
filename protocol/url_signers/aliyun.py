"""Aliyun CDN and live, URL authentication types A, B and C.

Source: help.aliyun.com, CDN, "URL 鉴权方式 A/B/C 说明"; type A is also what Huawei (A), Volcengine and Tencent CDN (as
`sign`) take, and what the document shows in its sample of 2.1.
"""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from protocol.play_urls import sign_path
from protocol.url_signers.base import UrlSigner, hex_time, require

_BEIJING: Final = timezone(timedelta(hours=8))
_MINUTE: Final = 60


class AliyunA(UrlSigner):
    """`?auth_key=<time>-<rand>-<uid>-<md5>`; dies at time + validity."""

    def sign(
        self, path: str, key: str, *, ends_at: int, validity_seconds: int = 0, rand: str = "0", uid: str = "0"
    ) -> str:
        auth_key = sign_path(path, key, timestamp=ends_at - validity_seconds, rand=rand, uid=uid)
        return f"{path}?auth_key={auth_key}"


class AliyunB(UrlSigner):
    """`/<YYYYMMDDHHMM>/<md5>/<path>`, the minute in Beijing time; dies at minute + validity.

    Too coarse for 5 seconds: an address lives up to a minute longer. For domains that can do nothing else.
    """

    slack_seconds = _MINUTE - 1

    def sign(
        self, path: str, key: str, *, ends_at: int, validity_seconds: int = 0, rand: str = "0", uid: str = "0"
    ) -> str:
        # Rounded up: rounded down, most addresses would be dead when they are issued.
        minute = -(-(ends_at - validity_seconds) // _MINUTE) * _MINUTE
        hex_time(minute)
        stamp = f"{datetime.fromtimestamp(minute, UTC).astimezone(_BEIJING):%Y%m%d%H%M}"
        return f"/{stamp}/{_md5(require(key) + stamp + path)}{path}"


class AliyunC(UrlSigner):
    """`/<md5>/<time in hex>/<path>`; dies at time + validity."""

    def sign(
        self, path: str, key: str, *, ends_at: int, validity_seconds: int = 0, rand: str = "0", uid: str = "0"
    ) -> str:
        stamp = hex_time(ends_at - validity_seconds)
        return f"/{_md5(require(key) + path + stamp)}/{stamp}{path}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
