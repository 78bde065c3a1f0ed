"""HTTP of the mock ministry: the document's verbs, and what a tester wants to know and to break."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.mock_ministry.faults import Plan, Schedule
from tests.mock_ministry.history import History, Ticket, Watch
from tests.mock_ministry.listening import Doors
from tests.mock_ministry.memory import Memory
from tests.mock_ministry.page import render
from tests.mock_ministry.spoiling import Spoiler, dumps, hang_up, reply
from tests.mock_ministry.tampering import TamperError, tamper
from tests.mock_ministry.tokens import Account
from tests.mock_ministry.verbs import EVENT_VERBS, Call, Verbs

FAULT_MODES = ("down", "lost", "error500", "unknown", "slow", "refused", "schedule", "none")
# "unknown" is a ministry that does not have the verb.
_REFUSALS = {"error500": (500, "故障注入"), "unknown": (404, "没有此接口")}
_MOST_CALLS_KEPT = 5000


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
    def __init__(
        self, account: Account, memory: Memory, doors: Doors, *, has_ledger_verbs: bool = True
    ) -> None:
        self.memory = memory
        self.history = History()
        self.watch = Watch()
        self.calls: deque[dict[str, Any]] = deque(maxlen=_MOST_CALLS_KEPT)
        self.faults: list[Fault] = []
        # The last schedule; its counts outlive it.
        self.spoiler: Spoiler | None = None
        self.is_spoiling = False
        self._doors = doors
        self._verbs = Verbs(account, memory, self.history, has_ledger_verbs=has_ledger_verbs)

    def application(self) -> web.Application:
        """Everything; a tester may also ask here, while it is open."""
        application = self.control()
        application.router.add_route("*", "/service/{verb:.*}", self._service)
        return application

    def control(self) -> web.Application:
        """For the tester alone."""
        application = web.Application(client_max_size=20 * 1024 * 1024)
        application.router.add_get("/", self._page)
        application.router.add_get("/state", self._state)
        application.router.add_get("/calls", self._calls)
        application.router.add_get("/history", self._history)
        application.router.add_get("/overlaps", self._overlaps)
        application.router.add_get("/faults", self._told_faults)
        application.router.add_post("/faults", self._set_fault)
        application.router.add_post("/tamper", self._tamper)
        return application

    async def _service(self, request: web.Request) -> web.StreamResponse:
        verb = request.match_info["verb"].removeprefix("video.")
        department = request.query.get("department", "")
        transport = request.transport
        raw = await request.read()
        call = Call(request.method, verb, request.headers, request.query, raw, department)
        call.read_body()
        watched = () if verb in EVENT_VERBS else call.cameras
        ticket = self.watch.enter(verb, watched, transport)
        try:
            return await self._serve(request, call, ticket)
        finally:
            ticket.leave()

    async def _serve(self, request: web.Request, call: Call, ticket: Ticket) -> web.StreamResponse:
        fault = next((fault for fault in self.faults if fault.hits(call.verb)), None)
        if fault is None and self.spoiler and self.is_spoiling:
            return await self.spoiler.serve(request, call, ticket)
        if fault and fault.mode == "slow":
            await asyncio.sleep(fault.delay_seconds)
        if fault and fault.mode == "down":
            return self._hang_up(request, call, "连接中断")
        if fault and fault.mode in _REFUSALS:
            verdict = (*_REFUSALS[fault.mode], dict[str, Any]())
        else:
            verdict = self._verbs.answer(call)
        if fault and fault.mode == "lost":
            return self._hang_up(request, call, "已处理，答复丢失")
        self._remember(call, verdict[0], verdict[1])
        return reply(verdict)

    def _hang_up(self, request: web.Request, call: Call, msg: str) -> web.Response:
        self._remember(call, 0, f"故障注入：{msg}")
        return hang_up(request)

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
        return web.json_response(self.memory.state(), dumps=dumps)

    async def _calls(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.calls), dumps=dumps)

    async def _history(self, request: web.Request) -> web.Response:
        """By number in lower case what was applied, in order; `?camera=` for one."""
        wanted = request.query.get("camera", "").lower()
        events = self.history.events
        told = {key: list(events[key]) for key in events if wanted in ("", key)}
        return web.json_response(told, dumps=dumps)

    async def _overlaps(self, _request: web.Request) -> web.Response:
        """Cameras that were in two requests at once."""
        told = {"overlaps": list(self.watch.overlaps), "most_requests_at_once": self.watch.most_inside}
        return web.json_response(told, dumps=dumps)

    async def _told_faults(self, _request: web.Request) -> web.Response:
        now = time.monotonic()
        modes = sorted({fault.mode for fault in self.faults if fault.ends_at > now})
        told = {"modes": [*modes, *(["schedule"] if self.is_spoiling else [])]}
        return web.json_response(told | (self.spoiler.schedule.told() if self.spoiler else {}), dumps=dumps)

    async def _set_fault(self, request: web.Request) -> web.Response:
        """`{"mode": one of FAULT_MODES, "seconds": n, "delay_seconds": n, "verbs": [...]}`

        With "schedule" come the fields of `faults.Plan` instead. "refused" shuts the door for everybody, who
        opens it early has to come by the control port.
        """
        try:
            wanted = await request.json()
            mode = wanted["mode"]
            seconds = float(wanted.get("seconds", 10))
            fault = Fault(
                mode=mode,
                ends_at=time.monotonic() + seconds,
                delay_seconds=float(wanted.get("delay_seconds", 2)),
                verbs=frozenset(str(verb) for verb in wanted.get("verbs", [])),
            )
            plan = Plan.read(wanted)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _malformed("格式有误")
        if mode not in FAULT_MODES:
            return _malformed(f"没有故障 {mode}")
        if mode == "none":
            self.faults, self.is_spoiling = [], False
            await self._doors.mend()
        elif mode == "schedule":
            schedule = Schedule(plan, self._doors.can_show_wrong_certificate)
            self.spoiler = Spoiler(schedule, self._verbs, self._doors, self._remember)
            self.is_spoiling = True
        else:
            self.faults = [*self.faults, fault]
            if mode == "refused":
                self._doors.shut(seconds, spared=request.transport)
        return web.json_response({"code": 200, "msg": "成功"}, dumps=dumps)

    async def _tamper(self, request: web.Request) -> web.Response:
        try:
            tamper(self.memory, self.history, await request.json())
        except TamperError as error:
            return _malformed(str(error))
        except (ValueError, KeyError, AttributeError):
            return _malformed("格式有误")
        return web.json_response({"code": 200, "msg": "成功"}, dumps=dumps)


def _malformed(msg: str) -> web.Response:
    return web.json_response({"code": 400, "msg": msg}, dumps=dumps, status=400)
