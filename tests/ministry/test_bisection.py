"""A batch that is refused as a whole: its good cameras get through, the culprit is parked alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from time_machine import TimeMachineFixture

from cameras.services.status import set_stream_presence
from ministry.choices import Interface
from ministry.models import CameraDelivery, DeliveryTrouble, InterfaceState
from ministry.services.sync import sync_platform
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.ministry.upper import accepted, delivery, only_platform, sent, sync, trouble
from tests.protocol.peer import Peer, Reply, Request, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)
CULPRIT = 5


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def refusing(verb: str, code: int) -> Callable[[Request], Reply]:
    """Answers `code` to every request of that verb in which the culprit is."""

    def respond(request: Request) -> Reply:
        if request.path.endswith("Del"):
            return reply(200, backResult=[])
        if request.path.endswith(verb) and number(CULPRIT) in sent(request):
            return reply(code, msg="第 5 条不合格式")
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    return respond


def test_a_malformed_one_is_found_at_once(odd: Peer, cameras: Caller) -> None:
    register(cameras, *[wire(n) for n in range(4, 9)])
    odd.respond = refusing("VideoInformation", 400)
    sync()
    assert accepted() == {1, 2, 3, 4, 6, 7, 8}
    assert delivery(CULPRIT).is_in_doubt is False
    assert "第 5 条不合格式" in trouble(CULPRIT).reason
    assert trouble(CULPRIT).parked_at == NOON
    assert [len(sent(request)) for request in odd.of("VideoInformation")] == [8, 3, 3, 2, 1, 1, 1]
    assert DeliveryTrouble.objects.count() == 1
    assert only_platform().failures == 0


@pytest.mark.parametrize(("words", "is_forgotten"), [("摄像机不存在", True), ("没有此接口", False)])
def test_a_deletion_of_one_that_is_not_there_holds_up_no_other(
    odd: Peer, cameras: Caller, words: str, is_forgotten: bool
) -> None:
    register(cameras, *[wire(n) for n in range(4, 9)])
    odd.respond = refusing("VideoInformation", 200)
    sync()

    def respond(request: Request) -> Reply:
        gone = json.loads(request.body)["cameras"]
        if number(CULPRIT) in gone:
            return reply(404, msg=words)
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in gone])

    odd.respond = respond
    cameras.post("VideoInformationDel", {"cameras": [number(n) for n in range(1, 9)]})
    for _ in range(4):
        sync()
    left = CameraDelivery.objects.values_list("camera__number", flat=True)
    assert list(left) == ([] if is_forgotten else [number(CULPRIT)])


def test_one_that_makes_them_fail_is_found_after_three_failures_running(
    odd: Peer, cameras: Caller, clock: TimeMachineFixture
) -> None:
    register(cameras, *[wire(n) for n in range(4, 21)])
    odd.respond = refusing("VideoInformation", 500)
    for _ in range(2):
        sync()
        clock.shift(8)
    assert [len(sent(request)) for request in odd.of("VideoInformation")] == [20, 20]
    for _ in range(40):
        sync()
        clock.shift(60)
    assert accepted() == set(range(1, 21)) - {CULPRIT}
    assert DeliveryTrouble.objects.count() == 1
    assert trouble(CULPRIT).parked_at is not None
    sizes = [len(sent(request)) for request in odd.of("VideoInformation") if number(CULPRIT) in sent(request)]
    assert sizes == sorted(sizes, reverse=True)
    assert all(sizes.count(size) == 3 for size in set(sizes))
    # It may have been taken before they failed.
    assert delivery(CULPRIT).is_in_doubt is True


def test_a_status_is_bisected_like_a_registration(odd: Peer, cameras: Caller) -> None:
    register(cameras, *[wire(n) for n in range(4, 9)])
    odd.respond = refusing("ReportCameraStatus", 400)
    sync()
    assert accepted() == set(range(1, 9))
    assert trouble(CULPRIT, Interface.STATUS).parked_at == NOON
    assert delivery(CULPRIT).status is None
    assert delivery(4).status == 0
    # With another status it is tried at once.
    odd.respond = refusing("nothing", 400)
    sync()
    assert delivery(CULPRIT).status is None
    set_stream_presence(present=[camera(CULPRIT).pk])
    sync()
    assert delivery(CULPRIT).status == 1
    assert not DeliveryTrouble.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [reply(403), Reply(b"<html>502</html>", 502), Reply(b"[]"), reply(429), reply(200)],
    ids=["403", "HTML", "a list", "429", "no results"],
)
def test_what_says_nothing_of_the_items_bisects_nothing(
    odd: Peer, clock: TimeMachineFixture, answer: Reply
) -> None:
    odd.respond = lambda _: answer
    for _ in range(12):
        sync()
        clock.shift(60)
    assert {len(sent(request)) for request in odd.of("VideoInformation")} == {3}
    assert not DeliveryTrouble.objects.exists()


def test_a_verb_that_fails_alone_rests_and_the_others_go_on(
    odd: Peer, cameras: Caller, clock: TimeMachineFixture
) -> None:
    def respond(request: Request) -> Reply:
        if request.path.endswith("Status"):
            return reply(500)
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    odd.respond = respond
    for n in range(30):
        register(cameras, wire(1, poiName=f"第 {n} 次"))
        sync_platform(platform=only_platform())
        clock.shift(60)
    state = InterfaceState.objects.get(interface=Interface.STATUS)
    assert state.failures >= 5
    assert state.retry_at is not None
    # Five at once and one in up to five minutes from then on.
    assert len(odd.of("ReportCameraStatus")) <= 5 + 5 + 30 / 3.75
    assert (only_platform().failures, delivery(1).version) == (0, 31)
