"""The ffmpeg command lines of the gateway: argument lists, never a shell."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import imageio_ffmpeg

from protocol.commands import VideoFormat

OUTPUT_TIMEOUT_SECONDS = 5


class FfmpegMissingError(Exception):
    """No ffmpeg to be found; the text (Chinese) says where was looked."""


def find_ffmpeg(configured: str | None) -> str:
    """The ffmpeg of the configuration, else of PATH, else of the imageio-ffmpeg wheel."""
    if configured is not None:
        found = shutil.which(configured)
        if found is None:
            raise FfmpegMissingError(f"配置的 ffmpeg 不存在或不可执行：{configured}")
        return found
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FfmpegMissingError("找不到 ffmpeg：PATH 与 imageio-ffmpeg 中都没有") from error


def transcode_arguments(video: VideoFormat, *, preset: str = "ultrafast", scale: bool = True) -> list[str]:
    """H.264 as the command asks: size, kbit/s, frames a second, frames between key frames."""
    rate = f"{video.bitrate}k"
    size = ["-vf", f"scale={video.width}:{video.height}:flags=bilinear"] if scale else []
    return [
        *size,
        *("-c:v", "libx264", "-preset", preset, "-tune", "zerolatency", "-profile:v", "main"),
        *("-pix_fmt", "yuv420p", "-bf", "0", "-r", str(video.framerate), "-threads", "1"),
        *("-b:v", rate, "-maxrate", f"{video.bitrate * 3 // 2}k", "-bufsize", f"{video.bitrate * 2}k"),
        *("-g", str(video.iframe), "-keyint_min", str(video.iframe), "-sc_threshold", "0"),
    ]


COPY_ARGUMENTS = ("-c:v", "copy")


def push_arguments(
    ffmpeg: str,
    input_arguments: Sequence[str],
    codec_arguments: Sequence[str],
    *,
    url: str,
    address: str,
    ca_file: Path | None = None,
) -> list[str]:
    """The whole line. `address` is the checked IP address that the host of `url` stands for; rtmps needs `ca_file`.

    ffmpeg connects to the address, so a name that changes between check and connect leads nowhere
    else; the server still hears the name (tcUrl), for virtual hosts.
    """
    return [
        *(ffmpeg, "-hide_banner", "-loglevel", "level+warning", "-nostats"),
        # ffmpeg looks for a signal once in a stats period: this is also how long it takes to end.
        *("-progress", "pipe:1", "-stats_period", "0.3"),
        *input_arguments,
        *("-map", "0:v:0", "-an", "-sn", "-dn"),
        *codec_arguments,
        *("-f", "flv", "-flvflags", "no_duration_filesize"),
        *("-rw_timeout", str(OUTPUT_TIMEOUT_SECONDS * 1_000_000), "-tcp_nodelay", "1"),
        *(_verified(url, address, ca_file) if ca_file else ()),
        *_pinned(url, address),
    ]


def _verified(url: str, address: str, ca_file: Path) -> list[str]:
    host = urlsplit(url).hostname or ""
    # The certificate has the name, also where ffmpeg is led to the address.
    name = [] if host == address else ["-verifyhost", host]
    return ["-tls_verify", "1", "-ca_file", str(ca_file), *name]


def _pinned(url: str, address: str) -> list[str]:
    parts = urlsplit(url)
    if parts.hostname == address:
        return [url]
    host = f"[{address}]" if ":" in address else address
    app = parts.path.strip("/").split("/")[0]
    pinned = parts._replace(netloc=f"{host}:{parts.port}").geturl()
    return ["-rtmp_tcurl", f"{parts.scheme}://{parts.netloc}/{app}", pinned]
