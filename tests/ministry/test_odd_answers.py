"""Answers that are not what the document prints."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import TimeMachineFixture

from access.models import Alarm
from ministry.choices import Interface
from ministry.models import CameraDelivery, DeliveryCall, DeliveryTrouble, InterfaceState
from ministry.services.sync import sync_platform
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller
from tests.ministry.upper import accepted, answering, delivery, only_platform, sent, sync, trouble
from tests.protocol.peer import Peer, Reply, Request, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


class TestOddAnswers:
    def test_the_three_headers_are_always_sent(self, odd: Peer) -> None:
        sync()
        request = odd.requests[0]
        assert (request.token, request.headers["appversion"]) == ("t-1", "v1.0")
        assert request.headers["content-type"] == "application/json"
        assert request.query == {"user": "province"}

    def test_numbers_may_come_as_strings_and_in_another_case(self, odd: Peer) -> None:
        odd.respond = answering(
            lambda nums: [{"cameraNum": n.upper(), "status": "0", "info": ""} for n in reversed(nums)], "200"
        )
        sync()
        assert accepted() == {1, 2, 3}

    def test_an_item_that_is_not_answered_is_not_acknowledged(self, odd: Peer) -> None:
        odd.respond = answering(lambda nums: [{"cameraNum": nums[1], "status": 0}])
        sync()
        assert accepted() == {2}
        assert (delivery(1).is_in_doubt, trouble(1).reason) == (True, "上级平台未给出该摄像机的结果")
        assert (trouble(1).attempts, trouble(1).refusals) == (1, 0)
        # Nor has it a status to tell: nobody knows under which department it stands, if at all.
        assert [sent(request) for request in odd.of("ReportCameraStatus")] == [[number(2)]]

    def test_a_good_answer_with_a_bad_http_status_is_none(self, odd: Peer) -> None:
        def respond(request: Request) -> Reply:
            return reply(200, 500, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

        odd.respond = respond
        sync()
        assert accepted() == set()
        assert len(odd.requests) == 1

    @pytest.mark.parametrize("status", [1, "1", None, True, "成功", 0.5])
    def test_only_status_0_acknowledges(self, odd: Peer, status: object) -> None:
        odd.respond = answering(lambda nums: [{"cameraNum": n, "status": status} for n in nums])
        sync()
        assert accepted() == set()
        assert trouble(1).refusals == 1

    @pytest.mark.parametrize("results", [None, {}, "x", 5])
    def test_without_results_nothing_is_acknowledged(self, odd: Peer, results: object) -> None:
        odd.respond = answering(lambda _: results)
        sync()
        assert accepted() == set()
        assert "backResult" in only_platform().last_error

    def test_rubbish_among_the_results_is_ignored(self, odd: Peer) -> None:
        odd.respond = answering(
            lambda nums: [
                7,
                None,
                {},
                {"cameraNum": None},
                {"cameraNum": nums[0], "status": 0, "info": []},
                {"cameraNum": nums[1], "status": 1, "info": "坏\0了\n" + "长" * 500},
            ]
        )
        sync()
        assert accepted() == {1}
        assert trouble(2).reason.startswith("坏 了 长长长")

    @pytest.mark.parametrize(
        "answer",
        [
            Reply(b"<html>502 Bad Gateway</html>", 502),
            Reply(b"", 200),
            Reply(b'{"code": 200, "backResult": [', 200),
        ],
    )
    def test_an_unreadable_answer_is_no_acknowledgement(self, odd: Peer, answer: Reply) -> None:
        odd.respond = lambda _: answer
        sync()
        assert accepted() == set()
        assert only_platform().failures == 1
        assert delivery(1).is_in_doubt
        assert len(odd.requests) == 1

    def test_a_verb_it_does_not_have_holds_up_no_other(self, odd: Peer, cameras: Caller) -> None:
        good = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
        odd.respond = lambda request: reply(404) if request.path.endswith("Status") else good(request)
        sync()
        assert accepted() == {1, 2, 3}
        odd.respond = lambda request: reply(404) if request.path.endswith("Information") else reply(200)
        register(cameras, wire(4))
        DeliveryTrouble.objects.update(retry_at=NOON)
        sync()
        assert accepted() == {1, 2, 3}
        assert set(CameraDelivery.objects.exclude(status=None).values_list("status", flat=True)) == {0}
        state = InterfaceState.objects.get(interface=Interface.REGISTER)
        assert "404" in state.last_error
        assert (state.failures, only_platform().failures) == (1, 0)

    def test_a_second_403_is_a_refusal_and_is_not_repeated(self, odd: Peer) -> None:
        def respond(request: Request) -> Reply:
            if request.path.endswith("TokenInfo"):
                return reply(200, token={"user": "province", "deviceCode": "x", "token": "t-2"})
            return reply(403)

        odd.respond = respond
        sync()
        assert [request.path.rpartition(".")[2] for request in odd.requests] == [
            "VideoInformation",
            "TokenInfo",
            "VideoInformation",
        ]
        assert [odd.requests[0].token, odd.requests[2].token] == ["t-1", "t-2"]
        assert only_platform().token == "t-2"
        # The token is good, so it is this request that is refused, and nothing else has to wait.
        assert not Alarm.objects.exists()
        assert (only_platform().failures, trouble(1).attempts) == (0, 1)
        assert InterfaceState.objects.get(interface=Interface.REGISTER).failures == 1

    def test_one_verb_that_is_not_allowed_holds_up_no_other(
        self, odd: Peer, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)

        def respond(request: Request) -> Reply:
            if request.path.endswith("TokenInfo"):
                return reply(200, token={"user": "province", "deviceCode": "x", "token": "t-2"})
            if request.path.endswith("Status"):
                return reply(403)
            return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

        odd.respond = respond
        for _ in range(20):
            sync_platform(platform=only_platform())
            time_machine.shift(60)
        assert accepted() == {1, 2, 3}
        assert only_platform().failures == 0
        (alarm,) = Alarm.objects.filter(closed_at=None)
        assert "状态" in alarm.title

    def test_a_repeated_request_that_is_lost_leaves_doubt(self, odd: Peer) -> None:
        """403, a new token, and the answer to the repetition never comes: it may be held there."""

        def respond(request: Request) -> Reply:
            if request.path.endswith("TokenInfo"):
                return reply(200, token={"user": "province", "deviceCode": "x", "token": "t-2"})
            return reply(403) if request.token == "t-1" else Reply(b"", raw=b"")

        odd.respond = respond
        sync()
        assert delivery(1).is_in_doubt is True

    def test_a_refused_exchange_leaves_none(self, odd: Peer) -> None:
        odd.respond = lambda _: reply(403)
        sync()
        assert delivery(1).is_in_doubt is False
        assert "令牌被拒绝" in Alarm.objects.get().title

    def test_a_code_beyond_all_bounds_is_an_answer_all_the_same(self, odd: Peer) -> None:
        odd.respond = lambda _: reply(10**20)
        sync()
        assert only_platform().failures == 1
        assert DeliveryCall.objects.get().code is None

    def test_a_page_of_somebody_between_disproves_nothing(
        self, odd: Peer, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        odd.respond = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
        sync()
        time_machine.move_to(NOON + timedelta(hours=2, minutes=20), tick=False)
        odd.respond = lambda _: Reply(b"<html>404</html>", 404)
        sync()
        assert accepted() == {1, 2, 3}

    def test_retry_after_is_heeded(self, odd: Peer, time_machine: TimeMachineFixture) -> None:
        time_machine.move_to(NOON, tick=False)
        odd.respond = lambda _: reply(403, headers={"Retry-After": "120"})
        sync()
        assert only_platform().retry_at == NOON + timedelta(seconds=120)
        assert len(odd.requests) == 1


