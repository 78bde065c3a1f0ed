"""`python -m tests.mock_ministry --port N --user U --device-code BASE64 --token T --public-key HEX [--data FILE]

`--cert FILE --key FILE` to be reached over https.
"""

import argparse
import asyncio
import signal
from pathlib import Path

from tests.mock_ministry.listening import Doors, Tls
from tests.mock_ministry.memory import NEWEST_ANALYSES, Memory
from tests.mock_ministry.server import Ministry
from tests.mock_ministry.tokens import Account


def parse() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="mock_ministry")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--control-port", type=int, help="for the tester, plain HTTP, open whatever happens")
    options.add_argument("--user", required=True)
    options.add_argument("--device-code", required=True, help="BASE64, as it is sent")
    options.add_argument("--token", required=True, help="the first one; later ones are kept in the data file")
    options.add_argument("--public-key", required=True, help="x||y in 128 hex digits")
    options.add_argument("--data", type=Path, help="SQLite file; without it a restart forgets everything")
    options.add_argument("--cert", type=Path, help="PEM, with the rest of its chain")
    options.add_argument("--key", type=Path)
    options.add_argument("--wrong-cert", type=Path, help="PEM from a CA the province does not know")
    options.add_argument("--wrong-key", type=Path)
    options.add_argument("--without-ledger-verbs", action="store_true", help="what it holds cannot be asked")
    options.add_argument("--most-connections", type=int, default=0, help="at once; 0: as many as come")
    options.add_argument("--most-analyses", type=int, default=NEWEST_ANALYSES, help="that are kept")
    return options.parse_args()


async def serve(given: argparse.Namespace, memory: Memory) -> None:
    wrong = (given.wrong_cert, given.wrong_key) if given.wrong_cert else None
    tls = Tls(given.cert, given.key, wrong) if given.cert else None
    doors = Doors(
        given.host, given.port, control_port=given.control_port, tls=tls, most=given.most_connections
    )
    account = Account(given.user, given.device_code, given.token, given.public_key)
    ministry = Ministry(account, memory, doors, has_ledger_verbs=not given.without_ledger_verbs)
    is_over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, is_over.set)
    await doors.start(ministry.application(), ministry.control())
    try:
        await is_over.wait()
    finally:
        await doors.stop()


given = parse()
memory = Memory(given.data, most_analyses=given.most_analyses)
asyncio.run(serve(given, memory))
memory.close()
