"""A ministry for benchmarks: takes 10 ms for a request, keeps what it was told, fails when it is asked to.

    python bench/ministry_peer.py

Prints its port, then serves until it is killed. Besides the document's verbs: POST /reset
`{"fault_rate", "seed"}` forgets everything, GET /stats counts, GET /cameras, /statuses and /qualities say what it
holds.
"""

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast
from urllib.parse import parse_qsl

import msgspec
import uvloop

FIRST_TOKEN: Final = "bench-token-0"
_WORK_SECONDS: Final = 0.010
# Longer than the client's patience in a drain with faults, shorter than its usual one.
_SLOW_SECONDS: Final = 2.5
# What 100 faults are made of. "lost" and "slow" are done all the same; only the answer fails.
_FAULTS: Final = {"error500": 25, "reset": 20, "lost": 20, "html": 20, "dead_token": 10, "slow": 5}
_HTML: Final = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
# Close with RST at once, whatever is unsent.
_ABORT: Final = struct.pack("ii", 1, 0)

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    token: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    status: bytes = b"200 OK"
    kind: bytes = b"application/json"


class RefusedError(Exception):
    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code, self.msg = code, msg


class Ministry:
    """Cameras, statuses and image qualities by lower-case number, and the requests for each verb."""

    def __init__(self) -> None:
        self._verbs: dict[str, Callable[[Request], Item]] = {
            "TokenInfo": self._token_info,
            "VideoInformation": self._register,
            "VideoInformationDel": self._delete,
            "ReportCameraStatus": partial(self._keep_states, "online"),
            "ReportCameraQuality": partial(self._keep_states, "cameraStatus"),
            "ReportAnalyse": lambda request: {},
        }
        self.reset()

    def reset(self, fault_rate: float = 0.0, seed: int = 1) -> None:
        self.cameras: dict[str, Item] = {}
        # The value and when it was first told (unix seconds).
        self.states: dict[str, dict[str, tuple[object, float]]] = {"online": {}, "cameraStatus": {}}
        self.requests: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._fault_rate = fault_rate
        self._draw = random.Random(seed)
        self._generation = 0
        self._is_dead = False

    def fault_for(self, verb: str) -> str:
        """Counts the request; the fault that is to hit it, or nothing."""
        self.requests[verb] += 1
        if verb == "TokenInfo" or self._draw.random() >= self._fault_rate:
            return ""
        (fault,) = self._draw.choices(list(_FAULTS), weights=list(_FAULTS.values()))
        self.faults[fault] += 1
        return fault

    def expire_token(self) -> None:
        self._is_dead = True

    def answer(self, verb: str, request: Request) -> bytes:
        try:
            handle = self._verbs.get(verb)
            if handle is None:
                raise RefusedError(404, "没有此接口")
            if verb != "TokenInfo" and (self._is_dead or request.token != self._token(self._generation)):
                raise RefusedError(403, "令牌无效")
            return msgspec.json.encode({"code": 200, "msg": "成功", **handle(request)})
        except RefusedError as refusal:
            return msgspec.json.encode({"code": refusal.code, "msg": refusal.msg})

    def _token(self, generation: int) -> str:
        return f"{FIRST_TOKEN[:-1]}{generation}"

    def _token_info(self, request: Request) -> Item:
        """Any signature will do. The token before the newest is what a lost answer leaves behind."""
        token = request.query.get("token", "")
        if token == self._token(self._generation):
            self._generation += 1
            self._is_dead = False
        elif token != self._token(self._generation - 1):
            raise RefusedError(403, "令牌无效")
        return {"token": {"user": request.query.get("user", ""), "token": self._token(self._generation)}}

    def _register(self, request: Request) -> Item:
        items: list[Item] = msgspec.json.decode(request.body)
        results = []
        for item in items:
            key = item["cameraNum"].lower()
            info = "修改成功" if key in self.cameras else "注册成功"
            self.cameras[key] = item
            results.append({"cameraNum": item["cameraNum"], "status": 0, "info": info})
        return {"backResult": results}

    def _delete(self, request: Request) -> Item:
        results = []
        for number in msgspec.json.decode(request.body)["cameras"]:
            is_known = self.cameras.pop(number.lower(), None) is not None
            for states in self.states.values():
                states.pop(number.lower(), None)
            info = "删除成功" if is_known else "摄像机不存在"
            results.append({"cameraNum": number, "status": 0 if is_known else 1, "info": info})
        return {"backResult": results}

    def _keep_states(self, name: str, request: Request) -> Item:
        """protocol.md section 3: 200 if anything was applied, `msg` names how many were not; else 404."""
        items: list[Item] = msgspec.json.decode(request.body)
        department, states, now, kept = request.query.get("department"), self.states[name], time.time(), 0
        for item in items:
            key = item["cameraNum"].lower()
            camera = self.cameras.get(key)
            if camera is None or camera["department"] != department:
                continue
            kept += 1
            before = states.get(key)
            if before is None or before[0] != item[name]:
                states[key] = (item[name], now)
        if not kept:
            raise RefusedError(404, f"{department} 没有这些摄像机")
        return {} if kept == len(items) else {"msg": f"成功，{len(items) - kept} 条未处理"}

    def stats(self) -> Item:
        return {
            "requests": self.requests,
            "faults": self.faults,
            "cameras": len(self.cameras),
            "statuses": len(self.states["online"]),
            "qualities": len(self.states["cameraStatus"]),
        }

    def held(self, kind: str) -> object:
        if kind == "cameras":
            return self.cameras
        return self.states["online" if kind == "statuses" else "cameraStatus"]


class Connection(asyncio.Protocol):
    """One request after the other, as HTTP/1.1 clients without pipelining send them."""

    _transport: asyncio.Transport

    def __init__(self, ministry: Ministry) -> None:
        self._ministry = ministry
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        request = self._take_request()
        if request is None:
            return
        if not request.path.startswith("/service/video."):
            self._send(Reply(self._control(request)))
            return
        verb = request.path.removeprefix("/service/video.")
        fault = self._ministry.fault_for(verb)
        asyncio.get_running_loop().call_later(_WORK_SECONDS, self._finish, verb, request, fault)

    def _take_request(self) -> Request | None:
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        self._data = rest[length:]
        return Request(method, path, dict(parse_qsl(query)), headers.get("tauth", ""), rest[:length])

    def _control(self, request: Request) -> bytes:
        if request.path == "/reset":
            self._ministry.reset(**msgspec.json.decode(request.body))
            return b"{}"
        kind = request.path.removeprefix("/")
        return msgspec.json.encode(self._ministry.stats() if kind == "stats" else self._ministry.held(kind))

    def _finish(self, verb: str, request: Request, fault: str) -> None:
        if fault == "reset":
            self._reset()
        elif fault == "error500":
            self._send(Reply(msgspec.json.encode({"code": 500, "msg": "程序内部出现异常"})))
        elif fault == "html":
            self._send(Reply(_HTML, b"502 Bad Gateway", b"text/html"))
        else:
            if fault == "dead_token":
                self._ministry.expire_token()
            self._answer(Reply(self._ministry.answer(verb, request)), fault)

    def _answer(self, reply: Reply, fault: str) -> None:
        if fault == "lost":
            self._reset()
        elif fault == "slow":
            asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if not self._transport.is_closing():
            head = b"HTTP/1.1 %b\r\nContent-Type: %b; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % (reply.status, reply.kind, len(reply.body)) + reply.body)

    def _reset(self) -> None:
        connection = self._transport.get_extra_info("socket")
        if not self._transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._transport.abort()


async def main() -> None:
    ministry = Ministry()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(ministry), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
