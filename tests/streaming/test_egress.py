"""What goes out, measured by reconciliation, and the alarm above what was planned for."""

import pytest
from django.conf import LazySettings

from access.models import Alarm
from cameras.models import Gateway
from streaming.models import MediaServer
from streaming.services.egress import egress_kbps, judge_egress
from streaming.services.presence import forget_servers_out_of_use, reconcile
from streaming.services.pushes import plan_low_streams
from streaming.tasks import judge_egress as judge
from streaming.tasks import reconcile_media_servers
from tests.streaming.roadside import MediaDouble, session

pytestmark = pytest.mark.django_db

TITLE = "媒体服务器出口流量超过规划"


def test_it_is_bit_rate_times_viewers(gateway: Gateway, server: MediaServer, media: MediaDouble) -> None:
    media.show(1, viewers=3, bitrate_kbps=150)
    media.show(2, viewers=0, bitrate_kbps=150)
    media.show(3, viewers=2, bitrate_kbps=2000)
    reconcile(server=server)
    assert egress_kbps() == 3 * 150 + 2 * 2000
    MediaServer.objects.update(is_active=False)
    forget_servers_out_of_use()
    assert MediaServer.objects.get().egress_kbps == 0


def test_a_push_shows_its_bit_rate_as_it_changes(
    gateway: Gateway, server: MediaServer, media: MediaDouble
) -> None:
    plan_low_streams()
    shown = []
    for kbps in (150, 170, 200, 190, 0):
        media.show(1, bitrate_kbps=kbps)
        reconcile(server=server)
        shown.append(session(1).bitrate_kbps)
    # Not every small change is worth a write.
    assert shown == [150, 150, 200, 200, 0]


def test_a_push_shows_how_far_its_key_frames_are_apart(
    gateway: Gateway, server: MediaServer, media: MediaDouble
) -> None:
    plan_low_streams()
    shown = []
    for seconds in (2.0, 2.04, 4.0, None):
        media.show(1, gop_seconds=seconds)
        reconcile(server=server)
        shown.append(session(1).gop_ms)
    assert shown == [2000, 2000, 4000, 0]


def test_the_alarm_stands_while_more_goes_out_than_planned(
    gateway: Gateway, server: MediaServer, media: MediaDouble, settings: LazySettings
) -> None:
    settings.EGRESS_KBPS_PER_CAMERA = 300
    media.show(1, viewers=150, bitrate_kbps=2000)
    reconcile_media_servers()
    judge()
    assert not Alarm.objects.exists()
    media.show(1, viewers=151, bitrate_kbps=2000)
    reconcile_media_servers()
    judge()
    alarm = Alarm.objects.get(closed_at=None)
    assert (alarm.title, alarm.message) == (
        TITLE,
        "按码率与观看数估算合计 302 Mbit/s，规划为 300 Mbit/s（每路 300 kbit/s）",
    )
    # To and fro around the plan it stands; it is over well below.
    for viewers in (149, 151, 136):
        media.show(1, viewers=viewers, bitrate_kbps=2000)
        reconcile_media_servers()
        judge()
        assert Alarm.objects.get().closed_at is None
    media.show(1, viewers=135, bitrate_kbps=2000)
    reconcile_media_servers()
    judge()
    assert Alarm.objects.get().closed_at is not None
    media.show(1, viewers=149, bitrate_kbps=2000)
    reconcile_media_servers()
    judge()
    assert not Alarm.objects.filter(closed_at=None).exists()


def test_more_cameras_allow_for_more(
    gateway: Gateway, server: MediaServer, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EGRESS_KBPS_PER_CAMERA = 300
    monkeypatch.setattr("streaming.services.egress._FEWEST_CAMERAS", 2)
    MediaServer.objects.update(egress_kbps=900)
    judge_egress()
    assert not Alarm.objects.exists()
    MediaServer.objects.update(egress_kbps=901)
    judge_egress()
    assert Alarm.objects.get().title == TITLE
