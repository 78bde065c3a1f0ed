"""No camera is in two requests at once, and what changes meanwhile stays owed."""

import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from time_machine import TimeMachineFixture

from ministry.models import AnalysisDelivery, CameraDelivery, UpperPlatform
from ministry.services.claims import claim, know_new_cameras, lease_seconds
from ministry.services.sync import sync_platform
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.ministry.upper import accepted, answering, delivery, only_platform, sent, sync
from tests.protocol.peer import Peer, Reply, Request, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


class Overlaps:
    """An upper platform that takes its time and sees who is in two requests at once."""

    def __init__(self) -> None:
        self.most_requests = 0
        self.cameras_in_two: list[str] = []
        self._inside: Counter[str] = Counter()
        self._requests = 0
        self._lock = threading.Lock()
        self._have_met = threading.Event()

    def respond(self, request: Request) -> Reply:
        nums = sent(request)
        with self._lock:
            self._requests += 1
            self.most_requests = max(self.most_requests, self._requests)
            self.cameras_in_two += [num for num in nums if self._inside[num]]
            self._inside.update(nums)
            if self._requests > 1:
                self._have_met.set()
        # On a busy machine the next one may be a while on its way.
        self._have_met.wait(5)
        threading.Event().wait(0.01)
        with self._lock:
            self._requests -= 1
            self._inside.subtract(nums)
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in nums])


