"""Serving requests while faults rain: what is done, and what is answered instead of it."""

import asyncio
import json
import time
from collections.abc import Callable
from random import Random
from typing import Any

from aiohttp import web

from tests.mock_ministry.faults import Kind, Schedule
from tests.mock_ministry.history import Ticket
from tests.mock_ministry.listening import Doors
from tests.mock_ministry.verbs import Call, Verbs, Verdict

_UNDONE = frozenset(
    {
        Kind.REFUSED,
        Kind.RESET_BEFORE,
        Kind.TIMEOUT_BEFORE,
        Kind.TOKEN_EXPIRED,
        Kind.RETRY_AFTER,
        Kind.CERTIFICATE,
        Kind.TEXT_CODE_500,
        Kind.CULPRIT_400,
        Kind.CULPRIT_500,
    }
)
# Where it is left to chance whether the request was carried out before the failure.
_PERHAPS_DONE = frozenset({Kind.HTTP_500, Kind.CODE_500, Kind.HTML_200, Kind.HTML_502, Kind.BROKEN_JSON})
_CODES = {Kind.CULPRIT_400: 400, Kind.CULPRIT_500: 500}
_TROUBLE = "程序内部出现异常"
_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"
_DRIP_PIECES = 10
_POLL_SECONDS = 0.01


