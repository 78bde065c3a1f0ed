"""Which cameras that are away have one cause."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incidents.choices import IncidentKind as Kind
from incidents.folding import Away, Group, Rules, Standing, fold, subject_of

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
RULES = Rules(cameras=5, share=0.5, wide_share=0.8, after=timedelta(seconds=30), alone_after=timedelta(seconds=300))
MINUTE = NOON - timedelta(minutes=1)


def cameras(
    count: int,
    first: int = 1,
    *,
    company: int = 1,
    office: int = 11,
    road: str = "G2",
    gateway: int | None = 21,
    server: int | None = 31,
    since: datetime = MINUTE,
) -> list[Away]:
    return [
        Away(number, office, company, road, gateway, server, since) for number in range(first, first + count)
    ]


def folded(
    away: Sequence[Away],
    sizes: dict[Group, int] | None = None,
    running: Sequence[Group] = (),
    silent: Sequence[str] = (),
    *,
    may_begin: bool = True,
) -> dict[Group, int]:
    """Groups and how many of them are away. Of a group that is not named nearly nothing is away."""
    totals = {
        (kind, subject_of(kind, camera)): 10_000 for camera in away for kind in Kind if kind != Kind.CAMERA
    }
    standing = Standing(totals | (sizes or {}), running, silent, may_begin)
    return {group: len(found) for group, found in fold(away, standing, RULES, NOON).items()}


GATEWAY = (Kind.GATEWAY, "21")
SECTION = (Kind.SECTION, "11|G2")
COMPANY = (Kind.COMPANY, "1")
ROAD = (Kind.ROAD, "1|G2")
SERVER = (Kind.MEDIA, "31")


def test_one_gateway_is_one_incident() -> None:
    assert folded(cameras(100), {GATEWAY: 100}) == {GATEWAY: 100}
    assert folded(cameras(50), {GATEWAY: 100}) == {GATEWAY: 50}
    assert folded(cameras(49), {GATEWAY: 100}) == {}


def test_few_are_no_group() -> None:
    assert folded(cameras(4), {GATEWAY: 4}) == {}
    assert folded(cameras(5), {GATEWAY: 5}) == {GATEWAY: 5}


def test_who_is_away_only_for_a_moment_does_not_begin_one_but_joins_it() -> None:
    recent = cameras(100, since=NOON - timedelta(seconds=29))
    assert folded(recent, {GATEWAY: 100}) == {}
    assert folded(recent, {GATEWAY: 100}, [GATEWAY]) == {GATEWAY: 100}


def test_an_incident_lasts_until_half_of_what_began_it() -> None:
    assert folded(cameras(25), {GATEWAY: 100}, [GATEWAY]) == {GATEWAY: 25}
    assert folded(cameras(24), {GATEWAY: 100}, [GATEWAY]) == {}
    assert folded(cameras(3), {GATEWAY: 5}, [GATEWAY]) == {GATEWAY: 3}
    assert folded(cameras(2), {GATEWAY: 2}, [GATEWAY]) == {}


def test_what_is_left_of_one_that_ended_stands_for_itself() -> None:
    long = cameras(3, since=NOON - timedelta(minutes=9))
    assert folded(long, {GATEWAY: 100}, [GATEWAY]) == {(Kind.CAMERA, str(number)): 1 for number in (1, 2, 3)}


def test_one_camera_is_told_after_a_while_or_when_it_flaps() -> None:
    (camera,) = cameras(1, since=NOON - timedelta(seconds=299))
    alone = (Kind.CAMERA, "1")
    assert folded([camera]) == {}
    assert folded([camera], running=[alone]) == {alone: 1}
    assert folded([replace(camera, since=NOON - timedelta(seconds=300))]) == {alone: 1}
    assert folded([replace(camera, since=NOON, is_flapping=True)]) == {alone: 1}


def test_a_gateway_that_flaps_is_one_incident() -> None:
    flapping = [replace(camera, since=NOON, is_flapping=True) for camera in cameras(60)]
    assert folded(flapping, {GATEWAY: 100}) == {GATEWAY: 60}


def test_all_gateways_of_a_company_are_the_companys() -> None:
    away = cameras(50) + cameras(50, 51, gateway=22)
    sizes = {GATEWAY: 50, (Kind.GATEWAY, "22"): 50, COMPANY: 120, ROAD: 100}
    assert folded(away, sizes) == {COMPANY: 100}
    # It takes over what was told of its gateways.
    assert folded(away, sizes, [GATEWAY]) == {COMPANY: 100}
    # And gives back what remains of them.
    assert folded(away[:50], sizes | {COMPANY: 1000}, [COMPANY]) == {GATEWAY: 50}


def test_a_company_behind_one_gateway_is_the_gateways() -> None:
    assert folded(cameras(100), {GATEWAY: 100, COMPANY: 100, ROAD: 100, SERVER: 100}) == {GATEWAY: 100}


def test_a_road_of_a_company_over_several_gateways() -> None:
    away = cameras(20) + cameras(20, 21, gateway=22, office=12) + cameras(1, 41, gateway=23, road="S1")
    sizes = {ROAD: 45, COMPANY: 500, GATEWAY: 100, (Kind.GATEWAY, "22"): 100}
    assert folded(away, sizes) == {ROAD: 40}


def test_a_road_within_an_office_without_gateways() -> None:
    assert folded(cameras(6, gateway=None), {SECTION: 12}) == {SECTION: 6}


def test_what_a_gateway_explains_is_not_counted_again() -> None:
    away = cameras(10) + cameras(4, 11, gateway=22)
    assert folded(away, {GATEWAY: 10, SECTION: 20}) == {GATEWAY: 10}


def test_a_silent_media_server_explains_everything_on_it() -> None:
    away = cameras(50) + cameras(6, 51, server=32, gateway=22)
    sizes = {GATEWAY: 50, (Kind.GATEWAY, "22"): 6, SERVER: 5000}
    assert folded(away, sizes, silent=["31"]) == {SERVER: 50, (Kind.GATEWAY, "22"): 6}


def test_a_media_server_that_lost_its_streams_explains_several_companies() -> None:
    away = cameras(50) + cameras(50, 51, company=2, office=12, gateway=22)
    assert folded(away, {SERVER: 110, COMPANY: 50, (Kind.COMPANY, "2"): 50}) == {SERVER: 100}


def test_nothing_begins_just_after_a_restart_but_what_runs_goes_on() -> None:
    away = cameras(100) + cameras(100, 101, gateway=22, since=NOON - timedelta(hours=1))
    sizes = {GATEWAY: 100, (Kind.GATEWAY, "22"): 100}
    assert folded(away, sizes, may_begin=False) == {}
    assert folded(away, sizes, [GATEWAY], may_begin=False) == {GATEWAY: 100}


def test_a_camera_is_in_one_incident_only() -> None:
    away = cameras(200) + cameras(200, 201, gateway=22) + cameras(9, 401, gateway=None, road="S1")
    standing = Standing({GATEWAY: 200, COMPANY: 10_000, ROAD: 450, (Kind.SECTION, "11|S1"): 9}, [])
    members = [camera.camera_id for found in fold(away, standing, RULES, NOON).values() for camera in found]
    assert len(members) == len(set(members)) == 409
