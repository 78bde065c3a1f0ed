"""Which cameras that are away have one cause."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from incidents.choices import IncidentKind as Kind
from incidents.folding import Away, Group, Place, Rules, Standing, fold

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
RULES = Rules(
    cameras=5,
    share=0.5,
    wide_share=0.8,
    province_share=0.5,
    after=timedelta(seconds=30),
    alone_after=timedelta(seconds=300),
)
MINUTE = NOON - timedelta(minutes=1)
# One office of a company, on one road, behind one gateway, at one media server.
HERE = Place(province_id=9, company_id=1, office_id=11, road="G2", gateway_id=21, server_id=31)
NEXT = HERE._replace(gateway_id=22)
# Of another company, at the same media server.
BESIDE = HERE._replace(company_id=2, office_id=12, gateway_id=23)
# Many cameras of a company that has nothing to do with it.
ELSEWHERE = {Place(9, company_id=8, office_id=18, road="S8", gateway_id=28, server_id=38): 10_000}


def cameras(count: int, first: int = 1, *, at: Place = HERE, since: datetime = MINUTE) -> list[Away]:
    return [Away(number, at, since) for number in range(first, first + count)]


def folded(
    away: Sequence[Away],
    census: Mapping[Place, int],
    running: Collection[Group] = (),
    silent: Collection[str] = (),
    silent_gateways: Collection[int] = (),
    *,
    may_begin: bool = True,
) -> dict[Group, int]:
    """Groups and how many of them are away; `census` is how many there are where some are away."""
    standing = Standing({**ELSEWHERE, **census}, running, silent, silent_gateways, may_begin)
    return {group: len(found) for group, found in fold(away, standing, RULES, NOON).items()}


GATEWAY = (Kind.GATEWAY, "21")
SECTION = (Kind.SECTION, "11|G2")
COMPANY = (Kind.COMPANY, "1")
ROAD = (Kind.ROAD, "1|G2")
SERVER = (Kind.MEDIA, "31")
PROVINCE = (Kind.PROVINCE, "9")


def test_one_gateway_is_one_incident() -> None:
    assert folded(cameras(100), {HERE: 100}) == {GATEWAY: 100}
    assert folded(cameras(50), {HERE: 100}) == {GATEWAY: 50}
    assert folded(cameras(49), {HERE: 100}) == {}


def test_few_are_no_group() -> None:
    assert folded(cameras(4), {HERE: 4}) == {}
    assert folded(cameras(5), {HERE: 5}) == {GATEWAY: 5}


def test_who_is_away_only_for_a_moment_does_not_begin_one_but_joins_it() -> None:
    recent = cameras(100, since=NOON - timedelta(seconds=29))
    assert folded(recent, {HERE: 100}) == {}
    assert folded(recent, {HERE: 100}, [GATEWAY]) == {GATEWAY: 100}


def test_an_incident_lasts_until_half_of_what_began_it() -> None:
    assert folded(cameras(25), {HERE: 100}, [GATEWAY]) == {GATEWAY: 25}
    assert folded(cameras(24), {HERE: 100}, [GATEWAY]) == {}
    assert folded(cameras(3), {HERE: 5}, [GATEWAY]) == {GATEWAY: 3}
    assert folded(cameras(2), {HERE: 2}, [GATEWAY]) == {}


def test_what_is_left_of_one_that_ended_stands_for_itself() -> None:
    long = cameras(3, since=NOON - timedelta(minutes=9))
    assert folded(long, {HERE: 100}, [GATEWAY]) == {(Kind.CAMERA, str(number)): 1 for number in (1, 2, 3)}


def test_one_camera_is_told_after_a_while_or_when_it_flaps() -> None:
    (camera,) = cameras(1, since=NOON - timedelta(seconds=299))
    alone = (Kind.CAMERA, "1")
    assert folded([camera], {HERE: 9}) == {}
    assert folded([camera], {HERE: 9}, [alone]) == {alone: 1}
    assert folded([camera._replace(since=NOON - timedelta(seconds=300))], {HERE: 9}) == {alone: 1}
    assert folded([camera._replace(since=NOON, is_flapping=True)], {HERE: 9}) == {alone: 1}


def test_a_gateway_that_flaps_is_one_incident() -> None:
    flapping = [camera._replace(since=NOON, is_flapping=True) for camera in cameras(60)]
    assert folded(flapping, {HERE: 100}) == {GATEWAY: 60}


def test_all_gateways_of_a_company_are_the_companys() -> None:
    away = cameras(50) + cameras(50, 51, at=NEXT)
    census = {HERE: 50, NEXT: 50, HERE._replace(road="S1", gateway_id=24): 20}
    assert folded(away, census) == {COMPANY: 100}
    # It takes over what was told of its gateways.
    assert folded(away, census, [GATEWAY]) == {COMPANY: 100}
    # And gives back what remains of them.
    assert folded(away[:50], {**census, NEXT: 930}, [COMPANY]) == {GATEWAY: 50}


def test_a_road_of_a_company_over_several_gateways() -> None:
    there, other_road = NEXT._replace(office_id=12), HERE._replace(gateway_id=23, road="S1")
    away = cameras(20) + cameras(20, 21, at=there) + cameras(1, 41, at=other_road)
    # Both gateways have other roads too, where nothing is away.
    census = {HERE: 20, there: 25, other_road: 100, HERE._replace(road="S1"): 300, there._replace(road="S1"): 300}
    assert folded(away, census) == {ROAD: 40}


def test_a_road_within_an_office_without_gateways() -> None:
    alone = HERE._replace(gateway_id=None)
    assert folded(cameras(6, at=alone), {alone: 12}) == {SECTION: 6}


def test_what_a_gateway_explains_is_not_counted_again() -> None:
    away = cameras(10) + cameras(4, 11, at=NEXT)
    assert folded(away, {HERE: 10, NEXT: 10}) == {GATEWAY: 10}


def test_nothing_begins_just_after_a_restart_but_what_runs_goes_on() -> None:
    other = NEXT._replace(company_id=3)
    away = cameras(100) + cameras(100, 101, at=other, since=NOON - timedelta(hours=1))
    census = {HERE: 100, other: 100}
    assert folded(away, census, may_begin=False) == {}
    assert folded(away, census, [GATEWAY], may_begin=False) == {GATEWAY: 100}


def test_a_camera_is_in_one_incident_only() -> None:
    there, bare = NEXT, HERE._replace(gateway_id=None, road="S1")
    away = cameras(200) + cameras(200, 201, at=there) + cameras(9, 401, at=bare)
    standing = Standing({HERE: 200, there: 250, bare: 9, HERE._replace(road="S3", gateway_id=29): 10_000}, [])
    incidents = fold(away, standing, RULES, NOON)
    members = [camera.camera_id for found in incidents.values() for camera in found]
    assert set(incidents) == {ROAD, (Kind.SECTION, "11|S1")}
    assert len(members) == len(set(members)) == 409