class Spoiler:
    """While a schedule runs; afterwards its counts are still there."""

    def __init__(
        self, schedule: Schedule, verbs: Verbs, doors: Doors, remember: Callable[[Call, int, str], None]
    ) -> None:
        self.schedule = schedule
        self._random = schedule.random
        self._verbs = verbs
        self._doors = doors
        self._remember = remember

    async def serve(self, request: web.Request, call: Call, ticket: Ticket) -> web.StreamResponse:
        await asyncio.sleep(self.schedule.latency())
        if ticket.is_dropped():
            # Nobody waits for it any more, and the next request for the same camera may be on its way.
            self._remember(call, 0, "连接已断开，未处理")
            return hang_up(request)
        if refusal := self._verbs.refusal(call):
            return self._plain(call, refusal)
        if found := self.schedule.poisoned(call.verb, call.cameras):
            return self._plain(call, (found[0], f"{found[1]} 无法处理", {}))
        kind = self.schedule.draw(call.verb, len(call.cameras))
        if kind is None:
            return self._plain(call, self._verbs.answer(call))
        if kind == Kind.ITEM_REFUSALS:
            some = self._random.randint(1, max(1, len(call.cameras) // 2))
            return self._plain(call, self._verbs.answer(call, self._random.sample(call.cameras, some)))
        is_done = kind not in _UNDONE and (kind not in _PERHAPS_DONE or self._random.random() < 0.5)
        verdict = self._verbs.answer(call) if is_done else (500, _TROUBLE, {})
        self._remember(call, verdict[0] if is_done else 0, f"故障注入 {kind}")
        return await self._fail(kind, request, call, verdict, ticket)

    def _plain(self, call: Call, verdict: Verdict) -> web.Response:
        self._remember(call, verdict[0], verdict[1])
        return reply(verdict)

    async def _fail(
        self, kind: Kind, request: web.Request, call: Call, verdict: Verdict, ticket: Ticket
    ) -> web.StreamResponse:
        if kind in (Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER):
            await self._wait(ticket)
            return hang_up(request) if kind == Kind.TIMEOUT_BEFORE else reply(verdict)
        if kind == Kind.DRIP:
            return await self._drip(request, verdict, ticket)
        if code := _CODES.get(kind):
            culprit = self.schedule.poison(call.verb, call.cameras, code)
            return reply((code, f"{culprit} 无法处理", {}))
        if kind == Kind.TOKEN_EXPIRED:
            self._verbs.ring.expire()
        elif kind == Kind.REFUSED:
            self._doors.shut(self.schedule.plan.refused_seconds)
        elif kind == Kind.CERTIFICATE:
            self._doors.show_wrong_certificate(self.schedule.plan.certificate_seconds)
        spoil = _ANSWERS.get(kind)
        return spoil(verdict, self._random, self.schedule) if spoil else hang_up(request)

    async def _wait(self, ticket: Ticket) -> None:
        """Until the client has gone, at most as long as the plan says."""
        ends_at = time.monotonic() + self.schedule.plan.hold_seconds
        while time.monotonic() < ends_at and not ticket.is_dropped():
            await asyncio.sleep(_POLL_SECONDS)

    async def _drip(self, request: web.Request, verdict: Verdict, ticket: Ticket) -> web.StreamResponse:
        text = dumps(_envelope(verdict)).encode()
        response = web.StreamResponse(headers={"Content-Length": str(len(text))})
        response.content_type = "application/json"
        size = len(text) // _DRIP_PIECES + 1
        try:
            await response.prepare(request)
            for begin in range(0, len(text), size):
                await asyncio.sleep(self.schedule.plan.drip_seconds / _DRIP_PIECES)
                if begin + size >= len(text):
                    ticket.leave()  # whoever has the last piece may go on at once
                await response.write(text[begin : begin + size])
            await response.write_eof()
        except ConnectionError:
            return hang_up(request)
        return response


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def reply(verdict: Verdict, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(_envelope(verdict), dumps=dumps, status=status, headers=headers)


def hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _envelope(verdict: Verdict) -> dict[str, Any]:
    code, msg, body = verdict
    return {"code": code, "msg": msg, **body}


def _with_results(verdict: Verdict, change: Callable[[list[Any]], list[Any]]) -> web.Response:
    code, msg, body = verdict
    results = {"backResult": change(body["backResult"])} if "backResult" in body else {}
    return reply((code, msg, {**body, **results}))


def _text_200(verdict: Verdict) -> web.Response:
    code, msg, body = verdict
    results = [{**item, "status": str(item["status"])} for item in body.get("backResult", ())]
    told = {"code": str(code), "msg": msg, **body, **({"backResult": results} if results else {})}
    return web.json_response(told, dumps=dumps)


def _html(text: str, status: int) -> web.Response:
    return web.Response(text=_HTML.format(text), status=status, content_type="text/html", charset="utf-8")


def _broken(verdict: Verdict, random: Random) -> web.Response:
    whole = {"code": 200, "msg": "成功", **verdict[2]}
    texts = (
        dumps(whole)[:-1],
        dumps(whole)[: len(dumps(whole)) // 2],
        dumps([whole]),
        dumps({**whole, "code": None}),
        dumps({**whole, "code": [200]}),
        dumps({**whole, "code": "成功"}),
        dumps("成功"),
        "",
    )
    return web.Response(text=random.choice(texts), content_type="application/json")


def _too_many(random: Random, seconds: int) -> web.Response:
    status, code = random.choice(((200, 403), (429, 429), (503, 503)))
    return reply((code, "请求过于频繁", {}), status=status, headers={"Retry-After": str(seconds)})


_ANSWERS: dict[Kind, Callable[[Verdict, Random, Schedule], web.Response]] = {
    Kind.TOKEN_EXPIRED: lambda *_: reply((403, "令牌已过期", {})),
    Kind.RETRY_AFTER: lambda _, random, schedule: _too_many(random, schedule.plan.retry_after_seconds),
    Kind.TEXT_CODE_500: lambda *_: web.json_response({"code": "500", "msg": _TROUBLE}, dumps=dumps),
    Kind.TEXT_CODE_200: lambda verdict, *_: _text_200(verdict),
    Kind.PARTIAL_RESULT: lambda verdict, *_: _with_results(verdict, lambda results: results[::2]),
    Kind.WRONG_ORDER: lambda verdict, *_: _with_results(verdict, lambda results: results[::-1]),
    Kind.HTTP_500: lambda *_: reply((500, _TROUBLE, {}), status=500),
    Kind.CODE_500: lambda *_: reply((500, _TROUBLE, {})),
    Kind.HTML_200: lambda *_: _html("系统维护中", 200),
    Kind.HTML_502: lambda *_: _html("502 Bad Gateway", 502),
    Kind.BROKEN_JSON: lambda verdict, random, _: _broken(verdict, random),
}
