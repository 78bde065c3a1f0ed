"""What an upper platform holds is compared with what it acknowledged, camera by camera."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.models import Organisation
from cameras.models import Camera
from ministry.choices import DifferenceKind
from ministry.models import CameraDelivery, LedgerCheck, LedgerDifference, UpperPlatform
from ministry.services.reconciliation import check_ledger
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.ministry.holding import LEDGER, STATUS, Holding
from tests.ministry.upper import delivery, only_platform, sync
from tests.protocol.peer import Peer, Reply, Request, reply

pytestmark = [pytest.mark.django_db]

STRANGER = "0f1c5a4e-6f0b-4a55-9d3b-000000000099"


def check() -> LedgerCheck:
    return check_ledger(platform=only_platform())


def found() -> list[tuple[DifferenceKind, str]]:
    rows = LedgerDifference.objects.order_by("kind", "number").values_list("kind", "number")
    return [(DifferenceKind(kind), num) for kind, num in rows]


def only_detail() -> str:
    return LedgerDifference.objects.get().detail


def test_what_they_hold_as_acknowledged_is_no_difference(holding: Holding) -> None:
    result = check()
    assert (result.is_by_ledger, result.error) == (True, "")
    assert (result.ours, result.theirs, result.compared, result.differences) == (3, 3, 3, 0)
    assert result.began_at <= result.ended_at
    assert found() == []


def test_what_they_lost_is_missing(holding: Holding) -> None:
    holding.lose(2)
    result = check()
    assert (result.theirs, result.compared, result.differences) == (2, 3, 1)
    assert found() == [(DifferenceKind.MISSING, number(2))]
    assert LedgerDifference.objects.get().camera == camera(2)


def test_what_they_hold_otherwise_is_told_field_by_field(holding: Holding) -> None:
    holding.of(1).update(cameraName="旧名称", pileNum="K1+000", others=None, poiName=None)
    assert check().differences == 1
    assert found() == [(DifferenceKind.CONTENT, number(1))]
    assert only_detail() == (
        "名称：我方“G2 京沪高速 济南段 1 号”，对方“旧名称”；桩号：我方“K401+300”，对方“K1+000”；"
        "兴趣点：我方“京沪高速”，对方“”"
    )


@pytest.mark.parametrize(
    "notation",
    [
        {"classify": "1", "cameraOrientation": "0", "cameraType": "2"},
        {"cameraOrientation": "上行", "area": 370100},
        {"longAndLati": "117.000900/36.67580"},
        {"longAndLati": " 117.0009 / 36.6758 ", "cameraName": " G2 京沪高速 济南段 1 号 "},
        {"cameraNum": number(1).upper(), "pileNum": "k401+300"},
        {"gatewayNum": None, "others": None},
    ],
)
def test_another_notation_is_no_difference(holding: Holding, notation: dict[str, Any]) -> None:
    holding.of(1).update(notation)
    assert check().differences == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"longAndLati": "117.0009/36.6759"},
        {"longAndLati": "不详"},
        {"longAndLati": None},
        {"classify": 2},
        {"classify": "一"},
        {"area": 370101},
        {"department": "齐鲁交通"},
        {"cameraOrientation": ["上行"]},
        {"poiName": 5},
        {"gatewayNum": "GW-1"},
    ],
)
def test_another_meaning_is_a_difference(holding: Holding, changes: dict[str, Any]) -> None:
    holding.of(1).update(changes)
    check()
    assert found() == [(DifferenceKind.CONTENT, number(1))]


def test_a_field_that_they_never_tell_says_nothing(holding: Holding) -> None:
    for entry in holding.cameras.values():
        del entry["poiName"]
    assert check().differences == 0
    holding.of(1)["poiName"] = "京沪高速"
    check()
    assert found() == [(DifferenceKind.CONTENT, number(2)), (DifferenceKind.CONTENT, number(3))]


def test_a_status_that_differs_is_named(holding: Holding) -> None:
    holding.statuses |= {number(1): 2, number(2): "0", number(3): None}
    check()
    assert found() == [(DifferenceKind.STATUS, number(1)), (DifferenceKind.STATUS, number(3))]
    details = list(LedgerDifference.objects.order_by("number").values_list("detail", flat=True))
    assert details == ["状态：我方“离线”，对方“故障”", "状态：我方“离线”，对方“无”"]


def test_a_status_that_was_never_told_cannot_differ(holding: Holding) -> None:
    CameraDelivery.objects.filter(camera=camera(1)).update(status=None)
    holding.statuses[number(1)] = 2
    assert check().differences == 0


def test_what_we_deleted_and_they_kept_is_surplus(holding: Holding, cameras: Caller) -> None:
    kept = dict(holding.of(1))
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    # The deletion is owed, and so on its way.
    assert check().differences == 0
    sync()
    assert check().differences == 0
    holding.cameras[number(1)] = kept
    check()
    assert found() == [(DifferenceKind.SURPLUS, number(1))]


def test_what_lies_outside_their_scope_is_a_stranger(holding: Holding) -> None:
    """Another record of ours, or a section itself, may have told them of it."""
    kept = dict(holding.of(1))
    UpperPlatform.objects.update(organisation=Organisation.objects.get(name="齐鲁交通"))
    sync()
    assert sorted(holding.cameras) == [number(3)]
    holding.cameras[number(1)] = kept
    result = check()
    assert (result.ours, result.theirs) == (1, 2)
    assert found() == [(DifferenceKind.STRANGER, number(1))]


def test_a_number_that_was_never_ours_is_a_stranger(holding: Holding) -> None:
    holding.cameras[STRANGER] = {"cameraNum": STRANGER, "cameraName": "别省\0的" + "长" * 300}
    check()
    assert found() == [(DifferenceKind.STRANGER, STRANGER)]
    row = LedgerDifference.objects.get()
    assert (row.camera, row.name[:5], len(row.name)) == (None, "别省 的长", 128)


def test_all_kinds_at_once_and_only_of_the_newest_check(holding: Holding) -> None:
    holding.lose(1)
    first = check()
    holding.of(2)["road"] = "G3"
    holding.statuses[number(2)] = 1
    holding.cameras[STRANGER] = {"cameraNum": STRANGER}
    second = check()
    assert (first.differences, second.differences) == (1, 4)
    assert set(LedgerDifference.objects.values_list("ledger_check", flat=True)) == {second.pk}
    assert LedgerCheck.objects.count() == 2


@pytest.mark.parametrize("answer", [reply(404), Reply(b"<html>404</html>", 404), reply(404, 404)])
def test_without_the_ledger_verb_acknowledgements_are_counted(
    holding: Holding, cameras: Caller, answer: Reply
) -> None:
    register(cameras, wire(4), wire(1, poiName="黄河大桥"))
    holding.before = lambda request: answer if "Get" in request.path else None
    holding.lose(2)
    result = check()
    assert (result.is_by_ledger, result.error) == (False, "")
    # Camera 4 is to be registered and camera 1 to be modified.
    assert (result.ours, result.theirs, result.compared, result.differences) == (4, 3, 2, 2)
    assert found() == []


def test_one_answer_that_the_verb_is_unknown_is_not_believed(holding: Holding) -> None:
    holding.lose(1)
    assert check().differences == 1
    holding.before = lambda request: reply(404) if "Get" in request.path else None
    doubted = check()
    assert (doubted.is_by_ledger, doubted.error[:8]) == (True, "对方此前提供台账")
    # What was found before still stands.
    assert found() == [(DifferenceKind.MISSING, number(1))]
    assert (check().is_by_ledger, found()) == (False, [])


def test_without_the_status_verb_the_ledger_is_still_compared(holding: Holding) -> None:
    holding.before = lambda request: reply(404) if request.path.endswith(STATUS) else None
    holding.statuses[number(1)] = 2
    holding.lose(3)
    assert check().error == ""
    assert found() == [(DifferenceKind.MISSING, number(3))]


class TestPages:
    def test_they_are_asked_by_number_and_read_to_the_end(self, holding: Holding, odd: Peer) -> None:
        holding.page_size = 2
        assert (check().compared, check().theirs) == (3, 3)
        asked = [request.query for request in odd.of(LEDGER)[:2]]
        assert asked == [{"currPage": str(n), "pageSize": "500", "user": "province"} for n in (1, 2)]

    def test_a_full_last_page_is_followed_by_an_empty_one(self, holding: Holding, odd: Peer) -> None:
        many(holding, 500)
        assert (check().theirs, len(odd.of(LEDGER))) == (500, 2)

    @pytest.mark.parametrize("code", [400, 404])
    def test_a_page_beyond_the_last_may_be_refused(self, holding: Holding, odd: Peer, code: int) -> None:
        many(holding, 500)
        holding.before = lambda request: reply(code) if request.query.get("currPage") == "2" else None
        assert (check().theirs, check().error) == (500, "")

    def test_the_last_page_may_come_again_and_again(self, holding: Holding) -> None:
        def again(request: Request) -> Reply | None:
            request.query["currPage"] = "1"
            return None

        many(holding, 500)
        holding.before = again
        assert (check().theirs, check().error) == (500, "")

    def test_what_slips_from_page_to_page_is_looked_for_again(self, holding: Holding) -> None:
        """Somebody else's camera is deleted between two pages, so that the rest moves up by one."""
        holding.page_size = 2
        holding.cameras = {STRANGER: {"cameraNum": STRANGER}, **holding.cameras}

        def shrink(request: Request) -> Reply | None:
            if request.query.get("currPage") == "2":
                holding.cameras.pop(STRANGER, None)
            return None

        holding.before = shrink
        assert check().error == ""
        assert found() == [(DifferenceKind.STRANGER, STRANGER)]


