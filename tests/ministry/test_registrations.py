"""Registrations, modifications and deletions reach the ministry, and are acknowledged item by item."""

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.models import Organisation, Partner
from cameras.models import Camera
from cameras.selectors import camera_record
from ministry.choices import Interface
from ministry.models import CameraDelivery, DeliveryTrouble, UpperPlatform
from ministry.selectors import Backlog, backlog_by_interface
from ministry.services.sync import LONGEST_RUN_SECONDS
from protocol.cameras import camera_to_wire
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller
from tests.ministry.upper import backlog, calls, delivery, held, sync, told_statuses, trouble
from tests.mock_ministry.running import RunningMinistry

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("platform", "cameras")]


def test_every_camera_is_registered_field_by_field(cameras: Caller, upper: RunningMinistry) -> None:
    make_gateway(cameras.partner)
    register(cameras, wire(4, area=370200, cameraOrientation="双向", others="备注"))
    sync()
    for n, item in held(upper).items():
        assert item == camera_to_wire(camera_record(camera(n)), gateway_num=False)
    assert sorted(held(upper)) == [1, 2, 3, 4]
    assert (held(upper)[4]["area"], held(upper)[4]["gatewayNum"]) == ("370200", "")
    assert (delivery(4).version, delivery(4).is_in_doubt) == (1, False)


def test_what_is_acknowledged_is_not_sent_again(upper: RunningMinistry) -> None:
    assert sync() > 0
    before = len(upper.calls())
    assert sync() == 0
    assert len(upper.calls()) == before
    assert backlog() == 0


