"""Analysis results go out as events: each once, in the order of time, under either spelling of the verb."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import Organisation
from ministry.models import AnalysisDelivery, UpperPlatform
from ministry.tasks import keep_partitions
from tests.cameras.ledger import COMPANY, number, register, wire
from tests.cast import Caller
from tests.ministry.upper import backlog, calls, held, sync
from tests.mock_ministry.running import RunningMinistry
from tests.protocol.peer import Reply, Request, peer_answering, reply

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("platform", "cameras")]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def speed(value: object) -> str:
    return json.dumps({"subject": "speed", "meanSpeed": value}, ensure_ascii=False)


def analyse(caller: Caller, *results: tuple[int, str]) -> None:
    body = [{"cameraNum": number(n), "data": data} for n, data in results]
    assert caller.post("ReportAnalyse", body)["code"] == 200


def told(upper: RunningMinistry) -> list[tuple[int, str]]:
    return [(int(item["cameraNum"][-12:]), item["data"]) for item in upper.state()["analysis"]]


def verbs(upper: RunningMinistry) -> list[tuple[str, int]]:
    return [(call["verb"], call["code"]) for call in upper.calls() if call["verb"].endswith("Analyse")]


def test_results_are_told_once_in_order_byte_for_byte(cameras: Caller, upper: RunningMinistry) -> None:
    odd = ' {"subject" : "speed","meanSpeed":80.50,\n"厂家":"\\u9ad8"} '
    analyse(cameras, (1, speed(60)), (2, odd), (1, "不是 JSON"))
    sync()
    sync()
    assert told(upper) == [(1, speed(60)), (2, odd), (1, "不是 JSON")]
    assert [call["count"] for call in calls(upper, "ReportAnalyse")] == [3]
    assert set(AnalysisDelivery.objects.values_list("reported_at", flat=True)) == {NOON}
    assert backlog() == 0


def test_they_go_by_department(cameras: Caller, upper: RunningMinistry) -> None:
    analyse(cameras, (1, speed(1)), (3, speed(2)), (2, speed(3)))
    sync()
    reports = calls(upper, "ReportAnalyse")
    assert [(call["department"], call["count"]) for call in reports] == [("山东高速", 2), ("齐鲁交通", 1)]


def test_they_wait_for_the_registration(cameras: Caller, upper: RunningMinistry) -> None:
    analyse(cameras, (1, speed(60)))
    upper.break_down("lost", verbs=["VideoInformation"])
    sync()
    assert told(upper) == []
    assert backlog() > 0
    upper.break_down("none")
    sync()
    assert told(upper) == [(1, speed(60))]


def test_a_lost_answer_leaves_them_pending(cameras: Caller, upper: RunningMinistry) -> None:
    analyse(cameras, (1, speed(60)))
    upper.break_down("lost", verbs=["ReportAnalyse"])
    sync()
    assert not AnalysisDelivery.objects.exclude(reported_at=None).exists()
    upper.break_down("none")
    sync()
    assert AnalysisDelivery.objects.get().reported_at == NOON


def test_the_spelling_that_answers_is_remembered(cameras: Caller, upper: RunningMinistry) -> None:
    upper.break_down("unknown", verbs=["ReportAnalyse"], seconds=3600)
    analyse(cameras, (1, speed(60)))
    sync()
    analyse(cameras, (1, speed(61)))
    sync()
    assert verbs(upper) == [("ReportAnalyse", 404), ("ReporlAnalyse", 200), ("ReporlAnalyse", 200)]
    assert UpperPlatform.objects.get().analyse_verb == "ReporlAnalyse"
    # And back again, should it be mended.
    upper.break_down("none")
    upper.break_down("unknown", verbs=["ReporlAnalyse"], seconds=3600)
    analyse(cameras, (1, speed(62)))
    sync()
    assert UpperPlatform.objects.get().analyse_verb == "ReportAnalyse"
    assert [data for _, data in told(upper)] == [speed(60), speed(61), speed(62)]


def test_a_ministry_with_neither_holds_up_nothing(
    cameras: Caller, upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    upper.break_down("unknown", verbs=["ReportAnalyse", "ReporlAnalyse"], seconds=3600)
    analyse(cameras, (1, speed(60)))
    sync()
    sync()
    assert verbs(upper) == [("ReportAnalyse", 404), ("ReporlAnalyse", 404)]
    platform = UpperPlatform.objects.get()
    assert (platform.failures, platform.analyse_verb) == (0, "ReportAnalyse")
    row = AnalysisDelivery.objects.get()
    assert (row.attempts, row.reported_at) == (1, None)
    assert "没有此接口" in row.last_error
    assert sorted(held(upper)) == [1, 2, 3]
    clock.shift(20)
    upper.break_down("none")
    sync()
    assert told(upper) == [(1, speed(60))]


PAGE = Reply(b"<html>404 Not Found</html>", 404)


@pytest.mark.parametrize(
    ("first", "second", "asked", "verb"),
    [
        (PAGE, reply(200), ["ReportAnalyse", "ReporlAnalyse"], "ReporlAnalyse"),
        (PAGE, PAGE, ["ReportAnalyse", "ReporlAnalyse"], "ReportAnalyse"),
        (reply("404"), reply("200"), ["ReportAnalyse", "ReporlAnalyse"], "ReporlAnalyse"),
        # Unreadable but not 404: a plain failure, nothing else is tried.
        (Reply(b"<html>502</html>", 502), reply(200), ["ReportAnalyse"], "ReportAnalyse"),
        (Reply(b"<html>ok</html>", 200), reply(200), ["ReportAnalyse"], "ReportAnalyse"),
        (reply(500), reply(200), ["ReportAnalyse"], "ReportAnalyse"),
    ],
)
def test_only_404_tries_the_other_spelling(
    cameras: Caller, platform: UpperPlatform, first: Reply, second: Reply, asked: list[str], verb: str
) -> None:
    analyse(cameras, (1, speed(60)))

    def respond(request: Request) -> Reply:
        name = request.path.rpartition(".")[2]
        if name.endswith("Analyse"):
            return first if name == "ReportAnalyse" else second
        items = json.loads(request.body)
        return reply(200, backResult=[{"cameraNum": item["cameraNum"], "status": 0} for item in items])

    with peer_answering(respond) as peer:
        UpperPlatform.objects.filter(pk=platform.pk).update(base_url=peer.base_url)
        sync()
        names = [request.path.rpartition(".")[2] for request in peer.requests]
    assert [name for name in names if name.endswith("Analyse")] == asked
    assert UpperPlatform.objects.get().analyse_verb == verb
    is_done = second is not PAGE and len(asked) == 2
    assert (AnalysisDelivery.objects.get().reported_at is not None) == is_done


def test_a_result_that_is_refused_is_put_off_alone(
    cameras: Caller, upper: RunningMinistry, platform: UpperPlatform
) -> None:
    analyse(cameras, (1, speed(1)), (1, speed("坏")), (1, speed(3)))

    def respond(request: Request) -> Reply:
        if "坏" in request.body.decode():
            return reply(400, msg="数据不合格式")
        if request.path.endswith("VideoInformation"):
            items = json.loads(request.body)
            return reply(200, backResult=[{"cameraNum": item["cameraNum"], "status": 0} for item in items])
        return reply(200)

    with peer_answering(respond) as peer:
        UpperPlatform.objects.update(base_url=peer.base_url)
        sync()
    rows = list(AnalysisDelivery.objects.order_by("id"))
    assert [row.reported_at is not None for row in rows] == [True, False, True]
    assert "数据不合格式" in rows[1].last_error


def test_a_platform_hears_of_its_scope_and_of_what_came_after_it(
    cameras: Caller, upper: RunningMinistry, platform: UpperPlatform
) -> None:
    analyse(cameras, (1, speed(1)))
    AnalysisDelivery.objects.all().delete()
    platform.organisation = Organisation.objects.get(name="齐鲁交通")
    platform.save()
    analyse(cameras, (1, speed(2)), (3, speed(3)))
    sync()
    assert told(upper) == [(3, speed(3))]


def test_what_is_beyond_the_retention_is_no_longer_owed(
    cameras: Caller, upper: RunningMinistry, clock: TimeMachineFixture, settings: LazySettings
) -> None:
    settings.ANALYSIS_KEEP_DAYS = 2
    analyse(cameras, (1, speed(1)))
    clock.move_to(NOON + timedelta(days=3), tick=False)
    keep_partitions()
    assert not AnalysisDelivery.objects.exists()
    sync()
    assert told(upper) == []


def test_batches_are_full(cameras: Caller, upper: RunningMinistry, settings: LazySettings) -> None:
    settings.MINISTRY_BATCH_SIZE = 10
    register(cameras, wire(4))
    analyse(cameras, *[(1 + n % 2, speed(n)) for n in range(65)])
    sync()
    assert [call["count"] for call in calls(upper, "ReportAnalyse")] == [10] * 5 + [10, 5]
    assert [data for _, data in told(upper)] == [speed(n) for n in range(65)]
    assert {call["department"] for call in calls(upper, "ReportAnalyse")} == {COMPANY}