def test_a_check_asks_as_often_for_thirty_cameras_as_for_three(holding: Holding, cameras: Caller) -> None:
    counts = []
    for most in (3, 30):
        register(cameras, *(wire(n) for n in range(1, most + 1)))
        sync()
        for n in range(1, most + 1):
            holding.of(n)["others"] = "改"
        with CaptureQueriesContext(connection) as queries:
            assert check().differences == most
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 25, counts


def test_a_moving_source_is_told_later_and_does_not_differ(holding: Holding) -> None:
    Camera.objects.filter(pk=camera(1).pk).update(longitude=118.5, is_moved=True)
    result = check()
    assert (result.compared, result.differences) == (2, 0)


@pytest.mark.parametrize(
    "state",
    [
        {"is_in_doubt": True},
        {"version": 0},
        {"claimed_until": datetime(2999, 1, 1, tzinfo=UTC)},
        {"registered_at": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_is_on_its_way_does_not_differ(holding: Holding, state: dict[str, Any]) -> None:
    CameraDelivery.objects.filter(pk=delivery(1).pk).update(**state)
    holding.of(1)["others"] = "改"
    holding.statuses[number(1)] = 2
    assert check().differences == 0
    holding.lose(1)
    assert check().differences == 0


def many(holding: Holding, count: int) -> None:
    """As many cameras there, the first three of them ours."""
    for n in range(len(holding.cameras), count):
        holding.cameras[f"x-{n}"] = {"cameraNum": f"x-{n}"}
