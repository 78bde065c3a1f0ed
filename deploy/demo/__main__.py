"""Prepares the data folder and becomes the supervisor of the whole platform."""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from deploy import services
from deploy.demo import conductor, files
from deploy.demo.programs import Programs
from deploy.processes import StartError
from deploy.supervisor import Supervisor, supervise

ROOT = Path(__file__).resolve().parents[2]
SMALLEST, LARGEST = 9, 100


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo.sh", description="启动整套平台：平台、媒体、网关、模拟部级平台"
    )
    parser.add_argument("--port", type=int, default=8000, help="网页与接口的端口，缺省 8000")
    parser.add_argument(
        "--cameras", type=int, default=12, help=f"模拟摄像机数，{SMALLEST} 至 {LARGEST}，缺省 12"
    )
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="数据目录，缺省 var")
    parser.add_argument(
        "--tls", action="store_true", help="全部使用 HTTPS，证书当场签发，在数据目录的 tls 中"
    )
    parser.add_argument("--verbose", action="store_true", help="在终端显示全部日志")
    parser.add_argument("--called-from", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not SMALLEST <= options.cameras <= LARGEST:
        parser.error(f"--cameras 应在 {SMALLEST} 至 {LARGEST} 之间")
    if not 1 <= options.port <= 65535:
        parser.error("--port 应在 1 至 65535 之间")
    options.data = (options.called_from / options.data).resolve()
    return options


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    data: Path = options.data
    if not services.is_for_us(data):
        print(f"{data} 里已有别的内容：--data 应为新目录、空目录，或本平台用过的目录", file=sys.stderr)
        return 1
    data.mkdir(parents=True, exist_ok=True)
    # Held by this process and the supervisor for as long as they live.
    if services.take_ownership(data) is None:
        print(f"数据目录 {data} 正被另一个进程使用", file=sys.stderr)
        return 1
    if not files.is_free(options.port):
        print(f"端口 {options.port} 已被占用，请用 --port 另选", file=sys.stderr)
        return 1
    try:
        services.prepare(data)
    except StartError as error:
        print(f"启动失败：{error}", file=sys.stderr)
        return 1
    ports = files.choose_ports(data, options.port)
    kept = files.keep_secrets(data)
    addresses = _addresses(data, ports, is_tls=options.tls)
    env = files.environment(data, addresses, kept)
    files.write_environment(data / "env", env)
    addresses.keep(data, cameras=options.cameras)
    (data / conductor.SEEDED).unlink(missing_ok=True)
    (data / conductor.DEMO_FILE).unlink(missing_ok=True)
    programs = Programs(data, addresses, env, kept)

    async def begin(supervisor: Supervisor) -> None:
        await start_everything(supervisor, programs, data)
        _welcome(supervisor, addresses, kept["passwords"])

    return supervise(begin, log_folder=data / "logs", cwd=ROOT, is_verbose=options.verbose)


def _addresses(data: Path, ports: dict[str, int], *, is_tls: bool) -> files.Addresses:
    if not is_tls:
        return files.Addresses(ports)
    # Not imported at every start.
    from deploy.demo.certificates import keep_certificates

    made = keep_certificates(data / "tls")
    return files.Addresses(ports, str(made.ca), str(made.certificate), str(made.key))


async def start_everything(supervisor: Supervisor, programs: Programs, data: Path) -> None:
    begun = time.monotonic()
    async with asyncio.TaskGroup() as foundations:
        foundations.create_task(supervisor.start(programs.postgres()))
        foundations.create_task(supervisor.start(programs.valkey()))
    async with asyncio.TaskGroup() as rest:
        rest.create_task(supervisor.run(programs.conductor()))
        static_files = rest.create_task(_collect_static_files(supervisor, programs, data))
        rest.create_task(supervisor.start(programs.media()))
        rest.create_task(supervisor.start(programs.ministry()))
        while not (data / conductor.SEEDED).exists():
            await asyncio.sleep(0.05)
        # In the order in which the first picture depends on them: with two cores it shows. Until the workers are up, the
        # conductor gives their orders.
        rest.create_task(supervisor.start(programs.gateway()))
        await static_files
        await supervisor.start(programs.web())
        for program in programs.workers():
            rest.create_task(supervisor.start(program))
    supervisor.console.say(f"全部就绪，用时 {time.monotonic() - begun:.1f} 秒")


async def _collect_static_files(supervisor: Supervisor, programs: Programs, data: Path) -> None:
    stamp = data / "static.stamp"
    wanted = files.static_fingerprint(ROOT)
    if not (stamp.exists() and stamp.read_text() == wanted):
        await supervisor.run(programs.static_files())
        stamp.write_text(wanted)


def _welcome(supervisor: Supervisor, addresses: files.Addresses, passwords: dict[str, Any]) -> None:
    supervisor.console.say(f"模拟部级平台 {addresses.url('ministry')}")
    for name, password in passwords.items():
        supervisor.console.say(f"用户 {name}，密码 {password}")
    supervisor.console.say("按 Ctrl-C 结束")
    supervisor.console.say(f"READY {addresses.url('web')}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
