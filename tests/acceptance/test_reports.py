"""A gateway looked at as a whole: orders given, streams read and ended, a report kept."""

from datetime import timedelta
from io import StringIO

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.core.management import CommandError, call_command
from django.utils import timezone

from acceptance.choices import Verdict
from acceptance.measuring import Patience
from acceptance.models import LONGEST_SECONDS, START_SECONDS, AcceptanceReport
from acceptance.selectors import cameras_to_try
from acceptance.services.probing import Prober
from acceptance.services.reports import Line, ask_for, carry_out, judge_picture
from acceptance.tasks import run_acceptance
from access.actors import SYSTEM
from access.models import BehaviourLog
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway
from protocol.errors import InternalError, MalformedError
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession
from streaming.services.presence import stream_refused
from tests.acceptance.roadside import Roadside
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller
from tests.snapshots.clips import HEADER, make_tag, tags_of
from tests.snapshots.flv_server import live, status

pytestmark = pytest.mark.django_db

QUICK = Prober(Patience(first_frame=10, reading=10), stop_seconds=0.3, wait=lambda _: None)
# For streams that never come.
HASTY = Prober(Patience(first_frame=0.4, reading=10), wait=lambda _: None)


def asked(gateway: Gateway, cameras: int = 1) -> AcceptanceReport:
    return ask_for(gateway=gateway, cameras=cameras, actor=SYSTEM)


def look(report: AcceptanceReport, prober: Prober = QUICK) -> list[Line]:
    return list(carry_out(report=report, prober=prober))


def bad(lines: list[Line]) -> dict[tuple[str, str], str]:
    return {(line["stream"], line["title"]): line["found"] for line in lines if line["is_good"] is False}


def high_session() -> PushSession:
    return PushSession.objects.get(video_type=VideoType.HIGH)


def test_a_right_gateway_needs_only_the_word_of_staff(gateway: Gateway, roadside: Roadside) -> None:
    report = asked(gateway)
    assert report.verdict == Verdict.RUNNING
    lines = look(report)
    assert bad(lines) == {}
    assert [line["title"] for line in lines if line["stream"] == "高码流"][-2:] == ["首帧", "停止推流"]
    assert all(line["is_good"] and line["camera"] == camera(1).name for line in lines)
    assert roadside.orders() == ["VideoTransBegin", "VideoTransFinish"]
    kept = AcceptanceReport.objects.get()
    assert (kept.findings, kept.verdict) == (lines, Verdict.OPEN)
    low, high = kept.pictures.all()
    assert (low.video_type, high.video_type) == (VideoType.LOW, VideoType.HIGH)
    assert bytes(high.jpeg).startswith(b"\xff\xd8")
    judge_picture(picture=low, is_good=True, actor=SYSTEM)
    assert AcceptanceReport.objects.get().verdict == Verdict.OPEN
    judge_picture(picture=high, is_good=True, actor=SYSTEM)
    assert AcceptanceReport.objects.get().verdict == Verdict.GOOD
    judge_picture(picture=high, is_good=False, actor=SYSTEM)
    assert AcceptanceReport.objects.get().verdict == Verdict.BAD
    logged = BehaviourLog.objects.filter(actor_name="系统").order_by("pk").values_list("verb", flat=True)
    assert list(logged)[-4:] == ["网关接入验收", "确认验收画面", "确认验收画面", "确认验收画面"]


def test_a_refusal_is_told_in_the_words_of_the_gateway(gateway: Gateway, roadside: Roadside) -> None:
    roadside.code = 500
    found = bad(look(asked(gateway)))
    assert list(found) == [("高码流", "取得码流")]
    assert "不行" in found["高码流", "取得码流"]
    # Nobody waits for what was refused.
    assert not any("_1.flv" in line for line in roadside.media.requests)
    assert not high_session().is_wanted
    assert AcceptanceReport.objects.get().verdict == Verdict.BAD


def test_a_gateway_that_does_not_answer(gateway: Gateway, roadside: Roadside) -> None:
    roadside.is_silent = True
    report = asked(gateway)
    assert list(bad(look(report))) == [("高码流", "取得码流")]
    assert (report.verdict, report.bad_count) == (Verdict.BAD, 1)
    assert report.findings[-1]["found"] == high_session().last_error != ""


