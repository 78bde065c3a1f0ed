"""The document's verbs, and two more seen in the field: what each demands, and what it does to the memory."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tests.mock_ministry.document import Item, camera_faults, is_analysis, is_quality, is_status
from tests.mock_ministry.history import History
from tests.mock_ministry.memory import Memory, Table
from tests.mock_ministry.tokens import Account, RefusedError, TokenRing

MOST_DELETIONS = 100
LARGEST_PAGE = 500
BUSY = "系统繁忙，请稍后重试"
# Events: the same camera may be in several of them at once.
EVENT_VERBS = frozenset({"ReportAnalyse", "ReporlAnalyse"})

# Code, words, and what follows them in the answer.
Verdict = tuple[int, str, dict[str, Any]]


class MalformedError(Exception):
    """Answered with code 400."""


class UnknownError(Exception):
    """Answered with code 404."""


@dataclass
class Call:
    """One request; `count` is how many things it brings, `cameras` their numbers in lower case."""

    method: str
    verb: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes
    department: str = ""
    count: int = 0
    cameras: tuple[str, ...] = ()
    body: Any = None
    body_fault: str = ""

    def read_body(self) -> None:
        if self.method != "POST":
            return
        try:
            self.body = json.loads(self.raw)
        except ValueError as error:
            self.body_fault = f"不是 JSON：{error}"
            return
        self.cameras = tuple(dict.fromkeys(number.lower() for number in _numbers(self.body)))


def _numbers(body: Any) -> list[str]:
    if isinstance(body, dict):
        named = body.get("cameras")
        return [str(number) for number in named] if isinstance(named, list) else []
    if not isinstance(body, list):
        return []
    return [str(item["cameraNum"]) for item in body if isinstance(item, dict) and "cameraNum" in item]


class Verbs:
    def __init__(
        self, account: Account, memory: Memory, history: History, *, has_ledger_verbs: bool = True
    ) -> None:
        self.memory = memory
        self.history = history
        self.ring = TokenRing(account, memory)
        self._account = account
        self._verbs: dict[str, tuple[str, Callable[[Call, Collection[str]], dict[str, Any]]]] = {
            "TokenInfo": ("GET", self._token_info),
            "VideoInformation": ("POST", self._video_information),
            "VideoInformationDel": ("POST", self._video_information_del),
            "ReportCameraStatus": ("POST", self._status),
            "ReportCameraQuality": ("POST", self._quality),
            "ReportAnalyse": ("POST", self._analyse),
            # As the document prints it in its address line.
            "ReporlAnalyse": ("POST", self._analyse),
        }
        if has_ledger_verbs:
            self._verbs["GetDepartmentVideoInfo"] = ("GET", self._ledger_page)
            self._verbs["GetCameraStatus"] = ("GET", self._status_page)

    def answer(self, call: Call, unwanted: Collection[str] = ()) -> Verdict:
        """Do what is asked; the items of `unwanted` cameras are refused for the moment."""
        if refusal := self.refusal(call):
            return refusal
        try:
            body = self._verbs[call.verb][1](call, unwanted)
        except (MalformedError, RefusedError, UnknownError) as error:
            return _code_of(error), str(error), {}
        return 200, str(body.pop("msg", "成功")), body

    def refusal(self, call: Call) -> Verdict | None:
        """Why this call is not even looked into."""
        try:
            self._check(call)
        except (MalformedError, RefusedError, UnknownError) as error:
            return _code_of(error), str(error), {}
        return None

    def _check(self, call: Call) -> None:
        if call.verb not in self._verbs:
            raise UnknownError(f"没有接口 {call.verb}")
        method, _ = self._verbs[call.verb]
        if call.method != method:
            raise MalformedError(f"{call.verb} 应使用 {method}")
        if not call.headers.get("TAuth"):
            raise RefusedError("缺少 HTTP 头 TAuth")
        if call.headers.get("AppVersion") != "v1.0":
            raise MalformedError("HTTP 头 AppVersion 应为 v1.0")
        if call.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise MalformedError("HTTP 头 Content-Type 应为 application/json")
        if call.verb != "TokenInfo":
            self.ring.check(call.headers["TAuth"])
            if call.query.get("user") != self._account.user:
                raise RefusedError("user 与令牌不符")
        if call.body_fault:
            raise MalformedError(call.body_fault)

    def _token_info(self, call: Call, _unwanted: Collection[str]) -> dict[str, Any]:
        given = {name: call.query.get(name, "") for name in ("user", "deviceCode", "token", "sign")}
        given["deviceCode"] = given["deviceCode"].replace(" ", "+")
        token = self.ring.exchange(
            user=given["user"], device_code=given["deviceCode"], token=given["token"], sign=given["sign"]
        )
        return {"token": {"user": given["user"], "deviceCode": given["deviceCode"], "token": token}}

    def _video_information(self, call: Call, unwanted: Collection[str]) -> dict[str, Any]:
        items = _items(call)
        call.department = "、".join(sorted({str(item.get("department", "")) for item in items}))[:80]
        results = []
        accepted: dict[str, Item] = {}
        for item in items:
            faults = camera_faults(item)
            key = str(item.get("cameraNum", "")).lower()
            if key in unwanted:
                faults.append(BUSY)
            if faults:
                info = "；".join(faults)
            else:
                known = accepted.get(key) or self.memory.cameras.rows.get(key)
                info = "注册成功" if known is None else "未变化" if known == item else "修改成功"
                accepted[key] = item
            results.append(_result(item.get("cameraNum", ""), not faults, info))
        self.memory.cameras.put(accepted.items())
        self.history.add_all("record", accepted.items())
        return {"backResult": results}

    def _video_information_del(self, call: Call, unwanted: Collection[str]) -> dict[str, Any]:
        numbers = call.body.get("cameras") if isinstance(call.body, dict) else None
        if not isinstance(numbers, list) or not numbers:
            raise MalformedError("cameras 应为非空数组")
        call.count = len(numbers)
        if len(numbers) > MOST_DELETIONS:
            raise MalformedError(f"cameras 有 {len(numbers)} 个编号，最多 {MOST_DELETIONS} 个")
        results = []
        gone: dict[str, None] = {}
        for number in numbers:
            key = str(number).lower()
            if key in unwanted:
                results.append(_result(number, False, BUSY))
                continue
            is_known = key in self.memory.cameras.rows and key not in gone
            gone[key] = None
            results.append(_result(number, is_known, "删除成功" if is_known else "摄像机不存在"))
        self.memory.forget_cameras(list(gone))
        self.history.add_all("record", gone.items())
        return {"backResult": results}

    def _status(self, call: Call, _unwanted: Collection[str]) -> dict[str, Any]:
        return self._report(call, is_status, "online", self.memory.statuses, "status")

    def _quality(self, call: Call, _unwanted: Collection[str]) -> dict[str, Any]:
        return self._report(call, is_quality, "cameraStatus", self.memory.qualities, "quality")

    def _report(
        self, call: Call, is_right: Callable[[Item], bool], name: str, table: Table, what: str
    ) -> dict[str, Any]:
        good, msg = self._sort_out(_items(call), call, is_right, name)
        pairs = [(str(item["cameraNum"]).lower(), item[name]) for item in good]
        table.put(pairs)
        self.history.add_all(what, pairs)
        return {"msg": msg}

    def _analyse(self, call: Call, _unwanted: Collection[str]) -> dict[str, Any]:
        good, msg = self._sort_out(_items(call), call, is_analysis, "data")
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

    def _ledger_page(self, call: Call, _unwanted: Collection[str]) -> dict[str, Any]:
        rows, total = self._page(call)
        return {"total": total, "videoInfo": rows}

    def _status_page(self, call: Call, _unwanted: Collection[str]) -> dict[str, Any]:
        """A camera of which no status was told counts as offline."""
        rows, total = self._page(call)
        told = self.memory.statuses.rows
        wire = [
            {"cameraNum": row["cameraNum"], "onlineStatus": told.get(row["cameraNum"].lower(), 0)}
            for row in rows
        ]
        return {"total": total, "cameraStatus": wire}

    def _page(self, call: Call) -> tuple[list[Item], int]:
        number, size = _whole(call, "currPage", 1), _whole(call, "pageSize", LARGEST_PAGE)
        if size > LARGEST_PAGE:
            raise MalformedError(f"pageSize 最大 {LARGEST_PAGE}")
        rows = list(self.memory.cameras.rows.values())
        if call.department:
            rows = [row for row in rows if row["department"] == call.department]
            if not rows:
                raise UnknownError(f"单位不存在：{call.department}")
        page = rows[(number - 1) * size : number * size]
        call.count = len(page)
        return page, len(rows)


def _code_of(error: Exception) -> int:
    return {MalformedError: 400, RefusedError: 403, UnknownError: 404}[type(error)]


def _whole(call: Call, name: str, default: int) -> int:
    value = call.query.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise MalformedError(f"{name}={value!r} 应为正整数")
    return int(value)


def _items(call: Call) -> list[Item]:
    body = call.body
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise MalformedError("应为对象的数组")
    call.count = len(body)
    return body


def _result(number: object, is_done: bool, info: str) -> dict[str, Any]:
    return {"cameraNum": number, "status": 0 if is_done else 1, "info": info}
