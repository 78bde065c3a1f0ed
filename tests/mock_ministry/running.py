"""The mock ministry inside a test: the real server on loopback, in a thread."""

import asyncio
import threading
from pathlib import Path
from typing import Any, Self

import urllib3
from tongsuopy.crypto.asymciphers.ec import SM2, derive_private_key

from tests.mock_ministry.listening import Doors, Tls
from tests.mock_ministry.memory import Memory
from tests.mock_ministry.server import Ministry
from tests.mock_ministry.tokens import Account

PRIVATE_KEY = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
_POINT = derive_private_key(int(PRIVATE_KEY, 16), SM2()).public_key().public_numbers()
# deviceCode is the BASE64 of "province-32".
ACCOUNT = Account(
    user="province",
    device_code="cHJvdmluY2UtMzI=",
    first_token="handed-over-offline",
    public_key=f"{_POINT.x:064x}{_POINT.y:064x}",
)


class RunningMinistry:
    """`account` and `private_key` are what the province was handed; what a tester asks comes by `control_url`."""

    def __init__(
        self,
        data: Path | None = None,
        *,
        tls: Tls | None = None,
        has_ledger_verbs: bool = True,
        most_connections: int = 0,
    ) -> None:
        self.account = ACCOUNT
        self.private_key = PRIVATE_KEY
        self.base_url = ""
        self.control_url = ""
        self._data = data
        self._has_ledger_verbs = has_ledger_verbs
        self._doors = Doors("127.0.0.1", 0, control_port=0, tls=tls, most=most_connections)
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def state(self) -> dict[str, Any]:
        return dict(self.ask("state"))

    def calls(self) -> list[dict[str, Any]]:
        return list(self.ask("calls"))

    def break_down(self, mode: str, **how: object) -> None:
        self.order("faults", {"mode": mode, **how})

    def tamper(self, action: str, **how: object) -> None:
        self.order("tamper", {"action": action, **how})

    def ask(self, what: str) -> Any:
        return urllib3.request("GET", f"{self.control_url}/{what}").json()

    def order(self, what: str, body: dict[str, object]) -> None:
        answer = urllib3.request("POST", f"{self.control_url}/{what}", json=body)
        assert answer.status == 200, answer.json()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._is_up.wait(60):
            raise TimeoutError("the mock ministry did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def _run(self) -> None:
        memory = Memory(self._data)
        ministry = Ministry(self.account, memory, self._doors, has_ledger_verbs=self._has_ledger_verbs)
        self._loop.run_until_complete(self._doors.start(ministry.application(), ministry.control()))
        scheme = "https" if self._doors.tls else "http"
        self.base_url = f"{scheme}://{self._doors.host}:{self._doors.port}"
        self.control_url = f"http://{self._doors.host}:{self._doors.control_port}"
        self._is_up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._doors.stop())
        self._loop.close()
        memory.close()
