"""HTTP of the mock ministry: the document's verbs, and what a tester wants to know and to break."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.mock_ministry.document import Item, camera_faults, is_analysis, is_quality, is_status
from tests.mock_ministry.memory import Memory, Table
from tests.mock_ministry.page import render
from tests.mock_ministry.tokens import Account, RefusedError, TokenRing

MOST_DELETIONS = 100
FAULT_MODES = ("down", "lost", "error500", "unknown", "slow", "none")
# "unknown" is a ministry that does not have the verb.
_REFUSALS = {"error500": (500, "故障注入"), "unknown": (404, "没有此接口")}
_MOST_CALLS_KEPT = 5000


class MalformedError(Exception):
    """Answered with code 400."""


class UnknownError(Exception):
    """Answered with code 404."""


@dataclass
class Call:
    verb: str
    department: str
    count: int = 0


@dataclass
class Fault:
    """Until `ends_at` the verbs named (none: all) fail in this way; "lost" is done but never answered."""

    mode: str
    ends_at: float
    delay_seconds: float
    verbs: frozenset[str] = field(default_factory=frozenset)

    def hits(self, verb: str) -> bool:
        return time.monotonic() < self.ends_at and (not self.verbs or verb in self.verbs)


class Ministry:
    def __init__(self, account: Account, memory: Memory) -> None:
        self.memory = memory
        self.calls: deque[dict[str, Any]] = deque(maxlen=_MOST_CALLS_KEPT)
        self.faults: list[Fault] = []
        self._account = account
        self._ring = TokenRing(account, memory)
        self._verbs: dict[str, tuple[str, Callable[[web.Request, Any, Call], dict[str, Any]]]] = {
            "TokenInfo": ("GET", self._token_info),
            "VideoInformation": ("POST", self._video_information),
            "VideoInformationDel": ("POST", self._video_information_del),
            "ReportCameraStatus": ("POST", self._status),
            "ReportCameraQuality": ("POST", self._quality),
            "ReportAnalyse": ("POST", self._analyse),
            # As the document prints it in its address line.
            "ReporlAnalyse": ("POST", self._analyse),
        }

    def application(self) -> web.Application:
        application = web.Application(client_max_size=20 * 1024 * 1024)
        application.router.add_route("*", "/service/{verb:.*}", self._service)
        application.router.add_get("/", self._page)
        application.router.add_get("/state", self._state)
        application.router.add_get("/calls", self._calls)
        application.router.add_post("/faults", self._set_fault)
        return application

    async def _service(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"].removeprefix("video.")
        call = Call(verb, request.query.get("department", ""))
        raw = await request.read()
        fault = next((fault for fault in self.faults if fault.hits(call.verb)), None)
        if fault and fault.mode == "slow":
            await asyncio.sleep(fault.delay_seconds)
        if fault and fault.mode == "down":
            return self._hang_up(request, call, "连接中断")
        if fault and fault.mode in _REFUSALS:
            code, msg, body = self._refusal(*_REFUSALS[fault.mode])
        else:
            code, msg, body = self._answer(request, raw, call)
        if fault and fault.mode == "lost":
            return self._hang_up(request, call, "已处理，答复丢失")
        self._remember(call, code, msg)
        return web.json_response({"code": code, "msg": msg, **body}, dumps=_dumps)

    def _hang_up(self, request: web.Request, call: Call, msg: str) -> web.Response:
        self._remember(call, 0, f"故障注入：{msg}")
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    def _answer(self, request: web.Request, raw: bytes, call: Call) -> tuple[int, str, dict[str, Any]]:
        try:
            if call.verb not in self._verbs:
                raise UnknownError(f"没有接口 {call.verb}")
            method, handle = self._verbs[call.verb]
            if request.method != method:
                raise MalformedError(f"{call.verb} 应使用 {method}")
            self._check_headers(request)
            if call.verb != "TokenInfo":
                self._ring.check(request.headers["TAuth"])
                if request.query.get("user") != self._account.user:
                    raise RefusedError("user 与令牌不符")
            items = _parse(raw) if method == "POST" else None
            answer = handle(request, items, call)
        except MalformedError as error:
            return self._refusal(400, str(error))
        except RefusedError as error:
            return self._refusal(403, str(error))
        except UnknownError as error:
            return self._refusal(404, str(error))
        return 200, str(answer.pop("msg", "成功")), answer

    def _refusal(self, code: int, msg: str) -> tuple[int, str, dict[str, Any]]:
        return code, msg, {}

    def _check_headers(self, request: web.Request) -> None:
        if not request.headers.get("TAuth"):
            raise RefusedError("缺少 HTTP 头 TAuth")
        if request.headers.get("AppVersion") != "v1.0":
            raise MalformedError("HTTP 头 AppVersion 应为 v1.0")
        if request.content_type != "application/json":
            raise MalformedError("HTTP 头 Content-Type 应为 application/json")

    def _token_info(self, request: web.Request, _items: Any, _call: Call) -> dict[str, Any]:
        given = {name: request.query.get(name, "") for name in ("user", "deviceCode", "token", "sign")}
        given["deviceCode"] = given["deviceCode"].replace(" ", "+")
        token = self._ring.exchange(
            user=given["user"], device_code=given["deviceCode"], token=given["token"], sign=given["sign"]
        )
        return {"token": {"user": given["user"], "deviceCode": given["deviceCode"], "token": token}}

    def _video_information(self, _request: web.Request, body: Any, call: Call) -> dict[str, Any]:
        items = _items(body, call)
        call.department = "、".join(sorted({str(item.get("department", "")) for item in items}))[:80]
        results = []
        accepted: dict[str, Item] = {}
        for item in items:
            faults = camera_faults(item)
            key = str(item.get("cameraNum", "")).lower()
            if faults:
                info = "；".join(faults)
            else:
                known = accepted.get(key) or self.memory.cameras.rows.get(key)
                info = "注册成功" if known is None else "未变化" if known == item else "修改成功"
                accepted[key] = item
            results.append(_result(item.get("cameraNum", ""), not faults, info))
        self.memory.cameras.put(accepted.items())
        return {"backResult": results}

    def _video_information_del(self, _request: web.Request, body: Any, call: Call) -> dict[str, Any]:
        numbers = body.get("cameras") if isinstance(body, dict) else None
        if not isinstance(numbers, list) or not numbers:
            raise MalformedError("cameras 应为非空数组")
        call.count = len(numbers)
        if len(numbers) > MOST_DELETIONS:
            raise MalformedError(f"cameras 有 {len(numbers)} 个编号，最多 {MOST_DELETIONS} 个")
        results = []
        for number in numbers:
            is_known = str(number).lower() in self.memory.cameras.rows
            self.memory.forget_cameras([str(number).lower()])
            results.append(_result(number, is_known, "删除成功" if is_known else "摄像机不存在"))
        return {"backResult": results}

    def _status(self, _request: web.Request, body: Any, call: Call) -> dict[str, Any]:
        return self._report(body, call, is_status, "online", self.memory.statuses)

    def _quality(self, _request: web.Request, body: Any, call: Call) -> dict[str, Any]:
        return self._report(body, call, is_quality, "cameraStatus", self.memory.qualities)

    def _report(
        self, body: Any, call: Call, is_right: Callable[[Item], bool], name: str, table: Table
    ) -> dict[str, Any]:
        good, msg = self._sort_out(_items(body, call), call, is_right, name)
        table.put((item["cameraNum"].lower(), item[name]) for item in good)
        return {"msg": msg}

    def _analyse(self, _request: web.Request, body: Any, call: Call) -> dict[str, Any]:
        good, msg = self._sort_out(_items(body, call), call, is_analysis, "data")
        self.memory.add_analyses([{**item, "received_at": time.time()} for item in good])
        return {"msg": msg}

    def _sort_out(
        self, items: list[Item], call: Call, is_right: Callable[[Item], bool], name: str
    ) -> tuple[list[Item], str]:
        """The items that can be applied; the reason for the others goes into `msg`."""
        good: list[Item] = []
        malformed: list[str] = []
        unknown: list[str] = []
        for index, item in enumerate(items):
            camera = self.memory.cameras.rows.get(str(item.get("cameraNum", "")).lower())
            if not is_right(item):
                malformed.append(f"第 {index + 1} 条 {name}={item.get(name)!r} 不符")
            elif camera is None or camera["department"] != call.department:
                unknown.append(f"第 {index + 1} 条 {item.get('cameraNum')} 不属于 {call.department}")
            else:
                good.append(item)
        reasons = "；".join((malformed + unknown)[:10])
        if not good and items:
            raise (MalformedError if malformed else UnknownError)(reasons)
        return good, f"成功，{len(items) - len(good)} 条未处理：{reasons}" if reasons else "成功"

    def _remember(self, call: Call, code: int, msg: str) -> None:
        self.calls.append(
            {
                "time": time.time(),
                "verb": call.verb,
                "department": call.department,
                "count": call.count,
                "code": code,
                "msg": msg,
            }
        )

    async def _page(self, _request: web.Request) -> web.Response:
        text = render(self.memory.state(), list(self.calls))
        return web.Response(text=text, content_type="text/html", charset="utf-8")

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self.memory.state(), dumps=_dumps)

    async def _calls(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.calls), dumps=_dumps)

    async def _set_fault(self, request: web.Request) -> web.Response:
        """`{"mode": "down" | "lost" | "error500" | "unknown" | "slow" | "none", "seconds": n, "delay_seconds": n, "verbs": [...]}`"""
        try:
            wanted = await request.json()
            mode = wanted["mode"]
            fault = Fault(
                mode=mode,
                ends_at=time.monotonic() + float(wanted.get("seconds", 10)),
                delay_seconds=float(wanted.get("delay_seconds", 2)),
                verbs=frozenset(str(verb) for verb in wanted.get("verbs", [])),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return web.json_response({"code": 400, "msg": "格式有误"}, dumps=_dumps, status=400)
        if mode not in FAULT_MODES:
            return web.json_response({"code": 400, "msg": f"没有故障 {mode}"}, dumps=_dumps, status=400)
        self.faults = [] if mode == "none" else [*self.faults, fault]
        return web.json_response({"code": 200, "msg": "成功"}, dumps=_dumps)


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise MalformedError(f"不是 JSON：{error}") from None


def _items(body: Any, call: Call) -> list[Item]:
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise MalformedError("应为对象的数组")
    call.count = len(body)
    return body


def _result(number: object, is_done: bool, info: str) -> dict[str, Any]:
    return {"cameraNum": number, "status": 0 if is_done else 1, "info": info}


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
