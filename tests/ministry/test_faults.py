"""Tokens, odd answers, refusals, silence: what goes wrong between us and an upper platform."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from time_machine import TimeMachineFixture

from access.models import Alarm, BehaviourLog, User
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.sync import sync_platform
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller
from tests.ministry.upper import calls, connect, delivery, held, sync, told_statuses
from tests.mock_ministry.running import PRIVATE_KEY, RunningMinistry
from tests.protocol.peer import Peer, Reply, Request, peer_answering, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


def only_platform() -> UpperPlatform:
    return UpperPlatform.objects.get()


@pytest.mark.usefixtures("cameras", "platform")
class TestTokens:
    def test_an_expired_token_is_exchanged_and_kept(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        first = upper.account.first_token
        time_machine.move_to(datetime.now(UTC) + timedelta(hours=3))
        sync()
        assert sorted(held(upper)) == [1, 2, 3]
        assert only_platform().token not in ("", first)
        assert only_platform().token_at is not None
        assert len(calls(upper, "TokenInfo")) == 1
        sync()
        assert len(calls(upper, "TokenInfo")) == 1

    def test_a_lost_exchange_is_repeated_with_the_old_token(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(datetime.now(UTC) + timedelta(hours=3))
        upper.break_down("lost", verbs=["TokenInfo"])
        sync()
        assert only_platform().token == upper.account.first_token
        assert not held(upper)
        upper.break_down("none")
        sync()
        assert sorted(held(upper)) == [1, 2, 3]

    def test_token_and_key_are_encrypted_at_rest(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT token, private_key FROM ministry_upperplatform")
            for stored in cursor.fetchone():
                assert stored.startswith("sm4gcm$")

    def test_a_refused_token_is_an_alarm_until_staff_mend_it(self, upper: RunningMinistry) -> None:
        UpperPlatform.objects.update(token="somebody-elses")
        sync()
        alarm = Alarm.objects.get(closed_at=None)
        assert alarm.title == "部级平台：令牌被拒绝"
        assert only_platform().failures == 1
        connect(upper)
        assert sync_platform(platform=only_platform()) > 0
        assert not Alarm.objects.filter(closed_at=None).exists()
        assert (only_platform().failures, only_platform().last_error) == (0, "")


@pytest.mark.usefixtures("cameras", "platform")
class TestTrouble:
    def test_silence_backs_off_and_becomes_an_alarm(
        self, upper: RunningMinistry, time_machine: TimeMachineFixture
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        upper.break_down("down", seconds=3600)
        times = []
        for second in range(0, 120, 2):
            before = len(upper.calls())
            sync_platform(platform=only_platform())
            if len(upper.calls()) > before:
                times.append(second)
            time_machine.shift(2)
        assert times[:6] == [0, 2, 6, 14, 30, 62]
        assert Alarm.objects.get(closed_at=None).title == "部级平台：上报失败"
        upper.break_down("none")
        time_machine.shift(60)
        sync_platform(platform=only_platform())
        assert sorted(held(upper)) == [1, 2, 3]
        assert only_platform().last_success_at is not None
        assert not Alarm.objects.filter(closed_at=None).exists()

    def test_an_inner_error_of_theirs_is_no_fault_of_the_items(self, upper: RunningMinistry) -> None:
        upper.break_down("error500", verbs=["VideoInformation"])
        sync()
        assert "500" in only_platform().last_error
        assert delivery(1).attempts == 0
        upper.break_down("none")
        sync()
        assert told_statuses(upper) == {1: 0, 2: 0, 3: 0}

    def test_a_platform_out_of_use_is_not_called(self, upper: RunningMinistry) -> None:
        UpperPlatform.objects.update(is_active=False)
        assert sync() == 0
        assert not upper.calls()


@pytest.fixture
def odd(db: None, cameras: Caller) -> Iterator[Peer]:
    """An upper platform that answers what a test tells it to."""
    with peer_answering(lambda _: reply(200)) as peer:
        call_command(
            "add_upstream",
            *("--name", "邻省", "--base-url", peer.base_url, "--user", "province"),
            *("--device-code", "cHJvdmluY2U=", "--token", "t-1", "--private-key", PRIVATE_KEY),
        )
        yield peer


def sent(request: Request) -> list[str]:
    return [item["cameraNum"] for item in json.loads(request.body)]


def answering(results: Callable[[list[str]], object], code: object = 200) -> Callable[[Request], Reply]:
    """Answers registrations with `results(numbers)` and everything else with 200."""

    def respond(request: Request) -> Reply:
        if request.path != "/service/video.VideoInformation":
            return reply(200)
        return reply(code, backResult=results(sent(request)))

    return respond


def accepted() -> set[int]:
    rows = CameraDelivery.objects.filter(version__gt=0)
    return {int(num[-12:]) for num in rows.values_list("camera__number", flat=True)}


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
        assert (delivery(1).is_in_doubt, delivery(1).last_error) == (True, "上级平台未给出该摄像机的结果")
        assert delivery(1).next_attempt_at is not None
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
        assert delivery(1).attempts == 1

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
        assert delivery(2).last_error.startswith("坏 了 长长长")

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

    def test_a_batch_refused_as_malformed_is_halved_to_the_culprit(self, odd: Peer, cameras: Caller) -> None:
        register(cameras, *[wire(n) for n in range(4, 9)])

        def respond(request: Request) -> Reply:
            if request.path != "/service/video.VideoInformation":
                return reply(200)
            nums = sent(request)
            if number(5) in nums:
                return reply(400, msg="第 5 条不合格式")
            return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in nums])

        odd.respond = respond
        sync()
        assert accepted() == {1, 2, 3, 4, 6, 7, 8}
        assert (delivery(5).attempts, delivery(5).is_in_doubt) == (1, False)
        assert "第 5 条不合格式" in delivery(5).last_error
        assert len(odd.of("VideoInformation")) == 7
        assert only_platform().failures == 0

    def test_a_verb_it_does_not_have_holds_up_no_other(self, odd: Peer, cameras: Caller) -> None:
        good = answering(lambda nums: [{"cameraNum": num, "status": 0} for num in nums])
        odd.respond = lambda request: reply(404) if request.path.endswith("Status") else good(request)
        sync()
        assert accepted() == {1, 2, 3}
        odd.respond = lambda request: reply(404) if request.path.endswith("Information") else reply(200)
        register(cameras, wire(4))
        CameraDelivery.objects.update(status_retry_at=None)
        sync()
        assert accepted() == {1, 2, 3}
        assert set(CameraDelivery.objects.exclude(status=None).values_list("status", flat=True)) == {0}
        assert "404" in only_platform().last_error

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
        assert "令牌被拒绝" in Alarm.objects.get().title

    def test_retry_after_is_heeded(self, odd: Peer, time_machine: TimeMachineFixture) -> None:
        time_machine.move_to(NOON, tick=False)
        odd.respond = lambda _: reply(403, headers={"Retry-After": "120"})
        sync()
        assert only_platform().retry_at == NOON + timedelta(seconds=120)
        assert len(odd.requests) == 1


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


class TestRecords:
    def test_add_upstream_brings_the_record_up_to_date(self, odd: Peer) -> None:
        UpperPlatform.objects.update(failures=9, retry_at=NOON)
        call_command(
            "add_upstream",
            *("--name", "邻省", "--base-url", f"{odd.base_url}/", "--user", "u2"),
            *("--device-code", "eA==", "--token", "t-9", "--private-key", PRIVATE_KEY),
        )
        platform = only_platform()
        assert (platform.base_url, platform.user, platform.token) == (odd.base_url, "u2", "t-9")
        assert (platform.failures, platform.retry_at) == (0, None)
        verbs = BehaviourLog.objects.filter(object_kind="upper_platform").order_by("id")
        assert [row.verb for row in verbs] == ["新增上级平台", "修改上级平台"]

    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [
            ("--private-key", "12", "SM2 私钥"),
            ("--base-url", "ministry.example", "地址"),
            ("--token", "", "--token"),
        ],
    )
    def test_add_upstream_refuses_what_cannot_work(
        self, db: None, option: str, value: str, said: str
    ) -> None:
        given = {
            "--name": "部",
            "--base-url": "https://a",
            "--user": "u",
            "--device-code": "eA==",
            "--token": "t",
            "--private-key": PRIVATE_KEY,
            option: value,
        }
        with pytest.raises(CommandError, match=said):
            call_command("add_upstream", *[part for pair in given.items() for part in pair])
        assert not UpperPlatform.objects.exists()

    def test_removing_it_closes_its_alarm(self, odd: Peer) -> None:
        odd.respond = lambda _: reply(403)
        sync()
        assert Alarm.objects.filter(closed_at=None).exists()
        call_command("add_upstream", "--name", "邻省", "--remove")
        assert not UpperPlatform.objects.exists()
        assert not Alarm.objects.filter(closed_at=None).exists()
        with pytest.raises(CommandError, match="没有名为"):
            call_command("add_upstream", "--name", "邻省", "--remove")

    def test_the_admin_shows_no_secret_and_keeps_what_is_left_empty(self, odd: Peer, superuser: User) -> None:
        client = Client()
        client.force_login(superuser)
        platform = only_platform()
        url = reverse("admin:ministry_upperplatform_change", args=[platform.pk])
        page = client.get(url).content.decode()
        assert "t-1" not in page
        assert PRIVATE_KEY not in page
        form = {
            "name": "邻省",
            "base_url": odd.base_url,
            "user": "province",
            "device_code": "cHJvdmluY2U=",
            "token": "",
            "private_key": "",
            "organisation": platform.organisation_id,
            "quality_digits": 9,
            "is_active": "on",
        }
        assert client.post(url, form).status_code == 302
        assert (only_platform().token, only_platform().private_key) == ("t-1", PRIVATE_KEY)
        sync()
        delete = reverse("admin:ministry_upperplatform_delete", args=[platform.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 302
        assert not CameraDelivery.objects.exists()
