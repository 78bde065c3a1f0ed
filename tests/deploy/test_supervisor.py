import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.logs import FILE_LIMIT_BYTES, Console, ProcessLog
from deploy.processes import children, descendants

ROOT = Path(__file__).resolve().parents[2]


def until(true: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    """Zombies do not count: where nobody collects orphans they stay in the table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Platform:
    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.output = folder / "terminal"
        with self.output.open("wb") as output:
            self.visible = subprocess.Popen(
                [sys.executable, "-m", "tests.deploy.supervised_programs", str(folder), *options],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def pid_of(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    @property
    def supervisor_pid(self) -> int:
        return children(self.visible.pid)[0]

    @property
    def terminal(self) -> str:
        return self.output.read_text()

    def everything(self) -> list[int]:
        return [self.visible.pid, *descendants(self.visible.pid)]


@pytest.fixture
def platform(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Platform]:
    platform = Platform(tmp_path, *getattr(request, "param", ()))
    assert until(lambda: "ALL UP" in platform.terminal), platform.terminal
    everything = platform.everything()
    assert len(everything) >= 5  # visible, supervisor, base, parent, deep
    yield platform
    for pid in everything:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    platform.visible.wait()


@pytest.mark.parametrize("platform", [("--deaf",)], indirect=True)
def test_sigterm_ends_everything_in_order(platform: Platform) -> None:
    everything = platform.everything()
    platform.visible.send_signal(signal.SIGTERM)
    assert platform.visible.wait(10) == 0
    assert [pid for pid in everything if is_alive(pid)] == []
    assert "收到信号 SIGTERM" in platform.terminal
    assert "deaf 在 4 秒内没有退出，强制结束" in platform.terminal
    # The foundation was still there until then.
    assert (platform.folder / "order").read_text() == "parent base "


def test_ctrl_c_ends_everything(platform: Platform) -> None:
    everything = platform.everything()
    platform.visible.send_signal(signal.SIGINT)
    assert platform.visible.wait(10) == 0
    assert [pid for pid in everything if is_alive(pid)] == []


def test_kill_9_of_the_visible_process_ends_everything(platform: Platform) -> None:
    everything = platform.everything()
    platform.visible.kill()
    platform.visible.wait()
    assert until(lambda: not any(is_alive(pid) for pid in everything))
    assert (platform.folder / "order").read_text() == "parent base "


def test_kill_9_of_the_supervisor_ends_everything(platform: Platform) -> None:
    everything = platform.everything()
    os.kill(platform.supervisor_pid, signal.SIGKILL)
    assert platform.visible.wait(10) == 1
    assert [pid for pid in everything if is_alive(pid)] == []


def test_a_killed_program_comes_back_and_leaves_no_orphan(platform: Platform) -> None:
    parent, deep = platform.pid_of("parent"), platform.pid_of("deep")
    (platform.folder / "deep.pid").unlink()
    os.kill(parent, signal.SIGKILL)
    assert until(lambda: not is_alive(deep))
    assert until(lambda: platform.pid_of("parent") != parent)
    assert "parent 意外退出（退出码 -9）" in platform.terminal
    assert is_alive(platform.pid_of("parent"))
    assert is_alive(platform.pid_of("base"))


def test_logs_go_to_a_file_and_warnings_to_the_terminal(platform: Platform) -> None:
    assert (platform.folder / "parent.log").read_text() == "WARNING something to see\nnothing to see\n"
    assert "parent   | WARNING something to see\n" in platform.terminal
    assert "nothing to see" not in platform.terminal


def test_a_failing_step_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    platform = Platform(tmp_path, "--broken")
    assert platform.visible.wait(10) == 1
    assert "broken   | no such colour" in platform.terminal
    assert "启动失败：broken 失败（退出码 3）" in platform.terminal
    assert not is_alive(platform.pid_of("base"))


def test_a_log_file_is_bounded(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    log = ProcessLog("chatty", tmp_path, Console(writing, is_coloured=False, is_verbose=False))
    chunk = b"x" * 99 + b"\n"
    for _ in range(3 * FILE_LIMIT_BYTES // (1000 * len(chunk))):
        log.feed(chunk * 1000)
    log.close()
    sizes = sorted((file.name, file.stat().st_size) for file in tmp_path.iterdir())
    assert [name for name, _ in sizes] == ["chatty.log", "chatty.log.1"]
    assert all(size < FILE_LIMIT_BYTES * 1.1 for _, size in sizes)
    os.close(reading)
    os.close(writing)


def test_a_full_terminal_is_not_waited_for() -> None:
    reading, writing = os.pipe()
    console = Console(writing, is_coloured=False, is_verbose=False)
    for _ in range(5000):
        console.say("a line of some length that nobody reads")
    os.close(reading)
    console.say("and now nobody is there")
    os.close(writing)
