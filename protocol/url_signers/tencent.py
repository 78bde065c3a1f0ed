"""Tencent Cloud live, play authentication; Huawei Cloud live takes the same as its type B.

Source: cloud.tencent.com, 云直播, "播放鉴权计算"; support.huaweicloud.com, 视频直播, "Key 防盗链".
"""

import hashlib

from protocol.url_signers.base import UrlSigner, hex_time, require, stream_of


class TencentLive(UrlSigner):
    """`?txSecret=<md5>&txTime=<time in hex>` over the name of the stream; dies at time + validity."""

    def sign(
        self, path: str, key: str, *, ends_at: int, validity_seconds: int = 0, rand: str = "0", uid: str = "0"
    ) -> str:
        stamp = hex_time(ends_at - validity_seconds)
        text = f"{require(key)}{stream_of(path)}{stamp}"
        secret = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        return f"{path}?txSecret={secret}&txTime={stamp}"