def test_an_order_that_is_taken_and_not_carried_out(gateway: Gateway, roadside: Roadside) -> None:
    roadside.only_says_so = True
    lines = look(asked(gateway), HASTY)
    assert bad(lines) == {("高码流", "取得码流"): "媒体服务器上没有该码流"}
    # What never came did not stop either.
    assert lines[-1]["title"] == "取得码流"
    assert roadside.orders() == ["VideoTransBegin", "VideoTransFinish"]


def test_a_gateway_that_pushes_on(gateway: Gateway, roadside: Roadside) -> None:
    roadside.goes_on = True
    assert bad(look(asked(gateway))) == {("高码流", "停止推流"): "要求停止后仍在推流"}


def test_a_stream_that_somebody_watches_is_not_ended(gateway: Gateway, roadside: Roadside) -> None:
    roadside.viewers = 1
    lines = look(asked(gateway))
    assert (lines[-1]["found"], lines[-1]["is_good"]) == ("另有人在看，未停止", None)
    assert bad(lines) == {}
    assert roadside.orders() == ["VideoTransBegin"]


def test_how_fast_a_stream_begins_that_was_there_cannot_be_told(gateway: Gateway, roadside: Roadside) -> None:
    look(asked(gateway))
    PushSession.objects.filter(video_type=VideoType.HIGH).update(state=PushState.LIVE, is_wanted=True)
    stream = camera(1).stream_name(VideoType.HIGH)
    roadside.pushed.add(stream)
    roadside.media.behaviours[f"/live/{stream}.flv"] = live(roadside.high)
    lines = look(asked(gateway))
    assert [line["title"] for line in lines if line["is_good"] is None] == ["首帧"]
    assert roadside.orders().count("VideoTransBegin") == 1


def test_an_encoding_that_the_media_server_turned_away(gateway: Gateway, roadside: Roadside) -> None:
    stream = camera(1).stream_name(VideoType.LOW)
    del roadside.media.behaviours[f"/live/{stream}.flv"]
    stream_refused(stream=stream, codec="H265")
    assert "H265" in bad(look(asked(gateway), HASTY))["低码流", "取得码流"]


def test_a_media_server_that_does_not_list_its_streams(gateway: Gateway, roadside: Roadside) -> None:
    roadside.media.behaviours["/api/streams"] = status(500)
    last = look(asked(gateway))[-1]
    assert (last["title"], last["is_good"]) == ("停止推流", None)
    assert last["found"].startswith("媒体服务器：")


def test_without_a_media_server_the_report_ends_with_the_reason(gateway: Gateway) -> None:
    MediaServer.objects.update(is_active=False)
    report = asked(gateway)
    with pytest.raises(InternalError):
        look(report)
    assert AcceptanceReport.objects.get().verdict == Verdict.UNFINISHED
    assert "没有启用的媒体服务器" in report.error


def test_without_a_single_stream_measured_nothing_is_good(gateway: Gateway) -> None:
    report = asked(gateway)
    Camera.objects.update(gateway=None)
    with pytest.raises(MalformedError, match="没有可验收的摄像机"):
        look(report)
    assert AcceptanceReport.objects.get().verdict == Verdict.UNFINISHED
    AcceptanceReport.objects.update(error="")
    assert AcceptanceReport.objects.get().verdict == Verdict.UNFINISHED


@pytest.mark.parametrize("error", [RuntimeError, SoftTimeLimitExceeded])
def test_whatever_ends_it_the_gateway_may_be_tried_again(
    gateway: Gateway, roadside: Roadside, error: type[Exception]
) -> None:
    def break_off(_: float) -> None:
        raise error

    report = asked(gateway)
    del roadside.media.behaviours[f"/live/{camera(1).stream_name(VideoType.LOW)}.flv"]
    with pytest.raises(error):
        look(report, Prober(Patience(first_frame=5), wait=break_off))
    kept = AcceptanceReport.objects.get()
    assert (kept.verdict, kept.error) == (Verdict.UNFINISHED, "平台内部错误，详见平台日志")
    asked(gateway)


def test_a_key_frame_that_gives_no_picture(gateway: Gateway, roadside: Roadside, low_clip: bytes) -> None:
    spoilt = [
        make_tag(tag.data[:5] + bytes(len(tag.data) - 5)) if tag.is_key_frame else tag.raw
        for tag in tags_of(low_clip)
    ]
    roadside.stand(1, HEADER + b"".join(spoilt))
    report = asked(gateway)
    assert bad(look(report))["低码流", "画面"] == "画面无法解码"
    assert report.pictures.get().video_type == VideoType.HIGH


