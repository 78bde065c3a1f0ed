"""The processes of the demo: how each is started and seen to answer."""

import http.client
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy import services
from deploy.demo.files import HOST, Addresses
from deploy.processes import Program
from deploy.web import granian_arguments

_CELERY = (sys.executable, "-m", "celery", "-A", "province")
_WORKER = ("worker", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")


class Programs:
    def __init__(
        self, data_dir: Path, addresses: Addresses, env: Mapping[str, str], kept: Mapping[str, Any]
    ) -> None:
        self._data_dir = data_dir
        self._addresses = addresses
        self._ports = addresses.ports
        # What writes the time without its zone writes that of the province.
        self._env = {**env, "TZ": "Asia/Shanghai"}
        self._kept = kept

    def postgres(self) -> Program:
        return services.postgres(self._data_dir)

    def valkey(self) -> Program:
        return services.valkey(self._data_dir)

    def static_files(self) -> Program:
        return self._python("static", "manage.py", "collectstatic", "--no-input", "--clear", "-v", "0")

    def conductor(self) -> Program:
        """Fills the database, then waits until the whole chain has run once (deploy.demo.conductor)."""
        program = self._python("conductor", "-m", "deploy.demo.conductor", str(self._data_dir))
        return replace(program, start_seconds=280)

    def web(self) -> Program:
        arguments = granian_arguments(
            host=HOST,
            port=self._ports["web"],
            workers=1,
            log_level="error",
            cert_file=self._addresses.cert_file,
            key_file=self._addresses.key_file,
        )
        return self._python("web", "-m", "granian", *arguments, answers=self._answers("web", "/service/"))

    def media(self) -> Program:
        return self._python("media", "manage.py", "media_server", answers=self._answers("media_http", "/"))

    def gateway(self) -> Program:
        file = str(self._data_dir / "gateway.json")
        return self._python("gateway", "-m", "gateway", file, answers=self._answers("gateway", "/healthz"))

    def ministry(self) -> Program:
        account = self._kept["mock_ministry"]
        return self._python(
            "ministry",
            *("-m", "tests.mock_ministry", "--port", str(self._ports["ministry"])),
            *("--user", account["user"], "--device-code", account["device_code"]),
            # A token may begin with a hyphen.
            *(f"--token={account['token']}", "--public-key", account["public_key"]),
            *("--data", str(self._data_dir / "ministry.db")),
            *self._tls("--cert", "--key"),
            answers=self._answers("ministry", "/calls"),
        )

    def workers(self) -> tuple[Program, ...]:
        return (
            self._celery("worker", *_WORKER, "-Q", "default", "-c", "2", "-n", "worker@demo"),
            # A slow upper platform holds a process for minutes; orders to gateways must not wait behind it.
            self._celery("reports", *_WORKER, "-Q", "reports", "-c", "2", "-n", "reports@demo"),
            self._celery("captures", *_WORKER, "-Q", "captures,diagnosis", "-c", "1", "-n", "captures@demo"),
            self._celery("probes", *_WORKER, "-Q", "probes", "-c", "1", "-n", "probes@demo"),
            self._celery("beat", "beat", "--pidfile=", "--loglevel", "WARNING"),
        )

    def _celery(self, name: str, *arguments: str) -> Program:
        return Program(name=name, argv=(*_CELERY, *arguments), env=self._env)

    def _python(self, name: str, *arguments: str, answers: Callable[[], bool] | None = None) -> Program:
        return Program(name=name, argv=(sys.executable, *arguments), env=self._env, answers=answers)

    def _answers(self, port_name: str, path: str) -> Callable[[], bool]:
        return lambda: http_answers(self._ports[port_name], path, self._addresses.ca_file)

    def _tls(self, cert_option: str, key_option: str) -> tuple[str, ...]:
        files = self._addresses
        return (cert_option, files.cert_file, key_option, files.key_file) if files.ca_file else ()


def http_answers(port: int, path: str, ca_file: str = "") -> bool:
    """Whether anything but a failure comes back; a refusal is an answer too."""
    connection = _connection(port, ca_file)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connection(port: int, ca_file: str) -> http.client.HTTPConnection:
    if not ca_file:
        return http.client.HTTPConnection(HOST, port, timeout=1)
    context = ssl.create_default_context(cafile=ca_file)
    return http.client.HTTPSConnection(HOST, port, timeout=1, context=context)
