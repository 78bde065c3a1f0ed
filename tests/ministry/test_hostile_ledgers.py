"""Ledgers that lie, repeat themselves, never end or cannot be read: words on the check, and nothing is changed."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from access.models import Alarm
from ministry.choices import DifferenceKind
from ministry.models import CameraDelivery, LedgerCheck, LedgerDifference, UpperPlatform
from ministry.services.reconciliation import check_and_repair, check_ledger
from tests.cameras.ledger import number
from tests.ministry.holding import LEDGER, STATUS, Holding
from tests.ministry.upper import only_platform
from tests.protocol.peer import Peer, Reply, Request, reply
from tests.protocol.test_client import answering_bytes

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def tampered(holding: Holding) -> None:
    """Were it believed, something would be repaired."""
    holding.lose(2)


def refused(words: str) -> LedgerCheck:
    before = list(CameraDelivery.objects.order_by("pk").values())
    result = check_and_repair(platform=only_platform())
    assert words in result.error, result.error
    assert (result.is_by_ledger, result.differences) == (True, 0)
    assert list(CameraDelivery.objects.order_by("pk").values()) == before
    assert not LedgerDifference.objects.exists()
    assert not Alarm.objects.exists()
    return result


def telling(holding: Holding, change: Callable[[int, dict[str, Any]], object], verb: str = LEDGER) -> None:
    """Its answers to `verb` as `change` leaves them, which hears of the page."""

    def respond(request: Request) -> Reply | None:
        if not request.path.endswith(verb):
            return None
        plain = getattr(Holding(holding.cameras, holding.statuses, holding.page_size), f"_{verb}")
        body = json.loads(plain(request).body)
        change(int(request.query["currPage"]), body)
        return reply(**body)

    holding.before = respond


@pytest.mark.parametrize("total", [5, 3, 1, 0])
def test_a_total_that_its_pages_do_not_bear_out(holding: Holding, total: int) -> None:
    telling(holding, lambda _, body: body.update(total=total))
    refused(f"对方称共有 {total} 个点位，实际给出 2 个，与总数不符")


@pytest.mark.parametrize("total", [None, "许多", -1, 1.5, True, 100_001, [2]])
def test_a_total_that_is_none(holding: Holding, total: object) -> None:
    telling(holding, lambda _, body: body.update(total=total))
    refused("第 1 页的 total 应为 0 至 100000 的整数")


def test_a_page_that_comes_again_and_again(holding: Holding, odd: Peer) -> None:
    def repeat(_: int, body: dict[str, Any]) -> None:
        body.update(total=90_000, videoInfo=[{"cameraNum": number(1)}])

    telling(holding, repeat)
    refused("对方称共有 90000 个点位，实际给出 1 个")
    assert len(odd.of(LEDGER)) == 2


def test_pages_without_end(holding: Holding, odd: Peer) -> None:
    def more(page: int, body: dict[str, Any]) -> None:
        body.update(total=700, videoInfo=[{"cameraNum": f"x-{page}-{n}"} for n in range(500)])

    telling(holding, more)
    refused("对方称共有 700 个点位，实际给出 1000 个")
    assert len(odd.of(LEDGER)) == 2


def test_a_total_that_grows_with_every_page(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    def more(page: int, body: dict[str, Any]) -> None:
        body.update(total=100 * page, videoInfo=[{"cameraNum": f"x-{page}"}])

    telling(holding, more)
    monkeypatch.setattr("ministry.services.their_ledger._MOST_PAGES", 20)
    refused("超过 20 页仍未读完")


def test_pages_that_take_too_long_together(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    holding.page_size = 1
    monkeypatch.setattr("ministry.services.their_ledger.LONGEST_SECONDS", 0)
    refused("0 秒内未读完，停在第 1 页")


@pytest.mark.parametrize("rows", [None, {}, "x", 5])
def test_a_list_that_is_none(holding: Holding, rows: object) -> None:
    telling(holding, lambda _, body: body.update(videoInfo=rows))
    refused("第 1 页缺少列表 videoInfo")


@pytest.mark.parametrize(
    "entry",
    [7, None, "x", [], {}, {"cameraNum": None}, {"cameraNum": 7}, {"cameraNum": "  "}]
    + [{"cameraNum": "长" * 65}, {"cameraNum": "a\0b"}],
)
def test_an_entry_that_is_no_camera(holding: Holding, entry: object) -> None:
    telling(holding, lambda _, body: body["videoInfo"].append(entry))
    refused("第 1 页第 3 项没有可识别的 cameraNum")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Reply(b"<html>502 Bad Gateway</html>", 502), "对方的答复无法识别（HTTP 502）"),
        (Reply(b'{"code": 200, "videoInfo": ['), "对方的答复无法识别"),
        (Reply(b"", raw=b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"), "对方无法访问"),
        (reply(500), "答复 500"),
        (reply(400), "答复 400"),
        (reply(200, 500), "上级平台答复 200"),
    ],
)
@pytest.mark.parametrize("verb", [LEDGER, STATUS])
def test_an_answer_that_says_nothing(holding: Holding, answer: Reply, words: str, verb: str) -> None:
    holding.before = lambda request: answer if request.path.endswith(verb) else None
    refused(words)


def test_a_status_list_that_lies_changes_nothing_either(holding: Holding) -> None:
    telling(holding, lambda _, body: body.update(total=50), STATUS)
    refused("GetCameraStatus：对方称共有 50 个点位，实际给出 2 个")


def test_a_ledger_that_vanishes_half_read(holding: Holding) -> None:
    holding.page_size = 1
    holding.before = lambda request: reply(404) if request.query.get("currPage") == "2" else None
    refused("答复 404")


def test_a_slow_drip_is_cut_off(settings: LazySettings) -> None:
    """Each byte comes within the read time-out; the answer as a whole never does."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b" ")

    settings.MINISTRY_READ_SECONDS = 0.5
    with answering_bytes(drip) as base_url:
        UpperPlatform.objects.update(base_url=base_url)
        refused("迟迟没有结束")


def test_a_check_that_failed_leaves_the_differences_of_before(holding: Holding) -> None:
    found = check_ledger(platform=only_platform())
    holding.before = lambda _: reply(500)
    failed = check_ledger(platform=only_platform())
    assert LedgerCheck.objects.count() == 2
    assert failed.error
    row = LedgerDifference.objects.get()
    assert (row.ledger_check, row.kind) == (found, DifferenceKind.MISSING)


def test_it_says_nothing_of_the_interfaces_that_report(holding: Holding) -> None:
    holding.before = lambda _: Reply(b"<html>", 502)
    for _ in range(6):
        check_ledger(platform=only_platform())
    assert UpperPlatform.objects.get().failures == 0
