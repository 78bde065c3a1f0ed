"""`python -m tests.mock_ministry --port N --user U --device-code BASE64 --token T --public-key HEX [--data FILE]

`--cert FILE --key FILE` to be reached over https.
"""

import argparse
import ssl
from pathlib import Path

from aiohttp import web

from tests.mock_ministry.memory import Memory
from tests.mock_ministry.server import Ministry
from tests.mock_ministry.tokens import Account

options = argparse.ArgumentParser(prog="mock_ministry")
options.add_argument("--host", default="127.0.0.1")
options.add_argument("--port", type=int, required=True)
options.add_argument("--user", required=True)
options.add_argument("--device-code", required=True, help="BASE64, as it is sent")
options.add_argument("--token", required=True, help="the first one; later ones are kept in the data file")
options.add_argument("--public-key", required=True, help="x||y in 128 hex digits")
options.add_argument("--data", type=Path, help="SQLite file; without it a restart forgets everything")
options.add_argument("--cert", type=Path, help="PEM, with the rest of its chain")
options.add_argument("--key", type=Path)
given = options.parse_args()
context = None
if given.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.cert, given.key)
account = Account(given.user, given.device_code, given.token, given.public_key)
ministry = Ministry(account, Memory(given.data))
web.run_app(ministry.application(), host=given.host, port=given.port, ssl_context=context, print=None)
