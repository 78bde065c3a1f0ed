"""Whoever lost the right to a picture that already runs: found out, ended at the media server, logged with the reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.choices import Action, Scope
from access.models import BehaviourLog, Organisation, Partner, StaffRole, StaffSession, User
from access.services.partners import revoke_partner
from access.staff_sessions import end_session
from cameras.models import Camera, CameraException, CameraGroup, Gateway, GroupMember
from streaming import tasks
from streaming.models import MediaServer, Viewing
from streaming.services.unannounced import take_in
from streaming.services.withdrawal import end_viewings_without_right, mark_lost
from tests.cameras.ledger import camera
from tests.cast import Caller
from tests.console.desk import Desk
from tests.protocol.peer import Reply
from tests.streaming.roadside import MediaDouble, hook, make_server, media_double

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SOON = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def clock(gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def desk(operator: User) -> Desk:
    """The operator, who watches cameras 1 to 3, is signed in."""
    return Desk(operator)


@pytest.fixture
def watching(desk: Desk, ministry: Caller) -> None:
    """The operator watches cameras 1 and 2, the ministry camera 1, and somebody in nobody's name camera 1."""
    play("o-1", 1, f"u{desk.user.pk}")
    play("o-2", 2, f"u{desk.user.pk}")
    play("m-1", 1, f"p{ministry.partner.pk}")
    play("n-1", 1, "0")


def play(client: str, n: int, uid: str) -> None:
    hook("play", n, client_id=client, uid=uid, protocol="ws", address="10.1.2.3")


def left() -> set[str]:
    return set(Viewing.objects.values_list("client", flat=True))


def reasons() -> list[str]:
    ended = BehaviourLog.objects.filter(verb="结束观看").order_by("pk")
    return list(ended.values_list("reason", flat=True))


def deny(**more: object) -> CameraException:
    own = {"organisation": camera(1).organisation, "action": Action.WATCH, "is_denied": True}
    return CameraException.objects.create(**(own | more))


def test_as_long_as_everybody_may_watch_nobody_is_disturbed(watching: None, media: MediaDouble) -> None:
    assert end_viewings_without_right() == 0
    assert (left(), media.ended) == ({"o-1", "o-2", "m-1", "n-1"}, [])
    assert not Viewing.objects.exclude(withdrawn="").exists()


def _role_taken(user: User) -> None:
    StaffRole.objects.filter(user=user).update(valid_until=timezone.now())


def _group_denied(user: User) -> None:
    group = CameraGroup.objects.create(name="专项", organisation=camera(1).organisation)
    GroupMember.objects.create(group=group, camera=camera(1))
    GroupMember.objects.create(group=group, camera=camera(2))
    deny(group=group, user=user)


