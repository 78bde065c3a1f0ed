"""How each kind of play domain signs an address: one module a vendor, one line in the registry."""

from collections.abc import Mapping
from typing import Final

from protocol.url_signers.aliyun import AliyunA, AliyunB, AliyunC
from protocol.url_signers.base import UrlSigner
from protocol.url_signers.huawei import HuaweiD
from protocol.url_signers.tencent import TencentLive

SIGNERS: Final[Mapping[str, UrlSigner]] = {
    "aliyun_a": AliyunA(),
    "aliyun_b": AliyunB(),
    "aliyun_c": AliyunC(),
    "tencent": TencentLive(),
    # Huawei Cloud Live takes the same for its type B.
    "huawei_b": TencentLive(),
    "huawei_d": HuaweiD(),
}

__all__ = ["SIGNERS", "UrlSigner"]
