"""The clients of the hammer benchmark, in a process of their own: what they do to the server is measured,
not how they stand in each other's way.

    python -m bench.hammering PORT CLIENTS < partners.json

They hammer until standard input ends, then print as JSON how often they were answered with which code.
"""

import itertools
import json
import os
import re
import socket
import sys
import threading
from collections import Counter
from urllib.parse import urlencode

from protocol.sm2 import sign
from protocol.tokens import sign_text

PAGE = 500


class Client:
    """A partner's client on one kept-alive connection."""

    def __init__(self, port: int, partner: dict[str, str]) -> None:
        self._partner = partner
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=60)

    def ask(self, verb: str, **params: object) -> tuple[int, bytes, bytes]:
        """The code of the envelope, the head and the body of the answer."""
        query = urlencode({"user": self._partner["user"], **params})
        self._connection.sendall(
            f"GET /service/video.{verb}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"TAuth: {self._partner['token']}\r\nAppVersion: v1.0\r\n\r\n".encode()
        )
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
        while len(body) < length:
            body += self._more()
        return int(json.loads(body)["code"]), head, body

    def exchange(self) -> int:
        held = self._partner
        text = sign_text(held["device_code"], held["user"], held["token"])
        code, _, body = self.ask(
            "TokenInfo",
            deviceCode=held["device_code"],
            token=held["token"],
            sign=sign(held["private_key"], text),
        )
        if code == 200:
            held["token"] = json.loads(body)["token"]["token"]
        return code

    def _more(self) -> bytes:
        piece = self._connection.recv(262_144)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


class Hammer:
    """`clients` threads until `stop`; counts codes and failures."""

    def __init__(self, port: int, partners: list[dict[str, str]], clients: int) -> None:
        self.codes: Counter[str] = Counter()
        self._stop = threading.Event()
        self._port = port
        self._threads = [
            threading.Thread(target=self._run, args=[partners[n % len(partners)], n], daemon=True)
            for n in range(clients)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(70)

    def _run(self, partner: dict[str, str], number: int) -> None:
        try:
            self._check(Client(self._port, partner), number)
        except (OSError, ValueError) as error:
            self.codes[type(error).__name__] += 1

    def _check(self, client: Client, number: int) -> None:
        for page in itertools.count(number % 40 + 1):
            code, _, body = client.ask("GetDepartmentVideoInfo", currPage=page % 40 + 1, pageSize=PAGE)
            self.codes[str(code)] += 1
            for camera in json.loads(body).get("videoInfo", []):
                if self._stop.is_set():
                    return
                code, _, _ = client.ask("GetCameraPlayURL", cameraNum=camera["cameraNum"])
                self.codes[str(code)] += 1
            self.codes[str(client.ask("GetCameraStatus", currPage=page % 40 + 1, pageSize=PAGE)[0])] += 1
            # Only one of those who share a token may turn the ring, as its clients agree among themselves.
            if number == 0:
                self.codes[str(client.exchange())] += 1
            if self._stop.is_set():
                return


def main() -> None:
    # The kernel gives a core to the server first: real clients have machines of their own.
    os.nice(19)
    hammer = Hammer(int(sys.argv[1]), json.loads(sys.stdin.readline()), int(sys.argv[2]))
    hammer.start()
    sys.stdin.read()
    hammer.stop()
    print(json.dumps(hammer.codes))


if __name__ == "__main__":
    main()
