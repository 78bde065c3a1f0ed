"""Opens play addresses as third parties do, and reads no more than shows that a video comes."""

import http.client
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import urllib3
from django.conf import settings

from protocol.connections import Deadline, connection_pool
from protocol.errors import RemoteError
from protocol.faults import chain_of, fault_words
from streaming.choices import PlayResult

logger = logging.getLogger(__name__)

# What a third party wants to see of a stream.
PIECES: Final = 2
PIECE_BYTES: Final = 512
# A server may begin to cut a stream into files only now that somebody asks for them.
HLS_TRIES: Final = 5
HLS_AGAIN_SECONDS: Final = 1.0
_MOST_HOPS: Final = 4
_MOST_PLAYLIST_BYTES: Final = 65536
_PACKET_BYTES: Final = 188
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one address; `first_byte_ms` from the request to the first byte of the stream.

    `is_dropped`: closed without an answer, or a proxy says that of the server behind it. So does SRS refuse.
    """

    result: PlayResult
    first_byte_ms: int | None = None
    detail: str = ""
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """The beginning of an answer; `status` 0 where none came, then `fault` says why."""

    status: int = 0
    body: bytes = b""
    first_byte_ms: int | None = None
    location: str = ""
    fault: str = ""
    is_late: bool = False
    is_dropped: bool = False


def try_flv(url: str, *, ca_file: str = "") -> Tried:
    """Open an HTTP-FLV address and read the beginning of it; never raises what the other side is to blame for."""
    read = _read(url, ca_file, PIECES * PIECE_BYTES)
    if failed := _failed(read):
        return failed
    if not read.body.startswith(b"FLV"):
        return Tried(PlayResult.NOT_VIDEO, read.first_byte_ms, "不是 FLV 数据" if read.body else "没有数据")
    if len(read.body) < PIECES * PIECE_BYTES:
        return Tried(PlayResult.SILENT, read.first_byte_ms, f"只有 {len(read.body)} 字节")
    return Tried(PlayResult.PLAYABLE, read.first_byte_ms)


def try_hls(
    address: Callable[[], str], *, ca_file: str = "", wait: Callable[[float], None] = time.sleep
) -> Tried:
    """Follow an HLS address to its playlist and the newest segment in it; `address` signs anew for each try."""
    tried = Tried(PlayResult.ABSENT)
    for number in range(HLS_TRIES):
        if number:
            wait(HLS_AGAIN_SECONDS)
        tried = _hls_once(address(), ca_file)
        if tried.result not in (PlayResult.ABSENT, PlayResult.SILENT):
            break
    return tried


def _hls_once(url: str, ca_file: str) -> Tried:
    first_byte_ms = None
    for _ in range(_MOST_HOPS):
        read = _read(url, ca_file, _MOST_PLAYLIST_BYTES)
        if read.status in _REDIRECTS and read.location:
            url = urljoin(url, read.location)
            continue
        if failed := _failed(read):
            return failed
        first_byte_ms = first_byte_ms or read.first_byte_ms
        if not read.body.startswith(b"#EXTM3U"):
            return Tried(PlayResult.NOT_VIDEO, first_byte_ms, "不是 HLS 播放列表")
        lines = read.body.decode("utf-8", "replace").splitlines()
        files = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not files:
            return Tried(PlayResult.ABSENT, first_byte_ms, "播放列表中没有分片")
        url = urljoin(url, files[-1])
        if not urlsplit(url).path.endswith(".m3u8"):
            return _segment(url, ca_file, first_byte_ms)
    return Tried(PlayResult.UNREACHABLE, first_byte_ms, "跳转次数过多")


def _segment(url: str, ca_file: str, first_byte_ms: int | None) -> Tried:
    read = _read(url, ca_file, _PACKET_BYTES + 1)
    if failed := _failed(read):
        return failed
    # Each packet of a transport stream begins so.
    is_video = read.body[:1] == read.body[_PACKET_BYTES : _PACKET_BYTES + 1] == b"\x47"
    result = PlayResult.PLAYABLE if is_video else PlayResult.NOT_VIDEO
    return Tried(result, first_byte_ms, "" if is_video else "分片不是 TS 数据")


def _read(url: str, ca_file: str, most_bytes: int) -> _Read:
    began = time.monotonic()
    seconds = float(settings.PLAY_CHECK_SECONDS)
    timeout = urllib3.Timeout(connect=seconds, read=seconds)
    first_byte_ms: int | None = None
    with Deadline(seconds) as deadline:
        try:
            answer = connection_pool(url, ca_file or None).request(
                "GET", url, preload_content=False, redirect=False, retries=False, timeout=timeout
            )
            try:
                body = b""
                wanted_bytes = most_bytes if answer.status == 200 else 0
                while len(body) < wanted_bytes and (piece := answer.read1(PIECE_BYTES)):
                    if first_byte_ms is None:
                        first_byte_ms = round((time.monotonic() - began) * 1000)
                    body += piece
            finally:
                # A stream has no end to be read to.
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, RemoteError) as error:
            is_late = deadline.is_over or isinstance(error, urllib3.exceptions.ReadTimeoutError)
            # Without path and query: those are an address that plays.
            logger.info("a play address at %s was not read: %r", urlsplit(url).netloc, error)
            return _Read(
                first_byte_ms=first_byte_ms,
                fault=error.message if isinstance(error, RemoteError) else fault_words(error),
                is_late=is_late or first_byte_ms is not None,
                is_dropped=_was_dropped(error),
            )
    return _Read(answer.status, body, first_byte_ms, answer.headers.get("Location", ""))


def _failed(read: _Read) -> Tried | None:
    """None where the answer is one to look at."""
    if read.is_late:
        words = f"{float(settings.PLAY_CHECK_SECONDS):.0f} 秒内没有足够的数据"
        return Tried(PlayResult.SILENT, read.first_byte_ms, words)
    if not read.status:
        return Tried(PlayResult.UNREACHABLE, None, read.fault, is_dropped=read.is_dropped)
    if read.status == 200:
        return None
    known = {401: PlayResult.REFUSED, 403: PlayResult.REFUSED, 404: PlayResult.ABSENT}
    result = known.get(read.status, PlayResult.UNREACHABLE)
    return Tried(result, None, f"HTTP {read.status}", is_dropped=read.status == http.client.BAD_GATEWAY)


def _was_dropped(error: BaseException) -> bool:
    return any(isinstance(cause, ConnectionResetError) for cause in chain_of(error))
