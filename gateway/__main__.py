"""`python -m gateway CONFIG.json`: the roadside gateway as a process of its own."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from gateway.app import Gateway
from gateway.config import ConfigError, GatewayConfig, load_config
from gateway.ffmpeg import FfmpegMissingError
from gateway.lasting import lasting
from gateway.state import StateError

logger = logging.getLogger("gateway")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="视频上云网关")
    parser.add_argument("config", type=Path, metavar="CONFIG.json", help="配置文件")
    parser.add_argument("--check", action="store_true", help="只检查配置文件")
    options = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    try:
        config = load_config(options.config)
        if not options.check:
            asyncio.run(_serve(config, options.config))
    except (ConfigError, FfmpegMissingError, StateError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"网关无法启动：{error}\n")
        return 1
    return 0


async def _serve(config: GatewayConfig, path: Path) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    reread = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reread.set)
    async with Gateway(config) as gateway:
        rereading = asyncio.create_task(
            lasting("taking over the configuration", lambda: _reread(gateway, path, reread))
        )
        await stopped.wait()
        rereading.cancel()
        logger.info("stopping")


async def _reread(gateway: Gateway, path: Path, asked: asyncio.Event) -> None:
    """A file with mistakes in it changes nothing."""
    while True:
        await asked.wait()
        asked.clear()
        try:
            await gateway.reload(load_config(path))
        except ConfigError as error:
            logger.error("configuration not taken over: %s", error)


if __name__ == "__main__":
    if sys.version_info < (3, 12):
        # Before 3.12 asyncio waits for each child in a thread; a hundred channels need none.
        asyncio.get_event_loop_policy().set_child_watcher(asyncio.PidfdChildWatcher())
    sys.exit(main())
