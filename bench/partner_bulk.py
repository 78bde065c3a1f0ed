"""Rows of bench/partner_api.py about many cameras at once: long answers and large batches."""

import contextlib
import json
import re
import socket
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.harness import Row, manage
from bench.proc import cpu_seconds, status_mb

_STAMP = re.compile(rb"_0\.flv\?auth_key=(\d+)-")
_ROUNDS = 3


@dataclass(frozen=True)
class Answered:
    """One answer: its size, the server's CPU and how much memory it grew at its peak, and when pieces came."""

    seconds: float
    cpu_seconds: float
    growth_mb: float
    body: bytes
    # When each piece of the body came (unix seconds), and where it ends.
    arrivals: Sequence[tuple[float, int]]


def ask(port: int, pid: int, token: str, path: str, body: bytes = b"") -> Answered:
    """One request on a connection of its own. Memory is the peak of the resident set above its level before."""
    method = "POST" if body else "GET"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTAuth: {token}\r\nAppVersion: v1.0\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    level, cpu, begun = _forget_peak(pid), cpu_seconds(pid), time.monotonic()
    data, arrivals = bytearray(), []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + body)
        while piece := connection.recv(262_144):
            data += piece
            arrivals.append((time.time(), len(data)))
    took = time.monotonic() - begun
    time.sleep(0.1)
    return Answered(took, cpu_seconds(pid) - cpu, (status_mb(pid, "VmHWM") - level), bytes(data), arrivals)


def play_url_rows(port: int, pid: int, token: str, department: str, cameras: int) -> list[Row]:
    """The whole province in one answer."""
    ours_path = f"/service/video.GetCameraPlayURL?department={quote(department)}&videoType=0"
    ask(port, pid, token, ours_path)
    ours, rival, oldest = [], [], 0.0
    for _ in range(_ROUNDS):
        _wait_for_end_of_second()
        answer = ask(port, pid, token, ours_path)
        if (found := answer.body.count(b'"cameraNum"')) != cameras:
            raise RuntimeError(f"{found} cameras in the answer instead of {cameras}")
        ours.append(answer)
        oldest = max(oldest, _oldest_age(answer))
        rival.append(ask(port, pid, token, f"/rival/orm_all?department={quote(department)}"))
    cpu, rival_cpu = _median(ours), _median(rival)
    growth = max(answer.growth_mb for answer in ours)
    rival_growth = max(answer.growth_mb for answer in rival)
    return [
        Row("play_url_20000_cpu", "CPU-s", cpu, rival_cpu, "<= 1/5", cpu <= rival_cpu / 5),
        Row("play_url_20000_growth_mb", "MB", growth, rival_growth, "<= 10", growth <= 10),
        Row("play_url_20000_oldest_s", "s", oldest, None, "<= 1", oldest <= 1),
    ]


