"""Gateways at work: random operations on cameras of their own, through the real verbs, from several threads."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

from deploy.demo.files import HOST

COMPANIES = {
    "京沪高速公路股份有限公司": ("济南管理处", "泰安管理处"),
    "齐鲁交通发展集团": ("潍坊管理处",),
    "沿海高速公路公司": ("烟台管理处", "威海管理处"),
    "青银高速公路公司": ("青岛管理处",),
}
# Bytes that a careless copy would change: blanks, escapes, an order of keys, characters beyond the BMP.
_DATA = '{{ "mark":"{mark}",  "subject": "flow", "value":{value}, "note":"\\u62e5\\u5835 {text}\\n" }}'
_TEXTS = ("畅通", "拥堵🚗", "a\\tb", "<&>'")
_MOST_OF_A_BATCH = 12
_GIVE_UP_SECONDS = 90

Record = dict[str, Any]


class Gateway(threading.Thread):
    """One of several under the same partner; no two of them ever touch the same camera."""

    def __init__(
        self, number: int, *, port: int, partner: Mapping[str, str], seed: int, cameras: int
    ) -> None:
        super().__init__(name=f"gateway-{number}", daemon=True)
        self.done: Counter[str] = Counter()
        self.repeated = 0
        self.failure: BaseException | None = None
        self.is_enough: Callable[[int], bool] = lambda _: True
        self._number = number
        self._partner = partner
        self._chance = random.Random(f"{seed}/{number}")
        self._pool = urllib3.HTTPConnectionPool(HOST, port, maxsize=1)
        self._most = cameras
        self._live: dict[str, Record] = {}
        self._gone: dict[str, Record] = {}
        self._marks = 0
        self._kinds: dict[str, tuple[int, Callable[[], None]]] = {
            "create": (10, self._create),
            "modify": (24, self._modify),
            "move": (8, self._move),
            "delete": (8, self._delete),
            "recreate": (8, self._recreate),
            "status": (24, self._status),
            "quality": (10, self._quality),
            "analyse": (8, self._analyse),
        }

    def run(self) -> None:
        """Operations, paced by `is_enough`, which waits its turn and says whether that was the last."""
        try:
            while not self.is_enough(self.done.total()):
                self.operate()
        except BaseException as error:  # noqa: BLE001  told by whoever waits for this thread
            self.failure = error

    def operate(self) -> None:
        names = list(self._kinds)
        (name,) = self._chance.choices(names, [self._kinds[each][0] for each in names])
        self._kinds[name][1]()
        self.done[name] += 1

    def touch(self, keys: set[str]) -> None:
        """Modify those of these cameras that are here: what was parked because of them is tried again."""
        mine = [self._changed(self._live[key]) for key in sorted(keys & self._live.keys())]
        for begin in range(0, len(mine), _MOST_OF_A_BATCH):
            self._register(mine[begin : begin + _MOST_OF_A_BATCH])

    def _create(self) -> None:
        known = len(self._live) + len(self._gone)
        room = min(self._most - known, self._chance.randint(1, _MOST_OF_A_BATCH))
        if room <= 0:
            self._modify()
            return
        self._register([self._new(known + n) for n in range(room)])

    def _new(self, n: int) -> Record:
        department = self._chance.choice(list(COMPANIES))
        return {
            "department": department,
            "cameraNum": f"{self._number:08X}-166a-48f8-9a57-{n:012d}",
            "cameraName": f"G2 {self._number} 区 {n} 号",
            "longAndLati": f"{117 + n / 1000}/{36 + self._number / 100}",
            "road": self._chance.choice(("G2", "G20", "S38&G15")),
            "classify": self._chance.randint(0, 7),
            "cameraOrientation": self._chance.randint(0, 2),
            "pileNum": f"K{400 + n}+300",
            "area": "370100",
            "roadSec": self._chance.choice(COMPANIES[department]),
            "cameraType": self._chance.randint(1, 4),
            "gatewayNum": "",
            "poiName": "",
            "others": self._mark(),
        }

    def _mark(self) -> str:
        """Different for each record ever sent, so that the versions can be told apart."""
        self._marks += 1
        return f"第 {self._number}-{self._marks} 次登记"

    def _some(self, records: Mapping[str, Record], most: int = _MOST_OF_A_BATCH) -> list[Record]:
        count = min(len(records), self._chance.randint(1, most))
        return [records[key] for key in self._chance.sample(sorted(records), count)]

    def _changed(self, record: Record) -> Record:
        what = self._chance.choice(
            (
                {"cameraName": f"{record['cameraName'].split('（')[0]}（{self._marks}）"},
                {"cameraType": self._chance.randint(1, 4), "poiName": f"兴趣点 {self._marks}"},
                {"longAndLati": f"{117 + self._chance.randrange(10**6) / 10**6}/36.5"},
                {"pileNum": f"K{self._chance.randint(1, 1400)}+{self._chance.randint(0, 999):03d}"},
            )
        )
        return {**record, **what, "others": self._mark()}

    def _moved(self, record: Record) -> Record:
        department = self._chance.choice([name for name in COMPANIES if name != record["department"]])
        office = self._chance.choice(COMPANIES[department])
        return {**record, "department": department, "roadSec": office, "others": self._mark()}

    def _modify(self) -> None:
        self._register([self._changed(record) for record in self._some(self._live)])

    def _move(self) -> None:
        self._register([self._moved(record) for record in self._some(self._live)])

    def _recreate(self) -> None:
        self._register(
            [self._chance.choice((self._changed, self._moved))(record) for record in self._some(self._gone)]
        )

    def _register(self, records: list[Record]) -> None:
        if not records:
            return
        results = self._call("VideoInformation", records)["backResult"]
        assert [result["status"] for result in results] == [0] * len(records), results
        for record in records:
            key = record["cameraNum"].lower()
            self._live[key] = record
            self._gone.pop(key, None)

    def _delete(self) -> None:
        records = self._some(self._live, most=max(1, len(self._live) // 5))
        if records:
            # Status 1 is what a repeated deletion gets: no such camera any more.
            self._call("VideoInformationDel", {"cameras": [record["cameraNum"] for record in records]})
        for record in records:
            key = record["cameraNum"].lower()
            self._gone[key] = self._live.pop(key)

    def _of_one_company(self) -> tuple[str, list[Record]]:
        if not self._live:
            return "", []
        department = self._chance.choice(sorted({record["department"] for record in self._live.values()}))
        there = {key: record for key, record in self._live.items() if record["department"] == department}
        return department, self._some(there, most=3 * _MOST_OF_A_BATCH)

    def _status(self) -> None:
        self._report("ReportCameraStatus", "online", lambda: self._chance.choice((0, 1, 1, 2)))

    def _quality(self) -> None:
        self._report(
            "ReportCameraQuality", "cameraStatus", lambda: "".join(self._chance.choices("0001", k=9))
        )

    def _analyse(self) -> None:
        self._report(
            "ReportAnalyse",
            "data",
            lambda: _DATA.format(
                mark=self._mark(), value=self._chance.random(), text=self._chance.choice(_TEXTS)
            ),
        )

    def _report(self, verb: str, name: str, value: Callable[[], object]) -> None:
        department, records = self._of_one_company()
        if records:
            items = [{"cameraNum": record["cameraNum"], name: value()} for record in records]
            self._call(verb, items, department=department)

    def _call(self, verb: str, body: object, **query: str) -> dict[str, Any]:
        """The answer once it is code 200; while database or broker are away the same is said again."""
        url = f"/service/video.{verb}?{urlencode({'user': self._partner['user'], **query})}"
        headers = {
            "TAuth": self._partner["token"],
            "AppVersion": "v1.0",
            "Content-Type": "application/json",
        }
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        told: object = None
        while time.monotonic() < deadline:
            try:
                answer = self._pool.request(
                    "POST", url, body=json.dumps(body).encode(), headers=headers, timeout=20, retries=False
                )
                told = answer.json()
                if isinstance(told, dict) and told["code"] == 200:
                    return told
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                told = error
            self.repeated += 1
            time.sleep(0.2)
        raise AssertionError(f"{verb}: {told}")
