"""VideoTransBegin (document 3.1): the order to a gateway to push one stream."""

import re
from dataclasses import dataclass
from typing import Any, Final

from protocol import fields
from protocol.bodies import check_size, decode_object
from protocol.errors import MalformedError

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:]{2,39}")
_PUB_NAME: Final = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}){1,4}")
_AUTH_INFO: Final = re.compile(r"[\x21-\x7e]{0,1024}")


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """Pixels, kbit/s, frames between key frames (`iframe`), frames a second."""

    width: int
    height: int
    bitrate: int
    iframe: int
    framerate: int

    def to_wire(self) -> dict[str, object]:
        # The document's table says floating point for width and height, whole numbers for the rest.
        return {
            "width": float(self.width),
            "height": float(self.height),
            "bitrate": self.bitrate,
            "iframe": self.iframe,
            "framerate": self.framerate,
        }


# A key frame every 2 s at most: a viewer and a snapshot wait for one.
LOW_FORMAT: Final = VideoFormat(width=352, height=288, bitrate=200, iframe=50, framerate=25)
HIGH_FORMAT: Final = VideoFormat(width=1280, height=720, bitrate=1500, iframe=50, framerate=25)


@dataclass(frozen=True, slots=True)
class PushCommand:
    """Where to push, under which name, with which authorisation, in which format."""

    server_ip: str
    server_port: int
    pub_name: str
    auth_info: str
    video: VideoFormat

    def to_wire(self, port_as_string: bool = False) -> dict[str, object]:
        """`{"command": {...}}` in the document's order."""
        return {
            "command": {
                "serverIp": self.server_ip,
                "serverPort": str(self.server_port) if port_as_string else self.server_port,
                "pubName": self.pub_name,
                "authInfo": self.auth_info,
                "video": self.video.to_wire(),
            }
        }

    def rtmp_url(self, *, is_tls: bool = False) -> str:
        """The address to push to; it carries the authorisation, so it does not belong in a log.

        The document names host and port only: whether the port speaks TLS is known to the gateway.
        """
        host = f"[{self.server_ip}]" if ":" in self.server_ip else self.server_ip
        query = f"?{self.auth_info}" if self.auth_info else ""
        scheme = "rtmps" if is_tls else "rtmp"
        return f"{scheme}://{host}:{self.server_port}{self.pub_name}{query}"


def parse_push_command(body: bytes) -> PushCommand:
    """The body of VideoTransBegin; numbers may be strings or have a fraction of zero.

    MalformedError names the field. Host, name and authorisation are plain enough to stand in a URL
    and in an argument list; whether the target is allowed is the gateway's decision.
    """
    command = _member(
        decode_object(check_size(body, "VideoTransBegin"), "VideoTransBegin"), "command", "command"
    )
    video = _member(command, "video", "command.video")
    return PushCommand(
        server_ip=_parse_host(command.get("serverIp")),
        server_port=_parse_int(command, "serverPort", 1, 65535),
        pub_name=_parse_pub_name(command.get("pubName")),
        auth_info=_parse_auth_info(command.get("authInfo")),
        video=VideoFormat(
            width=_parse_int(video, "width", 16, 7680, "command.video"),
            height=_parse_int(video, "height", 16, 4320, "command.video"),
            bitrate=_parse_int(video, "bitrate", 16, 100_000, "command.video"),
            iframe=_parse_int(video, "iframe", 1, 1000, "command.video"),
            framerate=_parse_int(video, "framerate", 1, 120, "command.video"),
        ),
    )


def _member(given: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    value = given.get(name)
    if not isinstance(value, dict):
        raise MalformedError(f"缺少 {place}" if value is None else f"{place} 应为 JSON 对象")
    return value


def _parse_int(given: dict[str, Any], name: str, low: int, high: int, place: str = "command") -> int:
    value = given.get(name)
    if value is None:
        raise MalformedError(f"缺少 {place}.{name}")
    if isinstance(value, str) and value.strip().endswith(".0"):
        value = value.strip()[:-2]
    return fields.parse_int(value, f"{place}.{name}", low=low, high=high)


def _parse_host(value: object) -> str:
    field = "command.serverIp"
    text = _required_text(value, field, 255)
    if not _HOST.fullmatch(text) and not (":" in text and _IPV6.fullmatch(text)):
        raise fields.fault(field, value, "不是域名或 IP 地址")
    return text


def _parse_pub_name(value: object) -> str:
    field = "command.pubName"
    text = _required_text(value, field, 255)
    if not _PUB_NAME.fullmatch(text):
        raise fields.fault(field, value, "应为 /应用名/流名称")
    return text


def _parse_auth_info(value: object) -> str:
    field = "command.authInfo"
    text = "" if value is None else fields.clean_text(value, field, longest=1024, shortest=0)
    if not _AUTH_INFO.fullmatch(text):
        # Shown without the value: it is a credential.
        raise MalformedError(f"{field} 只能含可见的 ASCII 字符")
    return text.removeprefix("?")


def _required_text(value: object, field: str, longest: int) -> str:
    if value is None:
        raise MalformedError(f"缺少 {field}")
    return fields.clean_text(value, field, longest=longest)
