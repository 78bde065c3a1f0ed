"""Changes of long ago are dropped, but not what says how the first day that is kept began."""

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from cameras import history
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import StatusChange
from cameras.tasks import forget_old_statuses
from quality.choices import QualitySource
from quality.models import QualityChange
from quality.tasks import forget_old_qualities
from tests.cameras.ledger import camera
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.reports import BLURRED, GOOD

pytestmark = pytest.mark.django_db

# Days before noon, of a camera that changes often and of one that has been the same for long.
OFTEN, SELDOM = (1, 99, 101, 102, 400), (300, 350)


@pytest.fixture(autouse=True)
def _days(gateway: Caller, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HISTORY_KEEP_DAYS = 100
    monkeypatch.setattr(history, "_AT_ONCE", 1)
    StatusChange.objects.all().delete()


def at(days: int) -> datetime:
    return NOON - timedelta(days=days)


def left(changes: type[StatusChange] | type[QualityChange], n: int) -> list[int]:
    return [(NOON - row.at).days for row in changes.objects.filter(camera=camera(n)).order_by("-at")]


def test_statuses() -> None:
    for n, ages in ((1, OFTEN), (2, SELDOM)):
        for days in ages:
            StatusChange.objects.create(
                camera=camera(n), at=at(days), status=OnlineStatus.ONLINE, source=StatusSource.REPORT
            )
    forget_old_statuses()
    assert (left(StatusChange, 1), left(StatusChange, 2)) == ([1, 99, 101], [300])


def test_qualities() -> None:
    for n, ages in ((1, OFTEN), (2, SELDOM)):
        for days in ages:
            QualityChange.objects.create(
                camera=camera(n), at=at(days), before=GOOD, after=BLURRED, source=QualitySource.GATEWAY
            )
    forget_old_qualities()
    assert (left(QualityChange, 1), left(QualityChange, 2)) == ([1, 99, 101], [300])


def test_history_that_is_shorter_than_the_pictures_is_refused(settings: LazySettings) -> None:
    settings.HISTORY_KEEP_DAYS = settings.SNAPSHOT_RETENTION_DAYS - 1
    assert "quality.E004" in {message.id for message in run_checks()}
