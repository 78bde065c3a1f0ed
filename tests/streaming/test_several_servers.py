"""Several media servers: streams are placed by load, and those of a dead one go to the others by themselves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from cameras.models import Gateway
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession
from streaming.selectors import SILENCE_SECONDS
from streaming.services.orders import gateways_with_due_orders, give_due_orders, give_order
from streaming.services.presence import reconcile
from streaming.services.pushes import plan_low_streams, want_high_stream
from streaming.services.relocation import relocate_streams
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.protocol.peer import Reply, Request, reply
from tests.streaming.roadside import (
    GatewayDouble,
    MediaDouble,
    hook,
    make_server,
    media_double,
    session,
    stream,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HIGH = VideoType.HIGH


@pytest.fixture(autouse=True)
def clock(settings: LazySettings, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    settings.PUSH_ORDERS_PER_SECOND = 1000
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def second_media() -> Iterator[MediaDouble]:
    with media_double() as double:
        yield double


@pytest.fixture
def second(server: MediaServer, second_media: MediaDouble) -> MediaServer:
    made = make_server(second_media.peer.base_url, name="second")
    MediaServer.objects.filter(pk=made.pk).update(rtmp_url="rtmp://10.0.0.2:1935")
    return made


def keep() -> None:
    """What the worker does every two seconds."""
    relocate_streams()
    plan_low_streams()
    for gateway_id in gateways_with_due_orders():
        give_due_orders(gateway_id=gateway_id)


def reconcile_all() -> None:
    for server in MediaServer.objects.order_by("pk"):
        reconcile(server=server)


def die(media: MediaDouble, clock: TimeMachineFixture) -> None:
    """Silent for so long that its streams are lost."""
    media.is_down = True
    media.streams.clear()
    reconcile_all()
    clock.shift(SILENCE_SECONDS)
    reconcile_all()


def placed() -> dict[int, str]:
    """Server of each camera's low stream."""
    rows = PushSession.objects.filter(video_type=VideoType.LOW).order_by("camera")
    return {
        int(key[-12:]): name for key, name in rows.values_list("camera__number_key", "media_server__name")
    }


def targets(roadside: GatewayDouble) -> list[tuple[int, str]]:
    """Camera and server of each order to push, in the order given."""
    begun = roadside.peer.of("VideoTransBegin")
    hosts = (json.loads(request.body)["command"]["serverIp"] for request in begun)
    return [(n, host) for (n, _), host in zip(roadside.orders(), hosts, strict=True)]


class TestPlacement:
    def test_new_streams_go_where_the_fewest_are(
        self, gateway: Gateway, gateway_partner: Caller, second: MediaServer
    ) -> None:
        plan_low_streams()
        assert placed() == {1: "embedded", 2: "second", 3: "embedded"}
        register(gateway_partner, wire(4), wire(5))
        plan_low_streams()
        assert [placed()[n] for n in (4, 5)] == ["second", "embedded"]

    def test_a_heavier_one_takes_more(
        self, gateway: Gateway, gateway_partner: Caller, second: MediaServer
    ) -> None:
        MediaServer.objects.filter(pk=second.pk).update(weight=3)
        register(gateway_partner, *[wire(n) for n in range(4, 9)])
        plan_low_streams()
        assert sorted(placed().values()) == ["embedded"] * 2 + ["second"] * 6

    def test_one_that_does_not_answer_gets_none(
        self, gateway: Gateway, second: MediaServer, media: MediaDouble
    ) -> None:
        media.is_down = True
        reconcile_all()
        plan_low_streams()
        assert set(placed().values()) == {"second"}

    def test_a_high_stream_is_beside_the_low_one_and_so_are_its_addresses_before(
        self, gateway: Gateway, second: MediaServer, ministry: Caller
    ) -> None:
        plan_low_streams()
        hook("publish", 1)
        PushSession.objects.update(media_server=second, state=PushState.LIVE)
        department = ministry.get("GetCameraPlayURL", department="山东高速", videoType=1)
        single = ministry.get("GetCameraPlayURL", cameraNum=number(1), videoType=1)
        for answer in (department, single):
            urls = [entry["flv_url"] for entry in answer["videoRequestUrl"] if entry["online"]]
            assert [url.startswith(second.http_url) for url in urls] == [True]
        want_high_stream(camera=camera(1))
        assert session(1, HIGH).media_server == second