def test_only_what_changed_is_sent(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    register(cameras, wire(1), wire(2, poiName="黄河大桥"))
    sync()
    assert [call["count"] for call in calls(upper, "VideoInformation")] == [3, 1]
    assert held(upper)[2]["poiName"] == "黄河大桥"


def test_a_renamed_company_is_told(upper: RunningMinistry) -> None:
    sync()
    company = Organisation.objects.get(name="齐鲁交通")
    company.name = "齐鲁交通发展集团"
    company.save()
    sync()
    assert held(upper)[3]["department"] == "齐鲁交通发展集团"


def test_a_deletion_is_told_and_then_forgotten(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    assert sorted(held(upper)) == [2, 3]
    assert not CameraDelivery.objects.filter(camera=camera(1)).exists()
    before = len(upper.calls())
    sync()
    assert len(upper.calls()) == before


def test_what_does_not_exist_there_is_deleted(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    upper.break_down("lost", verbs=["VideoInformationDel"])
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    assert 1 not in held(upper)
    assert CameraDelivery.objects.filter(camera=camera(1)).exists()
    upper.break_down("none")
    sync()
    assert not CameraDelivery.objects.filter(camera=camera(1)).exists()


def test_a_camera_never_told_is_not_deleted_there(cameras: Caller, upper: RunningMinistry) -> None:
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    assert not calls(upper, "VideoInformationDel")
    assert sorted(held(upper)) == [2, 3]


def test_a_registration_whose_answer_was_lost_is_deleted_all_the_same(
    cameras: Caller, upper: RunningMinistry
) -> None:
    upper.break_down("lost", verbs=["VideoInformation"])
    sync()
    assert sorted(held(upper)) == [1, 2, 3]
    assert (delivery(1).version, delivery(1).is_in_doubt) == (0, True)
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    upper.break_down("none")
    sync()
    assert sorted(held(upper)) == [2, 3]


def test_a_number_that_comes_back_is_registered_again(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    register(cameras, wire(1, poiName="黄河大桥"))
    sync()
    assert held(upper)[1]["poiName"] == "黄河大桥"
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    register(cameras, wire(1))
    sync()
    assert held(upper)[1]["poiName"] == "京沪高速"


def test_a_refused_item_waits_and_the_others_do_not(
    cameras: Caller, upper: RunningMinistry, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    Partner.objects.filter(pk=cameras.partner.pk).update(needs_uuid4=False)
    register(cameras, wire(cameraNum="37000001"))
    sync()
    assert sorted(held(upper)) == [1, 2, 3]
    held_back = CameraDelivery.objects.get(camera__number="37000001")
    assert (held_back.version, held_back.is_in_doubt) == (0, False)
    refused = DeliveryTrouble.objects.get()
    assert (refused.attempts, refused.refusals, refused.parked_at) == (1, 1, None)
    assert "cameraNum" in refused.reason
    assert sorted(call["count"] for call in calls(upper, "ReportCameraStatus")) == [1, 2]
    sync()
    assert len(calls(upper, "VideoInformation")) == 1
    for attempt, wait in ((2, 20), (3, 40), (4, 80)):
        time_machine.shift(wait)
        sync()
        refused.refresh_from_db()
        assert (refused.attempts, refused.parked_at) == (attempt, None)
    assert len(calls(upper, "VideoInformation")) == 4


def test_after_five_refusals_in_a_row_it_is_parked_and_tried_hourly(
    cameras: Caller, upper: RunningMinistry, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    register(cameras, wire(4, road="G2A5"))
    for wait in (20, 40, 80, 160, 320):
        sync()
        time_machine.shift(wait)
    parked = trouble(4)
    assert (parked.refusals, parked.parked_at) == (5, NOON + timedelta(seconds=300))
    assert "road" in parked.reason
    assert backlog_by_interface(UpperPlatform.objects.get())[Interface.REGISTER] == Backlog(1, 0, None, 1)
    sync()
    assert len(calls(upper, "VideoInformation")) == 5
    time_machine.move_to(NOON + timedelta(seconds=300 + 3600), tick=False)
    sync()
    assert len(calls(upper, "VideoInformation")) == 6
    assert trouble(4).parked_at == parked.parked_at


def test_a_parked_camera_is_tried_at_once_when_it_changes(
    cameras: Caller, upper: RunningMinistry, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    register(cameras, wire(4, road="G2A5"))
    for wait in (20, 40, 80, 160, 0):
        sync()
        time_machine.shift(wait)
    assert trouble(4).parked_at is not None
    register(cameras, wire(4, road="G2A6"))
    sync()
    # Refused again, but for the first time as it is now.
    assert (trouble(4).refusals, trouble(4).parked_at) == (1, None)
    register(cameras, wire(4, road="G25"))
    sync()
    assert 4 in held(upper)
    assert not DeliveryTrouble.objects.exists()


def test_cameras_that_wait_for_staff_are_not_told(cameras: Caller, upper: RunningMinistry) -> None:
    Camera.objects.filter(pk=camera(1).pk).update(is_pending=True)
    sync()
    assert sorted(held(upper)) == [2, 3]
    Camera.objects.update(is_pending=False)
    sync()
    assert sorted(held(upper)) == [1, 2, 3]


def test_a_platform_is_told_of_its_scope_only(
    cameras: Caller, upper: RunningMinistry, platform: UpperPlatform, province: Organisation
) -> None:
    platform.organisation = Organisation.objects.get(name="齐鲁交通")
    platform.save()
    sync()
    assert sorted(held(upper)) == [3]
    # A camera that leaves the scope is deleted there, one that enters is registered.
    register(cameras, wire(3), wire(1, department="齐鲁交通", roadSec="潍坊管理处"))
    sync()
    assert sorted(held(upper)) == [1]
    assert told_statuses(upper) == {1: 0}


def test_batches_are_full_and_their_number_is_the_least(
    cameras: Caller, upper: RunningMinistry, settings: LazySettings
) -> None:
    register(cameras, *[wire(n) for n in range(100, 347)])
    sync()
    assert [call["count"] for call in calls(upper, "VideoInformation")] == [100, 100, 50]
    assert sorted(call["count"] for call in calls(upper, "ReportCameraStatus")) == [1, 49, 100, 100]
    cameras.post("VideoInformationDel", {"cameras": [number(n) for n in range(100, 200)]})
    cameras.post("VideoInformationDel", {"cameras": [number(n) for n in range(200, 240)]})
    sync()
    assert [call["count"] for call in calls(upper, "VideoInformationDel")] == [100, 40]


def test_one_run_ends_before_its_task_and_the_next_goes_on(
    cameras: Caller, upper: RunningMinistry, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MINISTRY_BATCH_SIZE = 1
    now = itertools.count(step=LONGEST_RUN_SECONDS / 20)
    monkeypatch.setattr("ministry.services.sync.time", SimpleNamespace(monotonic=lambda: next(now)))
    register(cameras, *[wire(n) for n in range(100, 117)])
    runs = [sync()]
    assert 0 < len(held(upper)) < 20
    while runs[-1]:
        runs.append(sync())
    assert len(held(upper)) == len(told_statuses(upper)) == 20
    assert sum(runs) == 2 * 20


def test_queries_do_not_grow_with_the_batch(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    counts = []
    for first, size in ((100, 3), (200, 30)):
        register(cameras, *[wire(n) for n in range(first, first + size)])
        with CaptureQueriesContext(connection) as queries:
            sync()
        counts.append(len(queries))
    assert counts[0] == counts[1]
