"""Of several groups with the same cameras the cause is what evidence speaks for, and then what is narrowest."""

import pytest

from incidents.choices import IncidentKind as Kind
from incidents.folding import Away, Group, Place, Standing, fold
from tests.incidents.test_folding import (
    BESIDE,
    COMPANY,
    GATEWAY,
    HERE,
    NEXT,
    NOON,
    PROVINCE,
    ROAD,
    RULES,
    SERVER,
    cameras,
    folded,
)

FAR = Place(province_id=9, company_id=3, office_id=13, road="S5", gateway_id=25, server_id=32)


def other(kind: Kind, subject: object) -> Group:
    return kind, str(subject)


def test_what_has_the_same_cameras_as_a_gateway_is_the_gateways() -> None:
    """Company, road, section, media server: whether the gateway answers or not."""
    for silent in ([], [21]):
        assert folded(cameras(100), {HERE: 100}, silent_gateways=silent) == {GATEWAY: 100}


def test_a_gateway_of_several_companies_is_not_the_media_servers() -> None:
    """As in the demo: everything behind one gateway, at the only media server."""
    beside = BESIDE._replace(gateway_id=21)
    away = cameras(6) + cameras(6, 11, at=beside)
    assert folded(away, {HERE: 6, beside: 6}, silent_gateways=[21]) == {GATEWAY: 12}
    assert folded(away, {HERE: 6, beside: 6}) == {GATEWAY: 12}


def test_a_silent_media_server_explains_everything_on_it() -> None:
    there = NEXT._replace(server_id=32)
    away = cameras(50) + cameras(6, 51, at=there)
    census = {HERE: 50, HERE._replace(gateway_id=24, road="S1"): 4950, there: 6}
    wanted = {SERVER: 50, other(Kind.GATEWAY, 22): 6}
    assert folded(away, census, silent=["31"]) == wanted
    # And goes on to do so, though they are few of it.
    assert folded(away, census, [SERVER], silent=["31"]) == wanted
    # One gateway, one company: it is silent itself.
    assert folded(cameras(50), {HERE: 50}, silent=["31"], silent_gateways=[21]) == {SERVER: 50}


def test_a_media_server_that_answers_and_lost_the_streams_of_several_companies() -> None:
    away = cameras(50) + cameras(50, 51, at=BESIDE)
    census = {HERE: 50, BESIDE: 50, BESIDE._replace(gateway_id=24, road="S1"): 10}
    assert folded(away, census) == {SERVER: 100}
    assert folded(away, census, silent_gateways=[23]) == {SERVER: 100}


def test_a_media_server_that_answers_did_not_silence_the_gateways() -> None:
    away = cameras(50) + cameras(60, 51, at=BESIDE)
    census = {HERE: 50, BESIDE: 60}
    assert folded(away, census, silent_gateways=[21, 23]) == {GATEWAY: 50, other(Kind.GATEWAY, 23): 60}
    # Even where it was called the cause before that was known.
    assert SERVER not in folded(away, census, [SERVER], silent_gateways=[21, 23])


def test_a_media_server_that_came_back_keeps_its_cameras_until_they_are_back() -> None:
    assert folded(cameras(50), {HERE: 50}, [SERVER]) == {SERVER: 50}


def test_few_that_are_away_anyway_make_no_company_of_a_gateway() -> None:
    """Of every gateway some cameras are always away."""
    away = cameras(700) + cameras(15, 701, at=NEXT)
    assert folded(away, {HERE: 700, NEXT: 100}) == {GATEWAY: 700}
    assert folded(away + cameras(40, 801, at=NEXT), {HERE: 700, NEXT: 100}) == {COMPANY: 755}
    beside = BESIDE._replace(gateway_id=24)
    assert folded(cameras(700) + cameras(15, 701, at=beside), {HERE: 700, beside: 100}) == {GATEWAY: 700}


def test_a_road_before_the_company_only_where_the_company_has_others() -> None:
    away = cameras(50) + cameras(50, 51, at=NEXT)
    assert folded(away, {HERE: 50, NEXT: 50}) == {COMPANY: 100}
    assert folded(away, {HERE: 50, NEXT: 50, HERE._replace(road="S1"): 400}) == {ROAD: 100}


# The whole province -------------------------------------------------------------------------------


def companies(lost: int, of: int) -> tuple[list[Away], dict[Place, int]]:
    """So many companies with two gateways of 30 each, at a media server each two."""
    places = [
        Place(9, number, 100 + number, "G2", 1000 + 2 * number + half, 31 + number // 2)
        for number in range(10, 10 + of)
        for half in range(2)
    ]
    away = [camera for i, place in enumerate(places[: 2 * lost]) for camera in cameras(30, 1 + 30 * i, at=place)]
    return away, dict.fromkeys(places, 30)


def sizes(away: list[Away], census: dict[Place, int], *running: Group) -> dict[Group, int]:
    """All gateways that lost their cameras are silent, and there is nothing else in the province."""
    standing = Standing(census, running, (), {camera.place.gateway_id or 0 for camera in away})
    return {group: len(found) for group, found in fold(away, standing, RULES, NOON).items()}


def kinds(lost: int, of: int, *running: Group) -> list[Kind]:
    return [kind for kind, _ in sizes(*companies(lost, of), *running)]


@pytest.mark.parametrize(("lost", "of", "province"), [(2, 2, 1), (2, 3, 1), (2, 4, 0), (3, 4, 1), (1, 1, 0), (13, 24, 1)])
def test_most_companies_at_once_are_the_province(lost: int, of: int, province: int) -> None:
    assert kinds(lost, of) == ([Kind.PROVINCE] if province else [Kind.COMPANY] * lost)


def test_many_small_companies_are_not_the_province() -> None:
    away, census = companies(3, 4)
    assert PROVINCE not in sizes(away, {**census, FAR: 1000})


def test_it_is_the_provinces_until_half_of_that() -> None:
    assert kinds(7, 24, PROVINCE) == [Kind.PROVINCE]
    assert kinds(6, 24, PROVINCE) == [Kind.COMPANY] * 6


def test_a_company_that_is_not_lost_keeps_its_own_causes() -> None:
    away, census = companies(3, 4)
    away += cameras(20, 9001, at=FAR)
    census |= {FAR: 20, FAR._replace(gateway_id=26): 100}
    assert sizes(away, census) == {PROVINCE: 180, other(Kind.GATEWAY, 25): 20}


def test_a_province_behind_one_gateway_is_the_gateways() -> None:
    beside = BESIDE._replace(gateway_id=21)
    away = cameras(30) + cameras(30, 31, at=beside)
    assert sizes(away, {HERE: 30, beside: 30}) == {GATEWAY: 60}
