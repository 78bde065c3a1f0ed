"""The platform under test: real processes on services of its own, killed, restarted and kept running."""

import base64
import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO, Any, Self

import urllib3
from tongsuopy.crypto.asymciphers.ec import SM2, generate_private_key

from deploy import services
from deploy.demo.certificates import keep_certificates
from deploy.demo.files import HOST
from deploy.processes import (
    Program,
    StartError,
    children,
    kill_tree,
    signal_quietly,
    spawn,
    wait_for_end,
)
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CLIENT_SECONDS = 2
_WORKER = ("worker", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
_REPORTERS = ("reports1", "reports2")


class World:
    """As a context manager: started when it is entered, gone with all its processes afterwards."""

    def __init__(self, folder: Path, *, most_analyses: int = 100_000) -> None:
        self.folder = folder
        self.events: Counter[str] = Counter()
        self.partner: dict[str, str] = {}
        self._ports = {name: free_port() for name in ("web", "ministry", "control")}
        self._most_analyses = most_analyses
        self._services = services.Services(folder / "services")
        self._programs: dict[str, Program] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []

    @property
    def web_port(self) -> int:
        return self._ports["web"]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            signal_quietly(process.pid, signal.SIGTERM)
        if not wait_for_end(self._processes.values(), seconds=5):
            for process in self._processes.values():
                kill_tree(process.pid)
            wait_for_end(self._processes.values(), seconds=5)
        for log in self._logs:
            log.close()
        self._services.stop()

    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self._services.database_url,
            "REDIS_URL": self._services.redis_url,
            "DATA_DIR": str(self.folder / "data"),
            "DJANGO_SETTINGS_MODULE": "province.settings",
            "STATIC_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
            "IS_DEMO": "1",
            "LOG_LEVEL": "WARNING",
            "MINISTRY_READ_SECONDS": str(CLIENT_SECONDS),
            "STATUS_BLIP_SECONDS": "1",
            # No streams here: what a gateway says of them has to last.
            "STREAM_GRACE_SECONDS": "86400",
        }

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={**os.environ, **self.environment()},
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout.decode()

    def migrate(self) -> None:
        self._services = services.ensure(self.folder / "services")
        (self.folder / "data" / "static").mkdir(parents=True, exist_ok=True)
        self.manage("migrate", "--verbosity", "0")

    def _start(self) -> None:
        self.migrate()
        told = self.manage("create_partner", "--kind", "gateway", "--code", "PROOF", "--user", "proof")
        self.partner = json.loads(told)
        self._connect_ministry()
        self._keep_running("web", *self._web(), answers_at=self.web_port)
        for name in _REPORTERS:
            self._keep_running(
                name, *self._celery(*_WORKER, "-Q", "reports", "-c", "2", "-n", f"{name}@proof")
            )
        self._keep_running(
            "default", *self._celery(*_WORKER, "-Q", "default", "-c", "1", "-n", "default@proof")
        )
        self._keep_running("beat", *self._celery("beat", "--pidfile=", "--loglevel", "WARNING"))
        for port in (self._ports["control"], self.web_port):
            self._wait_for(port)

    def _connect_ministry(self) -> None:
        right, wrong = (keep_certificates(self.folder / name) for name in ("trusted", "untrusted"))
        key = generate_private_key(SM2())
        point = key.public_key().public_numbers()
        account = {
            "user": "province",
            "device-code": base64.b64encode(b"PROVINCE-32").decode(),
            "token": secrets.token_hex(16),
        }
        given = [f"--{name}={value}" for name, value in account.items()]
        self._keep_running(
            "ministry",
            *(sys.executable, "-m", "tests.mock_ministry", *given),
            *("--port", str(self._ports["ministry"]), "--control-port", str(self._ports["control"])),
            *("--public-key", f"{point.x:064x}{point.y:064x}", "--data", str(self.folder / "ministry.db")),
            *("--cert", str(right.certificate), "--key", str(right.key)),
            *("--wrong-cert", str(wrong.certificate), "--wrong-key", str(wrong.key)),
            *("--most-analyses", str(self._most_analyses)),
        )
        self.manage(
            *(
                "add_upstream",
                "--name",
                "部级平台",
                "--base-url",
                f"https://{HOST}:{self._ports['ministry']}",
            ),
            *given,
            *("--private-key", f"{key.private_numbers().private_value:064x}", "--ca", str(right.ca)),
        )

    def _web(self) -> tuple[str, ...]:
        return (
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST),
            *("--port", str(self.web_port), "--workers", "1", "--blocking-threads", "8"),
            *("--respawn-failed-workers", "--workers-kill-timeout", "2", "--log-level", "error"),
            "province.wsgi:application",
        )

    def _celery(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "celery", "-A", "province", *arguments)

    def _keep_running(self, name: str, *argv: str, answers_at: int = 0) -> None:
        self._programs[name] = Program(name=name, argv=argv, env=self.environment())
        self._spawn(name)

    def _spawn(self, name: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        self._processes[name] = spawn(self._programs[name], cwd=ROOT, output=log)

    def _wait_for(self, port: int, *, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                urllib3.request("GET", f"http://{HOST}:{port}/service/", retries=False, timeout=1)
                return
            time.sleep(0.1)
        raise StartError(f"nothing answers on port {port}, see {self.folder}")

    def tend(self) -> None:
        """Start again what has ended, as the system's service manager would."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                self.events[f"{name} started again"] += 1
                self._spawn(name)

    def kill_reporter(self, chance: random.Random) -> None:
        """-9 to one of the workers that report, and to all of its processes."""
        name = chance.choice(_REPORTERS)
        self.events["worker killed"] += 1
        kill_tree(self._processes[name].pid)
        self._processes[name].wait(5)

    def kill_reporters_child(self, chance: random.Random) -> None:
        """-9 to one process of such a worker, in the middle of what it does."""
        below = children(self._processes[chance.choice(_REPORTERS)].pid)
        if below:
            self.events["worker's child killed"] += 1
            signal_quietly(chance.choice(below), signal.SIGKILL)

    def restart_database(self, chance: random.Random) -> None:
        how = chance.choice((signal.SIGINT, signal.SIGQUIT))
        self.events[f"PostgreSQL restarted ({'fast' if how == signal.SIGINT else 'immediate'})"] += 1
        self._restart(services.postgres(self._services.data_dir), how)

    def restart_broker(self, chance: random.Random) -> None:
        """It keeps nothing on disk: queues, schedule and cache are gone."""
        how = chance.choice((signal.SIGTERM, signal.SIGKILL))
        self.events["Redis restarted"] += 1
        self._restart(services.valkey(self._services.data_dir), how)

    def _restart(self, program: Program, how: signal.Signals) -> None:
        process = self._services.started[program.name]
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        self._services.start(program)

    def ask_ministry(self, what: str) -> Any:
        return urllib3.request("GET", f"http://{HOST}:{self._ports['control']}/{what}").json()

    def order_ministry(self, what: str, **body: object) -> None:
        answer = urllib3.request("POST", f"http://{HOST}:{self._ports['control']}/{what}", json=body)
        assert answer.status == 200, answer.data.decode()
