"""The gateway's configuration file: what it may say, and its mistakes in words."""

import base64
import binascii
import ipaddress
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.camera_config import CameraConfig, CameraEntry, read_cameras
from gateway.control import Mode
from gateway.mistakes import place_and_reason, position
from gateway.targets import Network, TlsPorts
from protocol.cameras import MOST_ITEM_BYTES
from protocol.forwarding import networks_of
from protocol.sm2 import is_private_key

_LOCAL_TOKEN = re.compile(r"[\x21-\x7e]{16,256}")


class ConfigError(Exception):
    """The file cannot be used; the text (Chinese, a line per fault) says where and why."""


class Listen(msgspec.Struct, forbid_unknown_fields=True):
    host: str
    port: int
    # PEM; with them the gateway serves HTTPS itself.
    cert_file: str | None = None
    key_file: str | None = None
    trusted_proxies: list[str] = []


class Platform(msgspec.Struct, forbid_unknown_fields=True):
    base_url: str
    user: str
    device_code: str  # BASE64, as it is sent
    private_key: str
    token: str
    ca_file: str | None = None


class PushTls(msgspec.Struct, forbid_unknown_fields=True):
    """Media servers that are pushed to by RTMPS."""

    ports: list[int]
    # PEM; ffmpeg brings no certificates of its own.
    ca_file: str


class Intake(msgspec.Struct, forbid_unknown_fields=True):
    """For analysis boxes at the roadside."""

    token: str


class Section(msgspec.Struct, forbid_unknown_fields=True):
    """The road section's own people and programs."""

    token: str


class Ptz(msgspec.Struct, forbid_unknown_fields=True):
    # How long the section keeps a camera after its last order, where it goes before the ministry.
    lease_seconds: int = 30
    log_folder: str = "ptz-log"


class Analysis(msgspec.Struct, forbid_unknown_fields=True):
    period_seconds: int = 60  # a result of each simulated camera; 0: none
    # What waits for the platform, in memory; beyond it the oldest are dropped.
    most_waiting: int = 20_000
    most_waiting_bytes: int = 32 * 1024 * 1024


class PlatformCameras(msgspec.Struct, forbid_unknown_fields=True):
    """Cameras that the platform configures, beside those of the file."""

    allowed_networks: list[str]  # where they may stand
    period_seconds: int = 300
    keep_file: str = "platform-cameras.json"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    listen: Listen
    platform: Platform
    state_file: str
    allowed_push_targets: list[str]
    cameras: list[CameraEntry]
    allowed_push_ports: tuple[int, int] = (1, 65535)
    push_tls: PushTls | None = None
    ffmpeg: str | None = None
    # For transcoding; None: the cores this process may use.
    transcode_cores: float | None = None
    font: str | None = None
    mode: Mode = Mode.PROVINCE
    section: Section | None = None
    ptz: Ptz = msgspec.field(default_factory=Ptz)
    intake: Intake | None = None
    platform_cameras: PlatformCameras | None = None
    analysis: Analysis = msgspec.field(default_factory=Analysis)


@dataclass(frozen=True)
class AssignmentConfig:
    networks: tuple[Network, ...]
    period_seconds: int
    keep_file: Path


@dataclass(frozen=True)
class GatewayConfig:
    """A file that passed every check; paths are absolute."""

    folder: Path
    listen: Listen
    tls: tuple[Path, Path] | None
    proxies: tuple[Network, ...]
    platform: Platform
    ca_file: Path | None
    state_file: Path
    networks: tuple[Network, ...]
    ports: tuple[int, int]
    push_tls: TlsPorts | None
    ffmpeg: str | None
    transcode_cores: float
    font: Path | None
    mode: Mode
    section_token: str | None
    ptz_lease_seconds: int
    ptz_log: Path
    intake_token: str | None
    analysis: Analysis
    assignment: AssignmentConfig | None
    cameras: tuple[CameraConfig, ...]


