"""A small platform under the real supervisor: each process writes its number into the folder given.

Run as `python -m tests.deploy.supervised_programs FOLDER [--broken] [--deaf]`.
"""

import sys
from pathlib import Path

from deploy.processes import Program
from deploy.supervisor import Supervisor, supervise

_TELL = """
import os, pathlib, signal, subprocess, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def tell():
    (folder / "new").write_text(str(os.getpid()))
    (folder / "new").rename(folder / f"{name}.pid")
"""
# Like a worker that moved to a session of its own and hears nothing.
DEEP = (
    "import os, signal; os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    + _TELL
    + "tell(); time.sleep(600)"
)
PARENT = f"""{_TELL}
deep = subprocess.Popen([sys.executable, "-c", {DEEP!r}, str(folder), "deep"])
while not (folder / "deep.pid").exists(): time.sleep(0.01)
def leave(*_):
    (folder / "order").open("a").write(name + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("WARNING something to see", flush=True)
print("nothing to see", flush=True)
tell()
time.sleep(600)
"""
FOUNDATION = f"""{_TELL}
def leave(*_):
    (folder / "order").open("a").write(name + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
tell()
time.sleep(600)
"""
DEAF = f"{_TELL}signal.signal(signal.SIGTERM, signal.SIG_IGN); tell(); time.sleep(600)"
BROKEN = "print('no such colour'); raise SystemExit(3)"


def program(folder: Path, name: str, code: str, *, is_foundation: bool = False) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, "-c", code, str(folder), name),
        answers=(folder / f"{name}.pid").exists,
        is_foundation=is_foundation,
    )


def main(folder: Path, *, is_broken: bool, is_deaf: bool) -> int:
    async def begin(supervisor: Supervisor) -> None:
        await supervisor.start(program(folder, "base", FOUNDATION, is_foundation=True))
        if is_broken:
            await supervisor.run(program(folder, "broken", BROKEN))
        await supervisor.start(program(folder, "parent", PARENT))
        if is_deaf:
            await supervisor.start(program(folder, "deaf", DEAF))
        supervisor.console.say("ALL UP")

    return supervise(begin, log_folder=folder, cwd=folder)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), is_broken="--broken" in sys.argv, is_deaf="--deaf" in sys.argv))
