"""Huawei Cloud live, key authentication type D; its type A is Aliyun's, its type B Tencent's.

Source: support.huaweicloud.com, 视频直播, "Key 防盗链".
"""

import hmac

from protocol.url_signers.base import UrlSigner, hex_time, require, stream_of


class HuaweiD(UrlSigner):
    """`?hwSecret=<HMAC-SHA256>&hwTime=<time in hex>` over the name of the stream; dies at time + validity."""

    def sign(
        self, path: str, key: str, *, ends_at: int, validity_seconds: int = 0, rand: str = "0", uid: str = "0"
    ) -> str:
        stamp = hex_time(ends_at - validity_seconds)
        text = f"{stream_of(path)}{stamp}".encode("utf-8", "surrogatepass")
        secret = hmac.digest(require(key).encode(), text, "sha256").hex()
        return f"{path}?hwSecret={secret}&hwTime={stamp}"