def test_what_was_broken_off_begins_anew_and_what_is_done_stays(gateway: Gateway, roadside: Roadside) -> None:
    report = asked(gateway)
    next(carry_out(report=report, prober=QUICK))
    assert AcceptanceReport.objects.get().finished_at is None
    lines = look(report)
    assert AcceptanceReport.objects.get().findings == lines
    assert report.pictures.count() == 2
    assert look(report) == []
    assert len(roadside.orders()) == 2


def test_those_online_are_tried_first(gateway: Gateway, gateway_partner: Caller) -> None:
    register(gateway_partner, wire(2), wire(3))
    Camera.objects.filter(pk=camera(3).pk).update(status=OnlineStatus.ONLINE)
    assert cameras_to_try(gateway, 2) == [camera(3), camera(1)]


def test_a_camera_that_is_not_planned_yet(gateway: Gateway) -> None:
    PushSession.objects.all().delete()
    assert bad(look(asked(gateway))) == {("低码流", "取得码流"): "平台尚未安排推流"}


# Asking --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cameras", [0, 9])
def test_too_few_or_too_many_cameras(cameras: int, gateway: Gateway) -> None:
    with pytest.raises(MalformedError, match="1 到 8"):
        asked(gateway, cameras)


def test_a_gateway_that_cannot_be_asked(gateway: Gateway) -> None:
    Camera.objects.update(gateway=None)
    with pytest.raises(MalformedError, match="还没有登记摄像机"):
        asked(gateway)
    gateway.is_active = False
    with pytest.raises(MalformedError, match="未启用"):
        asked(gateway)


def test_one_at_a_time_until_it_is_over_or_dead(gateway: Gateway) -> None:
    first = asked(gateway)
    with pytest.raises(MalformedError, match="正在验收"):
        asked(gateway)
    first.asked_at = timezone.now() - timedelta(seconds=START_SECONDS)
    first.begun_at = timezone.now()
    first.save()
    assert first.verdict == Verdict.RUNNING
    with pytest.raises(MalformedError, match="正在验收"):
        asked(gateway)
    AcceptanceReport.objects.update(asked_at=timezone.now() - timedelta(seconds=LONGEST_SECONDS))
    assert AcceptanceReport.objects.get().verdict == Verdict.UNFINISHED
    second = asked(gateway)
    run_acceptance(second.pk)
    second.refresh_from_db()
    assert second.verdict == Verdict.OPEN
    asked(gateway)


def test_one_that_no_worker_took_up_in_time_is_lost(gateway: Gateway) -> None:
    lost = asked(gateway)
    AcceptanceReport.objects.update(asked_at=timezone.now() - timedelta(seconds=START_SECONDS))
    lost.refresh_from_db()
    assert lost.verdict == Verdict.UNFINISHED
    asked(gateway)


class Interrupted(StringIO):
    """Somebody presses Ctrl-C at the first line."""

    def write(self, text: str) -> int:
        raise KeyboardInterrupt


def test_a_command_that_was_interrupted_leaves_no_report_running(gateway: Gateway) -> None:
    with pytest.raises(KeyboardInterrupt):
        call_command("accept_gateway", gateway.code, cameras=1, stdout=Interrupted())
    report = AcceptanceReport.objects.get()
    assert (report.verdict, report.error) == (Verdict.UNFINISHED, "验收被中断")


def test_the_command_prints_and_passes(gateway: Gateway) -> None:
    printed = StringIO()
    call_command("accept_gateway", gateway.code, cameras=1, stdout=printed)
    lines = printed.getvalue().splitlines()
    assert lines[0] == f"通过  {camera(1).name} 低码流  编码：H.264（要求H.264）"
    assert f"第 {AcceptanceReport.objects.get().pk} 号报告中确认" in lines[-1]


def test_the_command_fails_when_something_is_bad(gateway: Gateway, roadside: Roadside) -> None:
    roadside.code = 500
    printed = StringIO()
    with pytest.raises(CommandError, match="1 项不符"):
        call_command("accept_gateway", gateway.code, cameras=1, stdout=printed)
    assert printed.getvalue().splitlines()[-1].startswith("不符  ")


@pytest.mark.parametrize(("code", "why"), [("GW-9999", "没有编号为"), ("GW-0001", "1 到 8")])
def test_the_command_says_what_is_wrong_with_the_question(code: str, why: str, gateway: Gateway) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("accept_gateway", code, cameras=9)
