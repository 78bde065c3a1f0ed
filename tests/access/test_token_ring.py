import pytest

from tests.cast import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]


def test_exchange_gives_the_next_token(ministry: Caller) -> None:
    answer = ministry.get("TokenInfo", **ministry.token_query())
    assert answer["code"] == 200