class TestDeath:
    @pytest.fixture(autouse=True)
    def running(self, gateway: Gateway, second: MediaServer, media: MediaDouble) -> None:
        """Cameras 1 and 3 push to the first server, 2 to the second."""
        keep()
        for n in (1, 3):
            hook("publish", n)
            media.show(n)

    def test_its_cameras_are_ordered_to_the_others(
        self,
        media: MediaDouble,
        roadside: GatewayDouble,
        second: MediaServer,
        ministry: Caller,
        clock: TimeMachineFixture,
    ) -> None:
        before = len(roadside.orders())
        die(media, clock)
        keep()
        assert set(placed().values()) == {"second"}
        # Camera 2 never appeared and is ordered again as well.
        assert sorted(targets(roadside)[before:]) == [(1, "10.0.0.2"), (2, "10.0.0.2"), (3, "10.0.0.2")]
        # Within the time in which a short absence is no news, addresses follow as well.
        (entry,) = ministry.get("GetCameraPlayURL", cameraNum=number(1))["videoRequestUrl"]
        assert entry["flv_url"].startswith(f"{second.http_url}/live/")

    def test_a_short_silence_moves_nothing(self, media: MediaDouble, clock: TimeMachineFixture) -> None:
        media.is_down = True
        reconcile_all()
        clock.shift(SILENCE_SECONDS - 1)
        reconcile_all()
        assert relocate_streams() == 0
        assert placed()[1] == "embedded"

    def test_an_order_under_way_is_waited_for(
        self, media: MediaDouble, roadside: GatewayDouble, clock: TimeMachineFixture
    ) -> None:
        PushSession.objects.update(claimed_until=NOON + timedelta(seconds=SILENCE_SECONDS + 1))
        die(media, clock)
        assert relocate_streams() == 0
        clock.shift(1)
        assert relocate_streams() == 2

    def test_while_there_is_no_other_nobody_is_ordered_anywhere(
        self, media: MediaDouble, second_media: MediaDouble, roadside: GatewayDouble, clock: TimeMachineFixture
    ) -> None:
        before = len(roadside.orders())
        second_media.is_down = True
        die(media, clock)
        keep()
        assert (placed()[1], len(roadside.orders())) == ("embedded", before)
        media.is_down = False
        reconcile_all()
        keep()
        assert (1, "127.0.0.1") in targets(roadside)[before:]

    @pytest.mark.parametrize(("pace", "moved"), [(0.1, [1, 1, 0]), (0.5, [1, 1, 0]), (1, [2, 0, 0])])
    def test_they_move_at_a_pace(
        self,
        media: MediaDouble,
        settings: LazySettings,
        clock: TimeMachineFixture,
        pace: float,
        moved: list[int],
    ) -> None:
        settings.STREAM_MOVES_PER_SECOND = pace
        die(media, clock)
        assert [relocate_streams() for _ in range(3)] == moved

    def test_when_it_is_back_nothing_that_runs_moves_and_new_ones_go_there(
        self, media: MediaDouble, gateway_partner: Caller, clock: TimeMachineFixture
    ) -> None:
        die(media, clock)
        keep()
        media.is_down = False
        reconcile_all()
        register(gateway_partner, wire(4), wire(5))
        keep()
        assert placed() == {1: "second", 2: "second", 3: "second", 4: "embedded", 5: "embedded"}

    def test_what_ran_on_unseen_is_taken_as_it_is(self, media: MediaDouble, clock: TimeMachineFixture) -> None:
        die(media, clock)
        relocate_streams()
        media.is_down = False
        media.show(1)
        reconcile_all()
        assert (placed()[1], session(1).state, session(1).moved_at) == ("embedded", PushState.LIVE, None)
        assert camera(1).has_stream

    def test_what_runs_elsewhere_by_now_is_ended_there(
        self, media: MediaDouble, second_media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        die(media, clock)
        keep()
        clock.shift(5)
        second_media.show(1)
        reconcile_all()
        media.is_down = False
        media.show(1)
        reconcile_all()
        assert (media.kicked, second_media.kicked) == ([stream(1)], [])
        assert placed()[1] == "second"

    def test_a_gateway_that_says_it_pushes_already_is_made_to_push_anew(
        self,
        media: MediaDouble,
        second_media: MediaDouble,
        roadside: GatewayDouble,
        clock: TimeMachineFixture,
    ) -> None:
        PushSession.objects.exclude(pk=session(1).pk).delete()
        die(media, clock)
        relocate_streams()
        roadside.peer.requests.clear()
        said = iter([201, 200, 200])
        roadside.peer.respond = lambda _: reply(next(said))
        assert give_order(session_id=session(1).pk)
        verbs = [request.path.rpartition("Trans")[2] for request in roadside.peer.requests]
        assert verbs == ["Begin", "Finish", "Begin"]
        # Where it has come up, that is the truth.
        for is_there in (True, False):
            clock.shift(5)
            second_media.streams = {stream(1): {}} if is_there else {}
            reconcile_all()
        roadside.peer.respond = lambda _: reply(201)
        give_order(session_id=session(1).pk)
        assert len(roadside.peer.requests) == 4

    def test_a_high_stream_goes_with_the_low_one(
        self, media: MediaDouble, second: MediaServer, clock: TimeMachineFixture
    ) -> None:
        third = make_server(second.http_url, name="third")
        want_high_stream(camera=camera(3))
        die(media, clock)
        relocate_streams()
        assert [session(n).media_server for n in (1, 3)] == [third, second]
        # By load alone it would be beside camera 1.
        assert session(3, HIGH).media_server == second

    def test_one_that_nobody_wants_any_more_is_finished_at_its_gateway(
        self, media: MediaDouble, roadside: GatewayDouble, clock: TimeMachineFixture
    ) -> None:
        PushSession.objects.filter(pk=session(1).pk).update(
            video_type=HIGH, is_wanted=False, state=PushState.ORDERED
        )
        die(media, clock)
        keep()
        assert roadside.finished == [(1, 1)]


def test_a_server_taken_out_of_use_hands_over_what_waits_as_well(
    gateway: Gateway, second: MediaServer, roadside: GatewayDouble
) -> None:
    def refuse(_: Request) -> Reply:
        return reply(500)

    roadside.peer.respond = refuse
    keep()
    MediaServer.objects.filter(name="embedded").update(is_active=False)
    keep()
    assert set(placed().values()) == {"second"}
    # The new order is given at once, without the back-off of the old.
    assert [n for n, host in targets(roadside) if host == "10.0.0.2"].count(1) == 1