def _account_off(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


@pytest.mark.parametrize("happens", [_role_taken, _group_denied, _account_off])
def test_what_somebody_may_no_longer_watch_is_ended_and_others_go_on(
    happens: Callable[[User], None], watching: None, desk: Desk, media: MediaDouble
) -> None:
    happens(desk.user)
    tasks.end_viewings_without_right()
    assert sorted(media.ended) == ["o-1", "o-2"]
    assert left() == {"m-1", "n-1"}


def test_only_the_camera_that_was_denied_is_ended(watching: None, desk: Desk, media: MediaDouble) -> None:
    deny(camera=camera(2), user=desk.user)
    assert end_viewings_without_right() == 1
    assert (media.ended, left()) == (["o-2"], {"o-1", "m-1", "n-1"})
    ended = BehaviourLog.objects.get(verb="结束观看")
    assert (ended.actor_id, ended.object_id) == (desk.user.pk, str(camera(2).pk))
    assert (ended.reason, ended.detail["秒"]) == ("由平台断开：观看权限已收回", 0)


def test_a_role_that_runs_out_ends_what_it_opened(
    watching: None, desk: Desk, clock: TimeMachineFixture, settings: LazySettings
) -> None:
    settings.CONSOLE_IDLE_SECONDS = 3600
    StaffRole.objects.filter(user=desk.user).update(valid_until=NOON + SOON)
    clock.shift(SOON - timedelta(seconds=1))
    assert end_viewings_without_right() == 0
    clock.shift(1)
    assert end_viewings_without_right() == 2


def test_a_camera_that_moves_away_or_goes_is_watched_no_more(
    watching: None, other_company: Organisation, media: MediaDouble
) -> None:
    Camera.objects.filter(pk=camera(1).pk).update(organisation=other_company)
    end_viewings_without_right()
    assert (media.ended, left()) == (["o-1"], {"o-2", "m-1", "n-1"})
    Camera.objects.update(deleted_at=timezone.now())
    end_viewings_without_right()
    # The ministry sees every company, but nobody sees what is gone.
    assert left() == {"n-1"}


def _partner_off(partner: Partner) -> None:
    Partner.objects.filter(pk=partner.pk).update(is_active=False)


def _partner_narrowed(partner: Partner) -> None:
    other = Organisation.objects.get(name="齐鲁交通")
    Partner.objects.filter(pk=partner.pk).update(organisation=other)


def _partner_without_play(partner: Partner) -> None:
    Partner.objects.filter(pk=partner.pk).update(scopes=[Scope.SNAPSHOT])


def _camera_hidden(partner: Partner) -> None:
    deny(camera=camera(1), partner=partner)


def _tokens_revoked(partner: Partner) -> None:
    revoke_partner(partner=partner, actor=SYSTEM)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (_partner_off, "观看权限已收回"),
        (_partner_narrowed, "观看权限已收回"),
        (_partner_without_play, "观看权限已收回"),
        (_camera_hidden, "观看权限已收回"),
        (_tokens_revoked, "令牌已吊销"),
    ],
)
def test_the_viewers_of_a_partner_end_with_its_right(
    happens: Callable[[Partner], None],
    reason: str,
    watching: None,
    ministry: Caller,
    other_company: Organisation,
    media: MediaDouble,
) -> None:
    happens(ministry.partner)
    end_viewings_without_right()
    assert (media.ended, left()) == (["m-1"], {"o-1", "o-2", "n-1"})
    assert reasons() == [f"由平台断开：{reason}"]


class TestSigningOut:
    def test_a_session_ended_by_an_administrator_takes_its_streams_along(
        self, watching: None, desk: Desk
    ) -> None:
        """Also while another browser of the same person goes on: it plays again by itself."""
        Client().force_login(desk.user)
        sessions = StaffSession.objects.filter(user=desk.user)
        assert sessions.count() == 2
        end_session(session=sessions[0], actor=SYSTEM)
        end_viewings_without_right()
        assert left() == {"m-1", "n-1"}
        assert reasons() == ["由平台断开：登录会话被结束"] * 2
        play("again", 1, f"u{desk.user.pk}")
        assert end_viewings_without_right() == 0

    def test_whoever_signed_out_watches_nothing(self, watching: None, desk: Desk) -> None:
        desk.client.logout()
        end_viewings_without_right()
        assert left() == {"m-1", "n-1"}
        assert set(reasons()) == {"由平台断开：登录已结束"}

    def test_nor_whoever_is_idle_for_too_long(
        self, watching: None, desk: Desk, clock: TimeMachineFixture, settings: LazySettings
    ) -> None:
        desk.page("wall")
        clock.shift(settings.CONSOLE_IDLE_SECONDS)
        assert end_viewings_without_right() == 0
        clock.shift(1)
        end_viewings_without_right()
        assert left() == {"m-1", "n-1"}

    def test_a_new_password_ends_what_runs(self, watching: None, desk: Desk) -> None:
        desk.user.set_password("Another-2026-yun")
        desk.user.save()
        end_viewings_without_right()
        assert left() == {"m-1", "n-1"}


