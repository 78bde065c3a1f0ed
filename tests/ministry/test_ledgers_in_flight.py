"""While a check reads their ledger, cameras are registered, changed and deleted: none of that is a difference."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from access.actors import SYSTEM
from cameras.models import Camera
from ministry.models import CameraDelivery, LedgerDifference, UpperPlatform
from ministry.services.reconciliation import AUTOMATIC, check_and_repair, check_ledger, repair
from ministry.services.sync import sync_platform
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.ministry.holding import LEDGER, STATUS, Holding
from tests.ministry.upper import delivery, only_platform, sync
from tests.protocol.peer import Reply, Request

pytestmark = [pytest.mark.django_db(transaction=True)]

Change = Callable[[], object]


@pytest.fixture(autouse=True)
def side_by_side(holding: Holding) -> None:
    """The check has one of the platform's slots, what happens meanwhile the other."""
    UpperPlatform.objects.update(concurrency=2)


def meanwhile(holding: Holding, change: Change, verb: str = LEDGER, page: str = "2") -> None:
    """`change` happens in another process between making that page and sending it, once."""
    waiting = [change]

    def work(change: Change) -> None:
        change()
        connection.close()

    def respond(request: Request) -> Reply | None:
        if waiting and request.path.endswith(verb) and request.query["currPage"] == page:
            page_of_before = Holding(holding.cameras, holding.statuses, holding.page_size).respond(request)
            thread = threading.Thread(target=work, args=(waiting.pop(),))
            thread.start()
            thread.join()
            return page_of_before
        return None

    holding.page_size = 1
    holding.before = respond


def nothing_found() -> None:
    before = dict(CameraDelivery.objects.values_list("camera", "version"))
    result = check_and_repair(platform=only_platform())
    assert result.error == ""
    assert not LedgerDifference.objects.exists()
    assert result.differences == 0
    after = dict(CameraDelivery.objects.values_list("camera", "version"))
    assert all(after.get(key, version) >= version for key, version in before.items())


def deliver() -> None:
    sync_platform(platform=only_platform())


@pytest.mark.parametrize("page", ["1", "2", "3"])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_modification(holding: Holding, cameras: Caller, page: str, is_told: bool) -> None:
    def change() -> None:
        register(cameras, wire(2, poiName="黄河大桥"))
        if is_told:
            deliver()

    meanwhile(holding, change, page=page)
    nothing_found()


@pytest.mark.parametrize("page", ["1", "2", "3"])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_new_camera(holding: Holding, cameras: Caller, page: str, is_told: bool) -> None:
    def change() -> None:
        register(cameras, wire(4))
        if is_told:
            deliver()

    meanwhile(holding, change, page=page)
    nothing_found()


@pytest.mark.parametrize("page", ["1", "2", "3"])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_deletion(holding: Holding, cameras: Caller, page: str, is_told: bool) -> None:
    def change() -> None:
        cameras.post("VideoInformationDel", {"cameras": [number(2)]})
        if is_told:
            deliver()

    meanwhile(holding, change, page=page)
    nothing_found()


@pytest.mark.parametrize("page", ["1", "2", "3"])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_status(holding: Holding, page: str, is_told: bool) -> None:
    def change() -> None:
        Camera.objects.filter(pk=camera(2).pk).update(status=1)
        if is_told:
            deliver()

    meanwhile(holding, change, STATUS, page)
    nothing_found()


def test_a_deletion_that_was_owed_when_the_check_began(holding: Holding, cameras: Caller) -> None:
    """The page shows the camera, and by the time it is compared nothing of the deletion is left to see."""
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    meanwhile(holding, deliver, page="1")
    nothing_found()
    assert number(1) not in holding.cameras


def test_a_registration_that_was_under_way_when_the_check_began(holding: Holding, cameras: Caller) -> None:
    """The page was made before it took effect; the acknowledgement comes before the page is compared."""
    register(cameras, wire(1, poiName="黄河大桥"))
    rows = CameraDelivery.objects.filter(pk=delivery(1).pk)
    rows.update(is_in_doubt=True)

    def acknowledge() -> None:
        # `registered_at` is when it was sent, and so before the check.
        rows.update(version=2, is_in_doubt=False)

    meanwhile(holding, acknowledge, page="1")
    nothing_found()


def test_a_status_that_was_under_way_when_the_check_began(holding: Holding) -> None:
    Camera.objects.filter(pk=camera(1).pk).update(status=1)
    rows = CameraDelivery.objects.filter(pk=delivery(1).pk)
    meanwhile(holding, lambda: rows.update(status=1), STATUS, "1")
    nothing_found()


def test_a_repair_of_another_check(holding: Holding, cameras: Caller) -> None:
    kept = dict(holding.of(1))
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    holding.cameras[number(1)] = kept
    other = check_ledger(platform=only_platform())
    assert other.differences == 1
    meanwhile(holding, lambda: repair(check=other, actor=SYSTEM, kinds=AUTOMATIC))
    assert check_ledger(platform=only_platform()).differences == 0
