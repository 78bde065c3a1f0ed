import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from deploy import services
from deploy.processes import StartError

ROOT = Path(__file__).resolve().parents[2]

OWNER = """
import sys, time
from pathlib import Path
from deploy.services import ensure
services = ensure(Path(sys.argv[1]), durable=False)
print(*(process.pid for process in services.started.values()), flush=True)
time.sleep(600)
"""


def test_a_folder_with_something_else_in_it_is_not_taken(tmp_path: Path) -> None:
    assert services.is_for_us(tmp_path / "new")
    assert services.is_for_us(tmp_path)
    (tmp_path / "letters").touch()
    assert not services.is_for_us(tmp_path)
    (tmp_path / "services.lock").touch()
    assert services.is_for_us(tmp_path)


def test_services_start_answer_and_stop(tmp_path: Path) -> None:
    with services.ensure(tmp_path, durable=False) as running:
        assert set(running.started) == {"postgres", "valkey"}
        with psycopg.connect(running.database_url) as connection:
            connection.execute("CREATE TABLE kept (name text)")
            connection.execute("INSERT INTO kept VALUES ('长深高速')")
        with redis.Redis.from_url(running.redis_url) as client:
            assert client.ping()
        pids = [process.pid for process in running.started.values()]
    assert not services.postgres_answers(tmp_path)
    assert not services.valkey_answers(tmp_path)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with services.ensure(tmp_path, durable=False) as again, psycopg.connect(again.database_url) as connection:
        assert connection.execute("SELECT name FROM kept").fetchone() == ("长深高速",)


def test_what_is_alive_is_used(tmp_path: Path) -> None:
    with services.ensure(tmp_path, durable=False):
        with services.ensure(tmp_path) as guest:
            assert guest.started == {}
        assert services.postgres_answers(tmp_path)


def test_services_die_with_their_owner_and_start_again(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    owner.stdout.close()
    assert len(pids) == 2
    # PostgreSQL's own kill -9: its children hold its lock for a moment, which the next start has to wait for.
    os.kill(pids[1], signal.SIGKILL)
    owner.kill()
    owner.wait()
    with services.ensure(tmp_path, durable=False) as again:
        assert set(again.started) == {"postgres", "valkey"}
        assert not any(is_running(pid) for pid in pids)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_somebody_elses_services_that_do_not_answer_are_left_alone(tmp_path: Path) -> None:
    lock = services.take_ownership(tmp_path)
    assert lock is not None
    with pytest.raises(StartError, match="services.lock"):
        services.ensure(tmp_path, seconds=0.2)
    os.close(lock)


def test_a_lock_file_naming_another_process_is_forgotten(tmp_path: Path) -> None:
    lock_file = tmp_path / "postgres" / "postmaster.pid"
    lock_file.parent.mkdir()
    lock_file.write_text(f"{os.getpid()}\n/somewhere\n")
    services.forget_dead_postgres(tmp_path)
    assert not lock_file.exists()


def test_sockets_of_a_deep_folder_move_to_a_private_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    folder = services.socket_folder(deep)
    assert not folder.is_relative_to(tmp_path)
    assert services.socket_folder(deep) == folder  # the same for everyone who asks
    assert len(str(folder / ".s.PGSQL.5432")) < 107
    with services.ensure(deep, durable=False) as running, psycopg.connect(running.database_url):
        assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="not a folder of ours"):
        services.prepare(tmp_path / "data")


def test_a_port_that_only_accepts_is_no_answer(tmp_path: Path) -> None:
    services.socket_folder(tmp_path).mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(services.socket_folder(tmp_path) / ".s.PGSQL.5432"))
        listener.listen()
        assert not services.postgres_answers(tmp_path)


def nobody_reaches(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
@pytest.mark.skipif(not nobody_reaches(Path(sys.prefix)), reason="nobody may not enter this checkout")
def test_postgres_runs_where_user_namespaces_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_identity", lambda: "setpriv")
    with (
        services.ensure(tmp_path, durable=False) as running,
        psycopg.connect(running.database_url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert Path(f"/proc/{running.started['postgres'].pid}").stat().st_uid == 65534
