"""Who watches now: counted from hooks, corrected by what the servers list, the highest of a day kept."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import User
from cameras.models import Gateway
from streaming import tasks
from streaming.choices import PeakKind, VideoType
from streaming.models import MediaServer, ViewerPeak, Viewing
from streaming.services.presence import forget_servers_out_of_use, reconcile
from streaming.services.pushes import plan_low_streams
from streaming.services.viewings import AWAY_SECONDS, forget_old_peaks, note_peaks
from tests.cameras.ledger import camera
from tests.cast import Caller
from tests.streaming.roadside import MediaDouble, hook

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
HIGH = VideoType.HIGH


@pytest.fixture(autouse=True)
def clock(gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    """Low streams of cameras 1, 2 and 3 are wanted."""
    time_machine.move_to(NOON, tick=False)
    plan_low_streams()
    return time_machine


def play(client: str, n: int = 1, video_type: int = 0, uid: str = "p1") -> None:
    hook("play", n, video_type, client_id=client, uid=uid, protocol="ws")


def stop(client: str, n: int = 1, video_type: int = 0) -> None:
    hook("stop", n, video_type, client_id=client)


def watching() -> list[str]:
    return sorted(Viewing.objects.values_list("client", flat=True))


def peaks(kind: PeakKind) -> dict[int, int]:
    return dict(ViewerPeak.objects.filter(kind=kind, day=TODAY).values_list("subject_id", "peak"))


def test_a_viewer_counts_from_coming_to_leaving() -> None:
    play("a")
    play("b", n=2, uid="u7")
    row = Viewing.objects.get(client="b")
    assert (row.camera_id, row.video_type, row.uid, row.protocol) == (camera(2).pk, 0, "u7", "ws")
    assert row.began_at == NOON
    stop("a")
    assert watching() == ["b"]


def test_a_hook_that_is_told_twice_counts_once() -> None:
    play("a")
    play("a")
    assert watching() == ["a"]
    stop("a")
    stop("a")
    assert watching() == []


def test_leaving_one_stream_says_nothing_of_another() -> None:
    play("a")
    stop("a", n=2)
    stop("a", video_type=HIGH)
    assert watching() == ["a"]


class TestCorrection:
    def test_a_lost_leaving_is_found_out_and_the_newest_stay(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        for client in ("first", "second", "third"):
            play(client)
            clock.shift(1)
        play("elsewhere", n=2)
        media.show(1, viewers=2)
        media.show(2, viewers=1)
        clock.shift(60)
        reconcile(server=server)
        assert watching() == ["elsewhere", "second", "third"]
        media.show(1, viewers=0)
        reconcile(server=server)
        assert watching() == ["elsewhere"]

    def test_who_has_just_come_may_not_be_counted_there_yet(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        play("old")
        clock.shift(60)
        play("fresh")
        media.show(1, viewers=1)
        clock.shift(5)
        reconcile(server=server)
        assert watching() == ["fresh", "old"]
        clock.shift(6)
        reconcile(server=server)
        assert watching() == ["fresh"]

    @pytest.mark.parametrize("is_told", [True, False])
    def test_a_publisher_that_reconnects_keeps_its_viewers(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture, is_told: bool
    ) -> None:
        hook("publish", 1)
        play("a")
        clock.shift(60)
        if is_told:
            hook("unpublish", 1)
        reconcile(server=server)
        clock.shift(AWAY_SECONDS)
        reconcile(server=server)
        assert watching() == ["a"]
        clock.shift(1)
        reconcile(server=server)
        assert watching() == []

    def test_nobody_watches_what_is_not_pushed_at_all(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        play("a", n=2)
        clock.shift(60)
        reconcile(server=server)
        assert watching() == []

    def test_nobody_watches_at_a_server_that_is_gone(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        play("a")
        media.is_down = True
        reconcile(server=server)
        assert watching() == ["a"]
        clock.shift(15)
        reconcile(server=server)
        assert watching() == []

    def test_nor_at_one_out_of_use(self) -> None:
        play("a")
        forget_servers_out_of_use()
        assert watching() == ["a"]
        MediaServer.objects.update(is_active=False)
        forget_servers_out_of_use()
        assert watching() == []


class TestPeaks:
    def test_the_highest_of_a_day_stays(
        self, ministry: Caller, operator: User, clock: TimeMachineFixture
    ) -> None:
        partner, staff = f"p{ministry.partner.pk}", f"u{operator.pk}"
        play("a", uid=partner)
        play("b", uid=staff)
        play("c", n=2, uid=partner)
        play("d", n=2, uid="0")
        tasks.note_peaks()
        stop("a")
        clock.shift(5)
        note_peaks()
        assert peaks(PeakKind.ALL) == {0: 4}
        assert peaks(PeakKind.CAMERA) == {camera(1).pk: 2, camera(2).pk: 2}
        assert peaks(PeakKind.PARTNER) == {ministry.partner.pk: 2}
        assert peaks(PeakKind.STAFF) == {operator.pk: 1}
        assert ViewerPeak.objects.get(kind=PeakKind.ALL).at == NOON
        for client in ("e", "f"):
            play(client, n=3, uid=partner)
        note_peaks()
        assert (peaks(PeakKind.ALL)[0], peaks(PeakKind.PARTNER)) == (5, {ministry.partner.pk: 3})
        assert ViewerPeak.objects.get(kind=PeakKind.ALL).at == NOON + timedelta(seconds=5)

    def test_a_day_begins_at_midnight_of_beijing(self, clock: TimeMachineFixture) -> None:
        play("a")
        note_peaks()
        clock.move_to(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), tick=False)
        note_peaks()
        assert sorted(ViewerPeak.objects.filter(kind=PeakKind.ALL).values_list("day", flat=True)) == [
            TODAY,
            date(2026, 11, 23),
        ]

    def test_without_viewers_no_row_is_made(self) -> None:
        note_peaks()
        assert not ViewerPeak.objects.exists()

    def test_old_days_are_dropped(self, settings: LazySettings) -> None:
        settings.VIEWER_PEAK_DAYS = 2
        for days_ago in range(5):
            day = TODAY - timedelta(days=days_ago)
            ViewerPeak.objects.create(day=day, kind=PeakKind.ALL, subject_id=0, peak=1, at=NOON)
        assert forget_old_peaks() == 2
        assert ViewerPeak.objects.earliest("day").day == date(2026, 11, 20)
