"""What a case tells of its cameras: when each thing was, by whom, and nothing beyond now."""

from datetime import datetime, timedelta

import pytest

from access.days import ZONE
from access.models import BehaviourLog, User
from access.services.logs import record
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, StatusChange
from cases.models import CaseCamera, CaseFile
from cases.records import status_periods, viewings
from cases.tables import entries_of, tables_of
from streaming.choices import VideoType
from streaming.models import Viewing
from tests.cases.scene import EVENT, HALF_HOUR, NOW, WANG, begin
from tests.streaming.roadside import make_server

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def logged(camera: Camera, verb: str, at: datetime, **detail: object) -> None:
    record(WANG, verb, object_kind="camera", object_id=camera.pk, object_name=camera.name, detail=detail)
    BehaviourLog.objects.filter(pk=BehaviourLog.objects.latest("id").pk).update(at=at)


def clocks(*times: datetime) -> list[str]:
    return [f"{at.astimezone(ZONE):%H:%M}" for at in times]


def entries(case: CaseFile) -> list[CaseCamera]:
    return list(entries_of(case))


def test_an_end_has_the_time_of_the_end_and_comes_after_its_beginning(camera: Camera) -> None:
    logged(camera, "结束观看", EVENT + 5 * MINUTE, 秒=300, 方式="ws", 码流="低码流")
    logged(camera, "查看视频", EVENT, 方式="ws", 码流="低码流")
    found = viewings(entries(begin(camera)))
    assert [(row.what, row.at) for row in found] == [("查看视频", EVENT), ("结束观看", EVENT + 5 * MINUTE)]
    assert found[0].detail == "WebSocket-FLV，低码流"
    assert found[1].detail == "11-22 10:01:00 起，300 秒，WebSocket-FLV，低码流"


def test_who_watches_now_is_named_as_in_the_log(camera: Camera, operator: User) -> None:
    server = make_server("http://127.0.0.1:1")
    for client, uid in (("a", f"u{operator.pk}"), ("b", "u999"), ("c", "")):
        Viewing.objects.create(
            media_server=server,
            client=client,
            camera=camera,
            video_type=VideoType.LOW,
            uid=uid,
            protocol="ws",
            began_at=EVENT,
        )
    found = viewings(entries(begin(camera)))
    assert [row.what for row in found] == ["正在观看"] * 3
    assert sorted(row.actor for row in found) == sorted([operator.display_name, "未知", "未知"])
    assert {row.detail for row in found} == {"WebSocket-FLV，低码流"}


def test_no_status_is_told_of_a_time_that_is_to_come(camera: Camera, operator: User) -> None:
    at = NOW - HALF_HOUR
    StatusChange.objects.create(camera=camera, at=at, status=OnlineStatus.ONLINE, source=StatusSource.STREAM)
    case = begin(camera, event_at=NOW, before=HALF_HOUR, after=HALF_HOUR)
    (period,) = status_periods(entries(case), NOW)
    assert (period.status, period.ends_at, period.is_last) == ("在线", NOW, True)
    rows = list(dict(tables_of(operator, case, entries(case), [], NOW))["状态"])
    assert rows[1][6] == "2026-11-22 12:02:00（至导出时）"
    # Afterwards it is whole.
    (period,) = status_periods(entries(case), NOW + HALF_HOUR)
    assert (period.ends_at, period.is_last) == (NOW + HALF_HOUR, False)
    assert status_periods(entries(begin(camera, event_at=NOW + 2 * HALF_HOUR)), NOW) == []


def test_before_it_was_entered_a_camera_was_not_there(camera: Camera) -> None:
    Camera.objects.filter(pk=camera.pk).update(created_at=EVENT)
    change = EVENT + 5 * MINUTE
    StatusChange.objects.create(camera=camera, at=change, status=OnlineStatus.ONLINE, source=StatusSource.STREAM)
    found = status_periods(entries(begin(camera)), NOW)
    assert [(row.status, *clocks(row.begins_at, row.ends_at)) for row in found] == [
        ("当时不在台账中", "09:31", "10:01"),
        ("未知", "10:01", "10:06"),
        ("在线", "10:06", "10:31"),
    ]