def snapshot_rows(
    environment: dict[str, str], port: int, pid: int, token: str, *, most: int, few: int
) -> list[Row]:
    """SnapShot with many entries against few. The pictures are rows only: the verb opens no file."""
    cameras = 250
    slots = -(-most // cameras)
    told = json.loads(manage(environment, "shell", "--no-imports", "-c", _FILL.format(cameras, slots)))
    path = f"/service/video.SnapShot?department={quote(told['department'])}"
    small: list[Answered] = []
    large: list[Answered] = []
    for size, answers in ((few, small), (most, large)) * _ROUNDS:
        begin = told["end"] - (size // cameras) * 300
        answer = ask(port, pid, token, f"{path}&startTime={begin}&endTime={told['end'] - 1}")
        if (found := answer.body.count(b'"cameraNum"')) != size // cameras * cameras:
            raise RuntimeError(f"{found} entries in the answer instead of {size}")
        answers.append(answer)
    growth = max(answer.growth_mb for answer in large)
    # A page or two is noise of the allocator, not growth.
    base = max(max(answer.growth_mb for answer in small), 1.0)
    each = _median(large) / most * 1e6
    return [
        Row("snapshot_500000_growth", "MB", growth, base, "<= 1.5 x", growth <= 1.5 * base),
        Row("snapshot_us_per_entry", "CPU-us", each, None, "<= 6", each <= 6),
    ]


def register_rows(port: int, pid: int, token: str, *, items: int) -> list[Row]:
    """A mixed batch: half new, a fifth changed, a quarter as it was, the rest wrong or twice."""
    ours: list[float] = []
    rival: list[float] = []
    for turn in range(_ROUNDS):
        for name, path, rates in (
            ("a", "/service/video.VideoInformation", ours),
            ("b", "/rival/register", rival),
        ):
            known = [_camera(f"{name}{turn}", n) for n in range(items // 2)]
            _verdicts(ask(port, pid, token, path, json.dumps(known).encode()), len(known))
            batch = _mixed(f"{name}{turn}", items)
            answer = ask(port, pid, token, path, json.dumps(batch).encode())
            refused = _verdicts(answer, len(batch))
            if refused != items // 50:
                raise RuntimeError(f"{path} refused {refused} items instead of {items // 50}")
            rates.append(items / answer.seconds)
    mine, theirs = statistics.median(ours), statistics.median(rival)
    return [Row("register_10000", "items/s", mine, theirs, ">= 4 x", mine >= 4 * theirs)]


def _mixed(salt: str, items: int) -> list[dict[str, object]]:
    known = items // 2
    batch = [_camera(salt, n) for n in range(known - items // 4, known)]
    batch += [_camera(salt, n, cameraName=f"改名 {n}") for n in range(items // 5)]
    batch += [_camera(salt, n, longAndLati="200/91") for n in range(10**6, 10**6 + items // 50)]
    batch += [_camera(salt, n) for n in range(known - items // 100, known)]
    return batch + [_camera(salt, n) for n in range(known, known + items - len(batch))]


def _camera(salt: str, n: int, **changes: object) -> dict[str, object]:
    number = uuid.UUID(bytes=uuid.uuid5(uuid.NAMESPACE_OID, f"{salt}-{n}").bytes, version=4)
    return {
        "department": f"试验公司{n % 7}",
        "cameraNum": str(number),
        "cameraName": f"G42 沪蓉高速 {n}",
        "longAndLati": f"118.{n % 900_000:06d}/32.15870",
        "road": "G42",
        "classify": n % 8,
        "cameraOrientation": n % 3,
        "pileNum": f"K{n % 2000}+{n % 10}00",
        "area": "320113",
        "roadSec": f"第 {n % 3} 管理处",
        "cameraType": 1 + n % 4,
        "gatewayNum": "",
        "poiName": "沪蓉高速",
        "others": "",
        **changes,
    }


def _verdicts(answer: Answered, items: int) -> int:
    """How many items were refused; every item must have its verdict."""
    results = json.loads(answer.body.partition(b"\r\n\r\n")[2])["backResult"]
    if len(results) != items:
        raise RuntimeError(f"{len(results)} verdicts for {items} items")
    return sum(result["status"] != 0 for result in results)


def _median(answers: Sequence[Answered]) -> float:
    return statistics.median(answer.cpu_seconds for answer in answers)


def _wait_for_end_of_second() -> None:
    """So that signing crosses into the next second, where its time can be told exactly."""
    time.sleep((0.85 - time.time()) % 1)


def _oldest_age(answer: Answered) -> float:
    """Age of the oldest URL when its byte came. The time in a signature is rounded up to a whole second, so
    only the first URL of each second tells exactly when it was signed; the bound is taken from those."""
    oldest, last = 0.0, None
    arrivals = iter(answer.arrivals)
    came, end = next(arrivals)
    for match in _STAMP.finditer(answer.body):
        while match.end() > end:
            came, end = next(arrivals)
        signed_before = int(match[1]) - 5
        # Never newer than this; of the first in its second, also never older by more than a piece.
        age = came - signed_before if last is None or last == signed_before else came - (signed_before - 1)
        oldest, last = max(oldest, age), signed_before
    return oldest


def _forget_peak(pid: int) -> float:
    """Sets the peak back to the present level, which is returned."""
    with contextlib.suppress(PermissionError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status_mb(pid, "VmRSS")


# One company gets so many cameras and each of them a picture in every slot of the last days.
_FILL = """
import json, time
from datetime import timedelta
from django.db import connection
from cameras.models import Camera
from cameras.selectors import department_name
from access.models import Organisation
from snapshots.slots import slot_at
from access.days import day_of
from snapshots.services.partitions import ensure_day
cameras, slots = {0}, {1}
company = Organisation.objects.filter(kind=1).order_by("pk").first()
office = Organisation.objects.create(parent=company, name="截图试验处", kind=2)
ids = list(Camera.objects.order_by("pk").values_list("pk", flat=True)[:cameras])
Camera.objects.filter(pk__in=ids).update(organisation=office)
end = int(time.time()) // 300 * 300
begin = end - slots * 300
day = day_of(slot_at(begin))
while day <= day_of(slot_at(end)):
    ensure_day(day)
    day += timedelta(days=1)
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO snapshots_snapshot (camera_id, slot_at, taken_at, result, size_bytes, width, height) "
        "SELECT c, to_timestamp(s), to_timestamp(s + 7), 0, 16000, 352, 288 "
        "FROM unnest(%s::bigint[]) c, generate_series(%s, %s, 300) s",
        [ids, begin, end - 300],
    )
    cursor.execute("ANALYZE snapshots_snapshot")
print(json.dumps({{"department": office.name, "end": end}}))
"""
