"""A play domain on loopback: it checks addresses by the vendors' rules, written here once more, and has a video."""

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

from tests.protocol.peer import Reply, Request

VIDEO = b"FLV\x01\x01\0\0\0\x09" + bytes(2000)
# What came by the request: path, query, key; the time that stands in it, or None when it is forged.
Read = Callable[[str, dict[str, str], str], int | None]


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def aliyun_a(path: str, query: dict[str, str], key: str) -> int | None:
    at, rand, uid, digest = query["auth_key"].split("-")
    return int(at) if digest == md5(f"{path}-{at}-{rand}-{uid}-{key}") else None


def aliyun_b(path: str, query: dict[str, str], key: str) -> int | None:
    _, at, digest, rest = path.split("/", 3)
    beijing = timezone(timedelta(hours=8))
    begun = int(datetime.strptime(at, "%Y%m%d%H%M").replace(tzinfo=beijing).timestamp())
    return begun if digest == md5(f"{key}{at}/{rest}") else None


def aliyun_c(path: str, query: dict[str, str], key: str) -> int | None:
    _, digest, at, rest = path.split("/", 3)
    return int(at, 16) if digest == md5(f"{key}/{rest}{at}") else None


def tencent(path: str, query: dict[str, str], key: str) -> int | None:
    name = path.rsplit("/", 1)[1].split(".")[0]
    return int(query["txTime"], 16) if query["txSecret"] == md5(key + name + query["txTime"]) else None


def huawei_d(path: str, query: dict[str, str], key: str) -> int | None:
    name = path.rsplit("/", 1)[1].split(".")[0]
    digest = hmac.new(key.encode(), (name + query["hwTime"]).encode(), "sha256").hexdigest()
    return int(query["hwTime"], 16) if query["hwSecret"] == digest else None


READERS: dict[str, Read] = {
    "aliyun_a": aliyun_a,
    "aliyun_b": aliyun_b,
    "aliyun_c": aliyun_c,
    "tencent": tencent,
    "huawei_b": tencent,
    "huawei_d": huawei_d,
}


SEGMENT = (b"\x47" + bytes(187)) * 2


class HlsOrigin:
    """Takes any entry, and keeps a viewer to the session it leads to; `misses` the entries that find no segment yet."""

    def __init__(self) -> None:
        self.misses = 0
        self.segment = Reply(SEGMENT)

    def respond(self, request: Request) -> Reply | None:
        """None for what is no HLS."""
        if request.path.endswith("/index.m3u8"):
            if self.misses:
                self.misses -= 1
                return Reply(b"", 404)
            return Reply(b"#EXTM3U\n#EXTINF:2.0,\n1.ts\n#EXTINF:2.0,\n2.ts\n")
        if request.path.endswith(".m3u8"):
            return Reply(b"", 302, {"Location": "/s/1/2/live/x/index.m3u8"})
        return self.segment if request.path == "/s/1/2/live/x/2.ts" else None


class Edge:
    """`keys` are the ones it takes, `validity` what it adds to the time of an address."""

    def __init__(self, kind: str, *keys: str, validity: int = 0) -> None:
        self.read = READERS[kind]
        self.keys = keys
        self.validity = validity
        self.refusal = Reply(b"", 403)
        self.hls = HlsOrigin()

    def respond(self, request: Request) -> Reply:
        if file := self.hls.respond(request):
            return file
        return Reply(VIDEO) if self.takes(request.path, request.query) else self.refusal

    def takes_url(self, url: str) -> bool:
        parts = urlsplit(url)
        return self.takes(parts.path, dict(parse_qsl(parts.query)))

    def takes(self, path: str, query: dict[str, str]) -> bool:
        for key in self.keys:
            try:
                at = self.read(path, query, key)
            except (KeyError, ValueError):
                return False
            if at is not None:
                return time.time() <= at + self.validity
        return False
