"""One RTSP DESCRIBE: whether a camera answers, lets us in and has video, for a thousandth of an ffmpeg."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from gateway.digest import Login, authorization
from gateway.troubles import Defect, Trouble

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class _Reply:
    status: int
    challenges: list[str] = field(default_factory=list)
    body: str = ""


def place_of(url: str) -> str:
    """Host and port, without credentials."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


async def describe(url: str, seconds: float) -> Defect | None:
    """None when the camera says that it has video."""
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    place = f"摄像机 {place_of(url)}"
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError, UnicodeError):
        return Defect(Trouble.UNREACHABLE, f"{place} 无法连接")
    try:
        if parts.scheme == "rtsps":
            # Cameras sign their own certificates: what is behind them only ffmpeg finds out.
            return None
        async with asyncio.timeout(seconds):
            return await _ask(url, place, reader, writer)
    except TimeoutError:
        return Defect(Trouble.FROZEN, f"{place} 不应答")
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
        return Defect(Trouble.NO_VIDEO, f"{place} 没有给出 RTSP 应答")
    finally:
        writer.close()


async def _ask(
    url: str, place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Defect | None:
    parts = urlsplit(url)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    reply = await _exchange(plain, 1, None, reader, writer)
    if reply.status == 401 and parts.username is not None:
        login = Login(unquote(parts.username), unquote(parts.password or ""))
        header = authorization(reply.challenges, login, "DESCRIBE", plain)
        if header is not None:
            reply = await _exchange(plain, 2, header, reader, writer)
    if reply.status in (401, 403):
        return Defect(Trouble.WRONG_PASSWORD, f"{place} 用户名或密码错误")
    if reply.status == 404:
        return Defect(Trouble.NO_VIDEO, f"{place} 没有这路视频")
    if reply.status != 200:
        return Defect(Trouble.NO_VIDEO, f"{place} 拒绝提供视频（RTSP {reply.status}）")
    if "m=video" not in reply.body:
        return Defect(Trouble.NO_VIDEO, f"{place} 的这路码流没有视频")
    return None


async def _exchange(
    url: str, number: int, header: str | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> _Reply:
    extra = f"Authorization: {header}\r\n" if header else ""
    writer.write(
        f"DESCRIBE {url} RTSP/1.0\r\nCSeq: {number}\r\nAccept: application/sdp\r\n{extra}\r\n".encode()
    )
    await writer.drain()
    lines = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if not version.startswith("RTSP/"):
        raise ValueError("no RTSP")
    headers = [
        (name.strip().lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
    ]
    length = int(next((value for name, value in headers if name == "content-length"), "0"))
    if length > _MOST_BYTES:
        raise ValueError("too long")
    body = await reader.readexactly(length) if length else b""
    challenges = [value for name, value in headers if name == "www-authenticate"]
    return _Reply(int(rest[:3]), challenges, body.decode(errors="replace"))
