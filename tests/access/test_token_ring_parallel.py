"""The token ring where several come at once; on PostgreSQL, each thread with a connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.db import connection

from access.models import PartnerToken
from access.services.partners import reissue_partner, revoke_partner
from tests.cast import Caller, answer_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.access.urls")]

T = TypeVar("T")


def at_once(count: int, work: Callable[[], T]) -> list[T]:
    start = Barrier(count)

    def run(_: int) -> T:
        try:
            start.wait(timeout=30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_six_parallel_exchanges_give_one_token(ministry: Caller) -> None:
    query = ministry.token_query()
    answers = at_once(6, lambda: ministry.get("TokenInfo", **query))
    assert [answer["code"] for answer in answers] == [200] * 6
    assert len({answer["token"]["token"] for answer in answers}) == 1
    assert PartnerToken.objects.filter(partner=ministry.partner).count() == 2


def test_a_revoked_token_is_refused_in_the_very_next_request_everywhere(ministry: Caller) -> None:
    # Each worker has its own connection, and on it the prepared statement from before.
    warm, revoked = Barrier(4), Barrier(4)

    def worker() -> tuple[int, str]:
        for _ in range(8):
            assert ministry.get("GetCameraPlayURL")["code"] == 200
        warm.wait(timeout=30)
        revoked.wait(timeout=30)
        answer = ministry.get("GetCameraPlayURL")
        return answer["code"], answer["msg"]

    with ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(closing, worker) for _ in range(3)]
        warm.wait(timeout=30)
        revoke_partner(partner=ministry.partner)
        revoked.wait(timeout=30)
        assert {future.result() for future in workers} == {(403, "令牌无效：已吊销")}


def closing(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connection.close()


def test_an_exchange_and_a_reissue_at_once_leave_one_way_in(ministry: Caller) -> None:
    """Whoever comes first: afterwards the newly handed token opens and nothing older does."""
    query = ministry.token_query()
    before = ministry.issued.token
    handed: list[str] = []

    def reissue() -> dict[str, Any]:
        handed.append(reissue_partner(partner=ministry.partner).token)
        return {"code": 0}

    jobs: Iterator[Callable[[], dict[str, Any]]] = iter([reissue, lambda: ministry.get("TokenInfo", **query)])
    answers = at_once(2, lambda: next(jobs)())
    exchanged = [answer["token"]["token"] for answer in answers if answer["code"] == 200]

    def code(token: str) -> int:
        return answer_of(ministry.request("GET", "GetCameraPlayURL", token=token))["code"]  # type: ignore[no-any-return]

    assert [code(token) for token in [before, *exchanged]] == [403] * (1 + len(exchanged))
    assert [code(token) for token in handed] == [200]