def load_config(path: Path) -> GatewayConfig:
    """Raises ConfigError with every fault that can be found at once."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"配置文件 {path} 无法读取：{error.strerror}") from error
    try:
        given = msgspec.json.decode(raw, type=_File)
    except msgspec.ValidationError as error:
        place, reason = place_and_reason(str(error))
        raise ConfigError(f"配置文件 {path}：{place or '最外层'}：{reason}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"配置文件 {path} 不是合法的 JSON：{position(raw, str(error))}") from error
    folder = path.resolve().parent
    cameras, camera_faults = read_cameras(given.cameras)
    faults = [*_faults(given), *_push_tls_faults(folder, given.push_tls), *camera_faults]
    if faults:
        raise ConfigError("\n".join(f"配置文件 {path}：{fault}" for fault in faults))
    return GatewayConfig(
        folder=folder,
        listen=given.listen,
        tls=_tls(folder, given.listen),
        proxies=networks_of(given.listen.trusted_proxies),
        platform=given.platform,
        ca_file=folder / given.platform.ca_file if given.platform.ca_file else None,
        state_file=folder / given.state_file,
        networks=tuple(ipaddress.ip_network(text) for text in given.allowed_push_targets),
        ports=given.allowed_push_ports,
        push_tls=_push_tls(folder, given.push_tls),
        ffmpeg=given.ffmpeg,
        transcode_cores=_cores() if given.transcode_cores is None else given.transcode_cores,
        font=folder / given.font if given.font else None,
        mode=given.mode,
        section_token=given.section.token if given.section else None,
        ptz_lease_seconds=given.ptz.lease_seconds,
        ptz_log=folder / given.ptz.log_folder,
        intake_token=given.intake.token if given.intake else None,
        analysis=given.analysis,
        assignment=_assignment(folder, given.platform_cameras),
        cameras=cameras,
    )


def _push_tls(folder: Path, given: PushTls | None) -> TlsPorts | None:
    return TlsPorts(frozenset(given.ports), folder / given.ca_file) if given else None


def _cores() -> float:
    return float(len(os.sched_getaffinity(0)))


def _tls(folder: Path, listen: Listen) -> tuple[Path, Path] | None:
    if not listen.cert_file or not listen.key_file:
        return None
    return folder / listen.cert_file, folder / listen.key_file


def _assignment(folder: Path, given: PlatformCameras | None) -> AssignmentConfig | None:
    if given is None:
        return None
    return AssignmentConfig(
        tuple(ipaddress.ip_network(text) for text in given.allowed_networks),
        given.period_seconds,
        folder / given.keep_file,
    )


def _faults(given: _File) -> Iterator[str]:
    yield from _listen_faults(given.listen)
    yield from _platform_faults(given.platform)
    if not given.state_file:
        yield "state_file：不能为空"
    yield from _network_faults("allowed_push_targets", given.allowed_push_targets)
    first, last = given.allowed_push_ports
    if not 1 <= first <= last <= 65535:
        yield f"allowed_push_ports：[{first}, {last}] 不是 1-65535 之内的端口范围"
    if given.transcode_cores is not None and not 0 <= given.transcode_cores <= 1024:
        yield f"transcode_cores：{given.transcode_cores:g} 不在 0-1024 之内"
    yield from _analysis_faults(given.analysis)
    if not 1 <= given.ptz.lease_seconds <= 3600:
        yield f"ptz.lease_seconds：{given.ptz.lease_seconds} 不在 1-3600 之内"
    yield from _token_faults(given)
    if given.platform_cameras is not None:
        yield from _assignment_faults(given.platform_cameras, given.mode)
    if given.mode is Mode.MINISTRY:
        for index, camera in enumerate(given.cameras):
            # Appendix 1, 1.1: given by the platform, used when connected to the ministry directly.
            if not camera.gatewayNum:
                yield f"cameras[{index}].gatewayNum：直连部级平台时必填"


def _assignment_faults(given: PlatformCameras, mode: Mode) -> Iterator[str]:
    if mode is Mode.MINISTRY:
        yield "platform_cameras：直连部级平台时没有"
    if not given.allowed_networks:
        yield "platform_cameras.allowed_networks：不能为空"
    yield from _network_faults("platform_cameras.allowed_networks", given.allowed_networks)
    if not 10 <= given.period_seconds <= 86_400:
        yield f"platform_cameras.period_seconds：{given.period_seconds} 不在 10-86400 之内"
    if not given.keep_file:
        yield "platform_cameras.keep_file：不能为空"


def _token_faults(given: _File) -> Iterator[str]:
    """Each shown without its value: it is a credential."""
    taken = {given.platform.token: "platform.token"}
    for name, holder in (("intake.token", given.intake), ("section.token", given.section)):
        if holder is None:
            continue
        if not _LOCAL_TOKEN.fullmatch(holder.token):
            yield f"{name}：应为 16 至 256 个可见的 ASCII 字符"
        other = taken.setdefault(holder.token, name)
        if other != name:
            yield f"{name}：不能与 {other} 相同"


def _analysis_faults(analysis: Analysis) -> Iterator[str]:
    if analysis.period_seconds and not 10 <= analysis.period_seconds <= 3600:
        yield f"analysis.period_seconds：{analysis.period_seconds} 应为 0（不分析）或 10-3600"
    if not 1 <= analysis.most_waiting <= 1_000_000:
        yield f"analysis.most_waiting：{analysis.most_waiting} 不在 1-1000000 之内"
    if not MOST_ITEM_BYTES <= analysis.most_waiting_bytes <= 1 << 30:
        yield f"analysis.most_waiting_bytes：{analysis.most_waiting_bytes} 不在 {MOST_ITEM_BYTES}-{1 << 30} 之内"


def _listen_faults(listen: Listen) -> Iterator[str]:
    if not 0 <= listen.port <= 65535:
        yield f"listen.port：{listen.port} 不在 0-65535 之内"
    if bool(listen.cert_file) != bool(listen.key_file):
        yield "listen.cert_file、listen.key_file：应同时给出"
    yield from _network_faults("listen.trusted_proxies", listen.trusted_proxies)


def _network_faults(name: str, texts: list[str]) -> Iterator[str]:
    for index, text in enumerate(texts):
        try:
            ipaddress.ip_network(text)
        except ValueError:
            yield f"{name}[{index}]：“{text}” 不是网段（例如 10.0.0.0/8）"


def _push_tls_faults(folder: Path, given: PushTls | None) -> Iterator[str]:
    if given is None:
        return
    for port in given.ports:
        if not 1 <= port <= 65535:
            yield f"push_tls.ports：{port} 不是端口"
    try:
        ssl.create_default_context(cafile=folder / given.ca_file)
    except (OSError, ssl.SSLError):
        yield f"push_tls.ca_file：{given.ca_file} 不是可读的 PEM 证书文件"


def _platform_faults(platform: Platform) -> Iterator[str]:
    url = urlsplit(platform.base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        yield f"platform.base_url：“{platform.base_url}” 不是 http 或 https 地址"
    for name in ("user", "device_code", "token"):
        if not getattr(platform, name).strip():
            yield f"platform.{name}：不能为空"
    try:
        base64.b64decode(platform.device_code, validate=True)
    except (binascii.Error, ValueError):
        yield "platform.device_code：不是 BASE64"
    # The key itself stays out of the message.
    if not is_private_key(platform.private_key):
        yield "platform.private_key：不是 SM2 私钥（64 位十六进制数）"