class TestServers:
    @pytest.fixture(autouse=True)
    def shut_out(self, watching: None, desk: Desk) -> None:
        deny(camera=camera(1), user=desk.user)
        deny(camera=camera(2), user=desk.user)

    def test_one_that_does_not_answer_is_asked_again_and_holds_up_nobody(
        self, server: MediaServer, media: MediaDouble
    ) -> None:
        with media_double() as second:
            other = make_server(second.peer.base_url, "second")
            Viewing.objects.filter(client="o-2").update(media_server=other)
            media.is_down = True
            end_viewings_without_right()
            assert (second.ended, left()) == (["o-2"], {"o-1", "m-1", "n-1"})
            media.is_down = False
            end_viewings_without_right()
        assert (media.ended, left()) == (["o-1"], {"m-1", "n-1"})

    def test_one_whose_answer_is_nonsense_holds_up_nobody(self, server: MediaServer, media: MediaDouble) -> None:
        with media_double() as second:
            make_server(second.peer.base_url, "second")
            second.peer.respond = lambda _: Reply(b"[" * 100_000)
            tasks.end_viewings_without_right()
        assert sorted(media.ended) == ["o-1", "o-2"]
        assert left() == {"m-1", "n-1"}

    def test_one_known_to_be_silent_is_not_waited_for(self, server: MediaServer, media: MediaDouble) -> None:
        MediaServer.objects.update(silent_since=NOON)
        end_viewings_without_right()
        assert media.ended == []
        MediaServer.objects.update(silent_since=None)
        end_viewings_without_right()
        assert left() == {"m-1", "n-1"}

    def test_who_is_just_coming_is_asked_for_again(
        self, media: MediaDouble, clock: TimeMachineFixture, desk: Desk
    ) -> None:
        """A server that asks about a viewer knows of it only when it has our answer."""
        media.unknown = {"o-1", "o-2"}
        end_viewings_without_right()
        assert {"o-1", "o-2"} <= left()
        media.unknown = {"o-2"}
        end_viewings_without_right()
        assert left() == {"o-2", "m-1", "n-1"}
        clock.shift(11)
        end_viewings_without_right()
        assert left() == {"m-1", "n-1"}

    def test_what_was_to_end_ends_although_the_right_came_back(self, media: MediaDouble) -> None:
        """Its viewer asks for a new address; otherwise a stream outlives the end of a session by chance."""
        media.is_down = True
        end_viewings_without_right()
        CameraException.objects.all().delete()
        media.is_down = False
        end_viewings_without_right()
        assert sorted(media.ended) == ["o-1", "o-2"]

    def test_a_new_viewer_with_the_name_of_one_to_be_ended_is_not_disturbed(
        self, media: MediaDouble, ministry: Caller
    ) -> None:
        """A server that was restarted counts its connections from one again."""
        media.is_down = True
        end_viewings_without_right()
        media.is_down = False
        play("o-1", 1, f"p{ministry.partner.pk}")
        end_viewings_without_right()
        assert (media.ended, left()) == (["o-2"], {"o-1", "m-1", "n-1"})
        assert Viewing.objects.get(client="o-1").withdrawn == ""

    def test_one_that_lists_no_viewers_says_nothing_of_them(self, media: MediaDouble) -> None:
        """An older one, or one that is down."""
        media.is_down = True
        assert take_in() == 0
        assert left() == {"o-1", "o-2", "m-1", "n-1"}
        MediaServer.objects.update(kind="srs")
        assert take_in() == 0

    def test_the_end_that_the_server_tells_first_has_its_reason(self, watching: None) -> None:
        mark_lost()
        hook("stop", 1, client_id="o-1")
        assert reasons() == ["由平台断开：观看权限已收回"]


def test_the_number_of_reads_does_not_grow_with_viewings(desk: Desk, ministry: Caller) -> None:
    def reads() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert end_viewings_without_right() == 0
        return len(captured)

    play("o-0", 1, f"u{desk.user.pk}")
    play("m-0", 1, f"p{ministry.partner.pk}")
    few = reads()
    for n in range(30):
        play(f"o-{n}", n % 3 + 1, f"u{desk.user.pk}")
        play(f"m-{n}", n % 3 + 1, f"p{ministry.partner.pk}")
    assert reads() == few <= 13
