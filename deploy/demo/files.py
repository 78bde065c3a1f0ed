"""What the demo keeps in its data folder between two starts: ports, secrets, and the environment made of them."""

import base64
import hashlib
import json
import os
import random
import secrets
import shlex
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.services import database_url, redis_url
from protocol.sm2 import generate_key_pair

HOST = "127.0.0.1"
PORT_NAMES = ("media_http", "media_rtmp", "gateway", "ministry")
_KEYS = (
    "SECRET_KEY",
    "TOKEN_SERVER_KEY",
    "STORED_SECRET_KEY",
    "HLS_SESSION_KEY",
    "MEDIA_PUBLISH_KEY",
    "MEDIA_SECRET",
    "SNAPSHOT_URL_KEY",
)


@dataclass(frozen=True)
class Addresses:
    """Where the processes of one demo answer; over TLS when there are certificates (absolute paths)."""

    ports: Mapping[str, int]
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def url(self, name: str, scheme: str = "http") -> str:
        is_tls = bool(self.ca_file) and scheme == "http"
        return f"{scheme}{'s' if is_tls else ''}://{HOST}:{self.ports[name]}"

    def keep(self, data_dir: Path, *, cameras: int) -> None:
        """For the conductor, which is a process of its own."""
        write_json(data_dir / "plan.json", {"addresses": asdict(self), "cameras": cameras})


def write_private(file: Path, text: str) -> None:
    """Whole or not at all, and for nobody else to read."""
    fresh = file.with_name(f".{file.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(text)
    fresh.replace(file)


def write_json(file: Path, value: object) -> None:
    write_private(file, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


def is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_ports(data_dir: Path, web_port: int) -> dict[str, int]:
    """The ports of the last start where they are still free, else others."""
    file = data_dir / "ports.json"
    kept = read_json(file)
    # Below the range the kernel gives to outgoing connections, and far apart for different web ports.
    candidates = random.Random(web_port)  # noqa: S311
    ports = {"web": web_port}
    spoken_for = {web_port, *kept.values()}
    for name in PORT_NAMES:
        port = kept.get(name, web_port)
        while port == web_port or not is_free(port):
            port = candidates.randrange(10_000, 32_000)
            port = web_port if port in spoken_for else port
        spoken_for.add(port)
        ports[name] = port
    write_json(file, ports)
    return ports


def keep_secrets(data_dir: Path) -> dict[str, Any]:
    """Made on the first start: keys, passwords, and our account at the mock ministry."""
    file = data_dir / "secrets.json"
    kept = read_json(file)
    if not kept:
        pair = generate_key_pair()
        kept = {
            "keys": {name: secrets.token_hex(32) for name in _KEYS},
            "play_url_keys": [secrets.token_hex(16), secrets.token_hex(16)],
            "passwords": {name: secrets.token_urlsafe(9) for name in ("admin", "operator")},
            "mock_ministry": {
                "user": "示范省",
                "device_code": base64.b64encode(b"PROVINCE-32").decode(),
                "token": secrets.token_urlsafe(24),
                "private_key": pair.private_key,
                "public_key": pair.public_key,
            },
        }
        write_json(file, kept)
    return kept


def environment(data_dir: Path, addresses: Addresses, kept: dict[str, Any]) -> dict[str, str]:
    base_url, ports = addresses.url("web"), addresses.ports
    return {
        "DJANGO_SETTINGS_MODULE": "province.settings",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url(data_dir),
        "REDIS_URL": redis_url(data_dir),
        "IS_DEMO": "true",
        "PUBLIC_BASE_URL": base_url,
        "PLATFORM_INTERNAL_URL": base_url,
        "MEDIA_BIND_HOST": HOST,
        "MEDIA_HTTP_PORT": str(ports["media_http"]),
        "MEDIA_RTMP_PORT": str(ports["media_rtmp"]),
        "SESSION_COOKIE_NAME": f"province_session_{ports['web']}",
        "CSRF_COOKIE_NAME": f"province_csrf_{ports['web']}",
        "PLAY_URL_KEYS": ",".join(kept["play_url_keys"]),
        **kept["keys"],
        **(_tls_environment(addresses) if addresses.ca_file else {}),
    }


def _tls_environment(addresses: Addresses) -> dict[str, str]:
    return {
        "TLS_CERT_FILE": addresses.cert_file,
        "TLS_KEY_FILE": addresses.key_file,
        "PLATFORM_CA_FILE": addresses.ca_file,
        # A browser would remember it for whatever else listens on localhost.
        "HSTS_SECONDS": "0",
    }


def write_environment(file: Path, values: dict[str, str]) -> None:
    write_private(file, "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))


def static_fingerprint(root: Path) -> str:
    """Changes whenever collectstatic would bring something new."""
    digest = hashlib.sha256((root / "requirements.txt").read_bytes())
    for file in sorted((root / "static").rglob("*")):
        if file.is_file():
            found = file.stat()
            digest.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
