"""视频上云: the list of pushes, which of them it shows, and how many statements it takes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import TimeMachineFixture

from access.models import Organisation
from cameras.models import Camera
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer
from tests.cast import Caller
from tests.console.desk import Desk, text_of
from tests.console.streams import push, row_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera, make_gateway

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def test_push_sessions_those_that_are_missing_first(
    admin_desk: Desk, office: Organisation, media_server: MediaServer, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    first, second, third = (make_camera(office, number, gateway) for number in (1, 2, 3))
    shape = {"codec": "H264", "width": 352, "height": 288, "bitrate_kbps": 152, "gop_ms": 2004, "viewers": 4}
    push(first, media_server, live_at=NOON - timedelta(hours=1), **shape)
    push(second, media_server, live_at=NOON - timedelta(minutes=1), video_type=VideoType.HIGH)
    over = {"state": PushState.IDLE, "is_wanted": False, "bitrate_kbps": 900}
    push(third, media_server, ended_at=NOON - timedelta(minutes=2), video_type=VideoType.HIGH, **over)
    push(third, media_server, state=PushState.FAILED, last_error="网关：摄像机离线")
    page = admin_desk.page("streams_pushes")
    rows = [row_of(page, "push", number) for number in range(4)]
    assert rows[0].endswith(f"{third.name} {gateway} 低码流 网关：摄像机离线 — — — — — 0 embedded")
    assert rows[1].endswith(f"{second.name} {gateway} 高码流 推流中 12:29:00 — — — — 0 embedded")
    assert rows[2].endswith(
        f"{first.name} {gateway} 低码流 推流中 11:30:00 — H264 352×288 152 2.0 4 embedded"
    )
    assert rows[3].endswith(f"{third.name} {gateway} 高码流 未推流 — 12:28:00 — — — 0 embedded")


def test_push_sessions_of_a_gateway_or_some_cameras(
    admin_desk: Desk, office: Organisation, media_server: MediaServer, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    ours, other = make_camera(office, 1, gateway), make_camera(office, 2)
    for camera in (ours, other):
        push(camera, media_server)
    cases: list[tuple[dict[str, Any], set[Camera]]] = [
        ({"gateway": gateway.pk}, {ours}),
        ({"camera": other.name}, {other}),
        ({"camera": ours.number.upper()}, {ours}),
        ({"camera": ours.stake[:3]}, {ours, other}),
        ({"gateway": gateway.pk, "camera": other.name}, set()),
        ({"gateway": "", "camera": ""}, {ours, other}),
    ]
    for query, found in cases:
        page = text_of(admin_desk.client.get(reverse("console:streams_pushes"), query))
        assert {camera for camera in (ours, other) if camera.name in page} == found
    refused = admin_desk.client.get(reverse("console:streams_pushes"), {"gateway": "x"})
    assert refused.status_code == 400


@pytest.mark.parametrize("count", [3, 60])
def test_the_list_of_pushes_takes_as_many_statements_whatever_its_length(
    count: int, admin_desk: Desk, office: Organisation, media_server: MediaServer, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    for number in range(count):
        push(make_camera(office, number, gateway), media_server)
    admin_desk.page("streams_pushes")
    with CaptureQueriesContext(connection) as queries:
        page = admin_desk.page("streams_pushes")
    assert page.count('data-testid="push"') == min(count, 50)
    assert len(queries) == 6
