"""Per flag the newest verdict holds, and a staff rejection until the next change (protocol.md section 3)."""

from datetime import timedelta

import pytest
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.models import BehaviourLog
from protocol.errors import MalformedError
from quality.choices import QualityFlag, QualitySource
from quality.models import CameraQuality, QualityChange, QualityVerdict
from quality.selectors import abnormal_flags, words_of
from quality.services.verdicts import Verdict, forget_deleted, record_quality, reject_flag
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.reports import BLURRED, GOOD, NOISY, held, history, report

pytestmark = pytest.mark.django_db


def diagnose(flags: str, n: int = 1) -> int:
    return record_quality(verdicts={camera(n).pk: Verdict(flags)}, source=QualitySource.DIAGNOSIS)


def reject(flag: QualityFlag = QualityFlag.BLURRED) -> None:
    reject_flag(camera=camera(1), flag=flag, actor=SYSTEM)


def test_the_newer_verdict_holds_flag_by_flag(gateway: Caller, clock: TimeMachineFixture) -> None:
    report(gateway, (1, BLURRED))
    clock.shift(60)
    assert diagnose("---0--1--") == 1
    assert held() == NOISY
    row = CameraQuality.objects.get()
    assert row.sources == "gggdggdgg"
    assert (row.since[QualityFlag.NOISE], row.since[QualityFlag.OFFLINE]) == (
        NOON.timestamp() + 60,
        NOON.timestamp(),
    )


def test_a_repetition_does_not_overrule_what_was_found_since(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    report(gateway, (1, GOOD))
    clock.shift(60)
    diagnose(BLURRED)
    clock.shift(60)
    report(gateway, (1, GOOD))
    assert held() == BLURRED
    clock.shift(60)
    report(gateway, (1, BLURRED))
    clock.shift(60)
    report(gateway, (1, GOOD))
    assert held() == GOOD
    assert history() == [(BLURRED, "d"), (GOOD, "g")]


def test_since_when_is_not_renewed_by_a_second_source(gateway: Caller, clock: TimeMachineFixture) -> None:
    report(gateway, (1, BLURRED))
    clock.shift(60)
    assert diagnose(BLURRED) == 0
    (state,) = abnormal_flags([camera(1)])[camera(1).pk]
    assert (state.label, state.since, state.source) == ("图像模糊", NOON, "平台诊断")


def test_a_rejection_wins_until_the_next_change(gateway: Caller, clock: TimeMachineFixture) -> None:
    report(gateway, (1, BLURRED))
    clock.shift(60)
    reject()
    assert held() == GOOD
    clock.shift(3600)
    report(gateway, (1, BLURRED))
    assert held() == GOOD
    # Another flag is another matter.
    clock.shift(60)
    report(gateway, (1, "000100100"))
    assert held() == NOISY
    clock.shift(60)
    report(gateway, (1, GOOD))
    clock.shift(60)
    report(gateway, (1, BLURRED))
    assert held() == BLURRED
    assert [source for _, source in history()] == ["g", "s", "g", "g", "g"]


def test_a_second_rejection_is_news_again(gateway: Caller, clock: TimeMachineFixture) -> None:
    for flags in (BLURRED, GOOD, BLURRED):
        report(gateway, (1, flags))
        if flags == BLURRED:
            clock.shift(60)
            reject()
            assert held() == GOOD
        clock.shift(60)
    assert BehaviourLog.objects.filter(verb="排除质量告警", reason="图像模糊").count() == 2


def test_only_what_holds_can_be_rejected(gateway: Caller) -> None:
    with pytest.raises(MalformedError, match="没有“图像模糊”"):
        reject()
    report(gateway, (1, NOISY))
    with pytest.raises(MalformedError, match="没有“图像模糊”"):
        reject()
    assert not BehaviourLog.objects.filter(verb="排除质量告警").exists()


def test_a_late_word_is_no_news(gateway: Caller, clock: TimeMachineFixture) -> None:
    diagnose(GOOD)
    late = record_quality(
        verdicts={camera(1).pk: Verdict(BLURRED)},
        source=QualitySource.DIAGNOSIS,
        at=NOON - timedelta(seconds=1),
    )
    assert (late, held()) == (0, GOOD)


def test_what_was_known_of_a_deleted_camera_is_forgotten(gateway: Caller) -> None:
    report(gateway, (1, BLURRED), (2, NOISY))
    gateway.post("VideoInformationDel", {"cameras": [number(1)]})
    assert forget_deleted() == 1
    register(gateway, wire(1))
    assert (held(1), held(2)) == ("", NOISY)
    assert QualityVerdict.objects.count() == 1
    assert QualityChange.objects.filter(camera=camera(1)).exists()


def test_flags_have_words() -> None:
    assert words_of("111111111") == (
        "离线、信号丢失、图像遮挡、图像模糊、亮度异常、图像冻结、图像噪声、图像闪烁、滚动条纹"
    )
    assert words_of(GOOD) == "正常"
