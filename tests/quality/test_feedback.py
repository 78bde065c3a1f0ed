"""What staff say of an alarm: kept, logged, and heard by this camera's diagnosis within bounds."""

from datetime import timedelta

import pytest
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.models import BehaviourLog
from protocol.errors import MalformedError
from quality.choices import QualityFlag
from quality.models import CameraDiagnosis, QualityFeedback
from quality.services.feedback import HIGHEST, LOWEST, judge_alarm, sensitivity_after
from quality.services.verdicts import forget_deleted
from tests.cameras.ledger import camera, number
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.engine import GREY, ToldEngine, judge
from tests.quality.reports import BLURRED, GOOD, held, history, report

pytestmark = pytest.mark.django_db

BLUR = QualityFlag.BLURRED


def say(*, is_real: bool, flag: QualityFlag = BLUR) -> None:
    judge_alarm(camera=camera(1), flag=flag, is_real=is_real, actor=SYSTEM)


def diagnosed(words: str, at_minutes: int = 0) -> None:
    judge(ToldEngine({GREY: words}), NOON + timedelta(minutes=at_minutes), camera(1).pk)


def row() -> CameraDiagnosis:
    return CameraDiagnosis.objects.get(camera=camera(1))


def test_a_confirmed_alarm_holds_and_sharpens(gateway: Caller) -> None:
    diagnosed("-00100000")
    say(is_real=True)
    assert (held(), row().sensitivity[BLUR], row().view_since) == (BLURRED, 0.2, None)
    kept = QualityFeedback.objects.get()
    assert (kept.flag, kept.is_real, kept.is_ours, kept.actor_name) == (BLUR, True, True, "系统")
    assert kept.score == pytest.approx(0.9)
    assert BehaviourLog.objects.get(verb="确认质量告警").reason == "图像模糊"


def test_a_false_alarm_is_taken_back_and_dulls(gateway: Caller) -> None:
    diagnosed("-00100000")
    say(is_real=False)
    assert (held(), history()[-1]) == (GOOD, (GOOD, "s"))
    assert row().sensitivity == [0, 0, 0, -0.7, 0, 0, 0, 0, 0]
    assert BehaviourLog.objects.get(verb="排除质量告警").reason == "图像模糊"
    # What is usual for this view was wrong: it is learned anew.
    assert row().view_since == NOON


def test_what_needs_no_view_forgets_none(gateway: Caller) -> None:
    diagnosed("-00001000")
    say(is_real=False, flag=QualityFlag.FROZEN)
    assert row().sensitivity[QualityFlag.FROZEN] == -0.7
    assert row().view_since is None


def test_the_last_word_on_an_alarm_counts(gateway: Caller, clock: TimeMachineFixture) -> None:
    diagnosed("-00100000")
    say(is_real=True)
    say(is_real=True)
    assert row().sensitivity[BLUR] == 0.2
    clock.shift(60)
    say(is_real=False)
    assert (row().sensitivity[BLUR], QualityFeedback.objects.count()) == (-0.7, 1)
    # The next alarm is another one.
    diagnosed("-00000000", 10)
    clock.shift(600)
    diagnosed("-00100000", 15)
    say(is_real=False)
    assert (row().sensitivity[BLUR], QualityFeedback.objects.count()) == (-1.4, 2)


def test_a_gateways_false_alarm_is_not_the_diagnosis_fault(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    diagnosed("-00000000")
    clock.shift(60)
    report(gateway, (1, BLURRED))
    say(is_real=False)
    assert (held(), row().sensitivity[BLUR]) == (GOOD, 0)
    assert not QualityFeedback.objects.get().is_ours


def test_what_the_diagnosis_missed_sharpens_it(gateway: Caller) -> None:
    report(gateway, (1, BLURRED))
    say(is_real=True)
    assert row().sensitivity[BLUR] == 0.2


def test_only_what_holds_can_be_judged(gateway: Caller) -> None:
    for is_real in (True, False):
        with pytest.raises(MalformedError, match="没有“图像模糊”"):
            say(is_real=is_real)
    report(gateway, (1, "100000000"))
    with pytest.raises(MalformedError, match="不需人工确认"):
        say(is_real=False, flag=QualityFlag.OFFLINE)
    assert not QualityFeedback.objects.exists()
    assert not BehaviourLog.objects.filter(verb__endswith="质量告警").exists()


@pytest.mark.parametrize(
    ("said", "shift"),
    [
        ([], 0.0),
        ([(True, True)] * 2, 0.4),
        ([(True, False)], 0.2),
        ([(False, False)], 0.0),
        ([(False, True)] * 9, LOWEST),
        ([(True, True)] * 9, HIGHEST),
        # What was said long ago does not outweigh what is said now.
        ([(False, True)] * 9 + [(True, True)], LOWEST + 0.2),
        ([(True, True)] * 9 + [(False, True)], HIGHEST - 0.7),
    ],
)
def test_sensitivity_is_bounded(said: list[tuple[bool, bool]], shift: float) -> None:
    assert sensitivity_after(said) == pytest.approx(shift)


def test_it_is_forgotten_with_the_camera(gateway: Caller) -> None:
    report(gateway, (1, BLURRED))
    say(is_real=True)
    gateway.post("VideoInformationDel", {"cameras": [number(1)]})
    forget_deleted()
    assert not QualityFeedback.objects.exists()
    assert not CameraDiagnosis.objects.exists()