def run_apart() -> None:
    sync_platform(platform=only_platform())
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_runs_never_meet(odd: Peer) -> None:
    """While one run waits for its answer, another finds the lock taken and sends nothing."""
    inner: list[int] = []

    def respond(request: Request) -> Reply:
        if request.path.endswith("VideoInformation") and not inner:
            inner.append(sync_platform(platform=only_platform()))
            connection.close()
        nums = sent(request)
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in nums])

    odd.respond = respond
    assert sync() > 0
    assert inner == [0]
    assert len(odd.of("VideoInformation")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_while_a_request_runs_stays_pending(odd: Peer, cameras: Caller) -> None:
    def respond(request: Request) -> Reply:
        if request.path.endswith("VideoInformation") and len(odd.of("VideoInformation")) == 1:
            thread = threading.Thread(target=change)
            thread.start()
            thread.join()
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    def change() -> None:
        register(cameras, wire(1, poiName="黄河大桥"))
        connection.close()

    odd.respond = respond
    sync()
    first, second = odd.of("VideoInformation")
    assert (len(sent(first)), sent(second)) == (3, [number(1)])
    assert json.loads(second.body)[0]["poiName"] == "黄河大桥"
    assert delivery(1).version == 2


@pytest.mark.django_db(transaction=True)
class TestSeveralAtATime:
    """With real threads and connections of their own."""

    @pytest.fixture(autouse=True)
    def many(self, odd: Peer, cameras: Caller, settings: LazySettings) -> None:
        settings.MINISTRY_BATCH_SIZE = 10
        UpperPlatform.objects.update(concurrency=4)
        register(cameras, *[wire(n) for n in range(100, 297)])

    def test_batches_travel_side_by_side_and_no_camera_twice(self, odd: Peer) -> None:
        watch = Overlaps()
        odd.respond = watch.respond
        sync()
        assert watch.most_requests > 1
        assert watch.most_requests <= 4
        assert watch.cameras_in_two == []
        assert CameraDelivery.objects.filter(version=1, status=0, claimed_until=None).count() == 200
        # 20 registrations, and per company the fewest status reports.
        assert len(odd.requests) == 20 + 20 + 1

    def test_several_runs_share_the_slots(self, odd: Peer) -> None:
        watch = Overlaps()
        odd.respond = watch.respond
        threads = [threading.Thread(target=run_apart) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sync()
        assert watch.most_requests <= 4
        assert watch.cameras_in_two == []
        assert CameraDelivery.objects.filter(version=1, status=0).count() == 200

    def test_what_a_dead_worker_held_is_sent_when_its_lease_is_over(
        self, odd: Peer, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
        know_new_cameras(only_platform())
        keys = list(CameraDelivery.objects.order_by("pk").values_list("pk", flat=True)[:7])
        assert len(claim(CameraDelivery, keys).keys) == 7
        sync_platform(platform=only_platform())
        assert CameraDelivery.objects.filter(version=1).count() == 193
        time_machine.move_to(NOON + timedelta(seconds=lease_seconds() - 1), tick=False)
        sync_platform(platform=only_platform())
        assert CameraDelivery.objects.filter(version=1).count() == 193
        time_machine.move_to(NOON + timedelta(seconds=lease_seconds()), tick=False)
        sync_platform(platform=only_platform())
        assert CameraDelivery.objects.filter(version=1).count() == 200

    def test_one_dead_token_is_exchanged_once(self, odd: Peer) -> None:
        def respond(request: Request) -> Reply:
            if request.path.endswith("TokenInfo"):
                return reply(200, token={"user": "province", "deviceCode": "x", "token": "t-2"})
            if request.token != "t-2":
                return reply(403)
            return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

        odd.respond = respond
        sync()
        assert len(odd.of("TokenInfo")) == 1
        assert CameraDelivery.objects.filter(version=1).count() == 200


@pytest.mark.django_db(transaction=True)
def test_a_platform_is_deleted_while_requests_are_under_way(odd: Peer) -> None:
    deleting = threading.Thread(target=delete_apart)

    def respond(request: Request) -> Reply:
        if not deleting.ident:
            deleting.start()
            deleting.join(0.2)
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    odd.respond = respond
    sync()
    deleting.join()
    assert not UpperPlatform.objects.exists()
    assert len(odd.requests) == 1


def delete_apart() -> None:
    call_command("add_upstream", "--name", "邻省", "--remove", stdout=StringIO())
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_an_answer_after_the_lease_acknowledges_nothing(odd: Peer, time_machine: TimeMachineFixture) -> None:
    """The holder slept too long; somebody else may have sent since."""
    time_machine.move_to(NOON, tick=False)
    later = NOON + timedelta(seconds=lease_seconds() + 9)

    def respond(request: Request) -> Reply:
        if len(odd.requests) == 1:
            CameraDelivery.objects.filter(camera=camera(1)).update(claimed_until=later)
            connection.close()
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    odd.respond = respond
    sync_platform(platform=only_platform())
    assert accepted() == {2, 3}
    assert delivery(1).is_in_doubt is True


def test_what_timed_out_is_not_overtaken(
    odd: Peer, settings: LazySettings, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON)
    settings.MINISTRY_READ_SECONDS = 0.2
    over = threading.Event()
    odd.respond = lambda _: reply(200) if over.wait(10) else reply(500)
    sync_platform(platform=only_platform())
    over.set()
    assert delivery(1).claimed_until is not None
    before = len(odd.requests)
    odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
    assert sync_platform(platform=only_platform()) == 0
    assert len(odd.requests) == before
    time_machine.shift(lease_seconds())
    sync_platform(platform=only_platform())
    assert accepted() == {1, 2, 3}


@pytest.mark.parametrize(("rate", "least"), [(0, 0.0), (50, 0.1)])
def test_the_platforms_own_pace(odd: Peer, settings: LazySettings, rate: float, least: float) -> None:
    settings.MINISTRY_BATCH_SIZE = 1
    UpperPlatform.objects.update(requests_per_second=rate)
    odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
    began = time.monotonic()
    sync()
    assert len(odd.requests) == 6
    assert time.monotonic() - began >= least


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", ["moved", "deleted", "none"])
def test_a_result_of_a_camera_that_changes_meanwhile_is_told_again(
    odd: Peer, cameras: Caller, change: str
) -> None:
    """They pass it over in silence, and the answer is 200 all the same."""
    odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
    sync()
    cameras.post("ReportAnalyse", [{"cameraNum": number(n), "data": "{}"} for n in (1, 2)])

    def respond(request: Request) -> Reply:
        if request.path.endswith("ReportAnalyse") and len(odd.of("ReportAnalyse")) == 1:
            thread = threading.Thread(target=move)
            thread.start()
            thread.join()
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    def move() -> None:
        rows = CameraDelivery.objects.filter(camera=camera(1))
        if change == "moved":
            rows.update(department="齐鲁交通", version=2)
        elif change == "deleted":
            rows.delete()
        connection.close()

    odd.respond = respond
    sync()
    told = [sent(request) for request in odd.of("ReportAnalyse")]
    assert told[0] == [number(1), number(2)]
    assert told[1:] == ([] if change == "none" else [[number(1)]])
    assert not AnalysisDelivery.objects.filter(reported_at=None).exists()
