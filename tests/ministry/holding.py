"""An upper platform with the ledger verbs: it holds what it is told, and a test may tamper with that."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cameras.ledger import number
from tests.protocol.peer import Reply, Request, reply

LEDGER = "GetDepartmentVideoInfo"
STATUS = "GetCameraStatus"


@dataclass
class Holding:
    """`cameras` and `statuses` by number; `page_size` caps its pages, `before` hears of each request first."""

    cameras: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, Any] = field(default_factory=dict)
    page_size: int = 500
    before: Callable[[Request], Reply | None] = lambda _: None

    def respond(self, request: Request) -> Reply:
        verb = request.path.rpartition(".")[2]
        answer = self.before(request)
        return answer or getattr(self, f"_{verb}", lambda _: reply(404))(request)

    def of(self, n: int) -> dict[str, Any]:
        return self.cameras[number(n)]

    def lose(self, n: int) -> None:
        del self.cameras[number(n)]
        del self.statuses[number(n)]

    def _VideoInformation(self, request: Request) -> Reply:
        items = json.loads(request.body)
        self.cameras |= {item["cameraNum"]: item for item in items}
        return reply(200, backResult=[{"cameraNum": item["cameraNum"], "status": 0} for item in items])

    def _VideoInformationDel(self, request: Request) -> Reply:
        results = []
        for num in json.loads(request.body)["cameras"]:
            gone = self.cameras.pop(num, None)
            self.statuses.pop(num, None)
            info = "删除成功" if gone else "摄像机不存在"
            results.append({"cameraNum": num, "status": 0 if gone else 1, "info": info})
        return reply(200, backResult=results)

    def _ReportCameraStatus(self, request: Request) -> Reply:
        self.statuses |= {item["cameraNum"]: item["online"] for item in json.loads(request.body)}
        return reply(200)

    def _ReportCameraQuality(self, request: Request) -> Reply:
        return reply(200)

    def _GetDepartmentVideoInfo(self, request: Request) -> Reply:
        return self._page(request, "videoInfo", list(self.cameras.values()))

    def _GetCameraStatus(self, request: Request) -> Reply:
        rows = [{"cameraNum": num, "onlineStatus": status} for num, status in self.statuses.items()]
        return self._page(request, "cameraStatus", rows)

    def _page(self, request: Request, key: str, rows: list[dict[str, Any]]) -> Reply:
        size = min(int(request.query["pageSize"]), self.page_size)
        begin = (int(request.query["currPage"]) - 1) * size
        page: dict[str, Any] = {"total": len(rows), key: rows[begin : begin + size]}
        return reply(200, **page)
