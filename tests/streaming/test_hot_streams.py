"""Cameras whose high stream is kept at some hours, watched or not."""

from datetime import UTC, datetime, time

import pytest
from django.test import Client
from time_machine import TimeMachineFixture

from access.models import BehaviourLog, User
from cameras.models import Gateway
from streaming.choices import VideoType
from streaming.models import HotHours, PushSession, ViewerLimit
from streaming.selectors import hot_hours
from streaming.services.pushes import keep_hot_streams, release_idle_high_streams
from streaming.tasks import keep_streams
from tests.cameras.ledger import camera

pytestmark = pytest.mark.django_db

# 12:00 in Beijing.
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def hot(begins: str, ends: str) -> HotHours:
    return HotHours.objects.create(
        camera=camera(1), begins=time.fromisoformat(begins), ends=time.fromisoformat(ends)
    )


def wanted() -> list[int]:
    rows = PushSession.objects.filter(video_type=VideoType.HIGH, is_wanted=True)
    return list(rows.values_list("camera_id", flat=True))


@pytest.mark.parametrize(
    ("begins", "ends", "is_hot"),
    [
        ("12:00", "12:01", True),
        ("11:00", "12:00", False),
        ("07:00", "09:00", False),
        ("22:00", "06:00", False),
        ("11:59", "06:00", True),
        ("22:00", "12:01", True),
        ("22:00", "12:00", False),
        ("08:00", "08:00", True),
        ("13:00", "13:00", True),
    ],
)
def test_hours_of_the_day_in_beijing(gateway: Gateway, begins: str, ends: str, is_hot: bool) -> None:
    hot(begins, ends)
    assert hot_hours(NOON).exists() == is_hot


def test_it_is_wanted_at_its_hours_and_idle_after_them(gateway: Gateway, clock: TimeMachineFixture) -> None:
    hot("11:00", "12:30")
    assert keep_hot_streams() == 1
    assert wanted() == [camera(1).pk]
    assert keep_hot_streams() == 0
    clock.shift(600)
    assert release_idle_high_streams() == 0
    assert wanted() == [camera(1).pk]
    clock.shift(1800)
    assert release_idle_high_streams() == 1
    assert (keep_hot_streams(), wanted()) == (0, [])


def test_the_task_wants_it(gateway: Gateway) -> None:
    hot("11:00", "12:30")
    keep_streams()
    assert wanted() == [camera(1).pk]


def test_a_camera_nobody_can_push_is_not_wanted(gateway: Gateway) -> None:
    hot("11:00", "13:00")
    Gateway.objects.update(is_active=False)
    assert (keep_hot_streams(), wanted()) == (0, [])


def test_staff_keep_the_lists_and_it_is_logged(gateway: Gateway, superuser: User) -> None:
    browser = Client()
    browser.force_login(superuser)
    fields = {"camera": camera(1).pk, "begins": "07:00", "ends": "09:00"}
    assert browser.post("/admin/streaming/hothours/add/", fields).status_code == 302
    limit = {"camera": camera(1).pk, "most_viewers": 3}
    assert browser.post("/admin/streaming/viewerlimit/add/", limit).status_code == 302
    pk = HotHours.objects.get().pk
    assert browser.post(f"/admin/streaming/hothours/{pk}/delete/", {"post": "yes"}).status_code == 302
    assert (HotHours.objects.count(), ViewerLimit.objects.get().most_viewers) == (0, 3)
    rows = BehaviourLog.objects.filter(object_kind="camera", actor_kind="staff").order_by("id")
    assert [(row.verb, row.detail) for row in rows] == [
        ("修改热点时段", {"自": "07:00", "至": "09:00"}),
        ("修改观看上限", {"同时观看上限": 3}),
        ("删除热点时段", {"自": "07:00", "至": "09:00"}),
    ]
    for name in ("viewing", "viewerpeak", "hothours", "viewerlimit"):
        assert browser.get(f"/admin/streaming/{name}/").status_code == 200
