"""Parameters of every verb: whatever bytes stand in the query, the envelope, and no ledger changed by a read."""

from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from django.conf import LazySettings
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cameras.ledger import COMPANY, number
from tests.cast import Caller
from tests.hostile.judge import READS, REPORTS, ask, judge, state, verb_path
from tests.hostile.words import QUERY_WORDS, query_value

pytestmark = pytest.mark.django_db
HOSTILE = settings.get_profile("hostile")

GOOD: dict[str, bytes] = {
    "department": COMPANY.encode(),
    "cameraNum": number(1).encode(),
    "videoType": b"0",
    "action": b"1",
    "step": b"1",
    "startTime": b"1784692800",
    "endTime": b"1784696400",
    "currPage": b"1",
    "pageSize": b"2",
}
FIELDS = [(verb, field) for verb, names in READS.items() for field in names]


@pytest.fixture(autouse=True)
def many_failures_allowed(settings: LazySettings) -> None:
    """What is meant here is each answer, not the refusal to answer more."""
    settings.TOKEN_FAILURES_PER_MINUTE = 10**9


@pytest.fixture
def asked(ledger: Caller, ministry: Caller) -> Caller:
    return ministry


def good_query(verb: str, caller: Caller) -> dict[str, bytes]:
    if verb == "TokenInfo":
        return {name: value.encode() for name, value in caller.token_query().items()}
    return {name: GOOD[name] for name in READS[verb] if name in GOOD}


def get(caller: Caller, verb: str, pairs: list[tuple[str, bytes]]) -> dict[str, Any]:
    query = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs)
    answer = judge(ask("GET", f"{verb_path(verb)}?{query}", token=caller.issued.token), caller)
    if answer["code"] != 200:
        assert set(answer) <= {"code", "msg", "PTZControl", "message"}
    return answer


def test_these_are_all_the_verbs_there_are() -> None:
    def routes(entries: list[URLPattern | URLResolver]) -> set[str]:
        found: set[str] = set()
        for entry in entries:
            found |= routes(entry.url_patterns) if isinstance(entry, URLResolver) else {str(entry.pattern)}
        return found

    verbs = {
        route.removeprefix("video.") for route in routes(get_resolver().url_patterns) if "video." in route
    }
    assert verbs == {*READS, *REPORTS}


@pytest.mark.parametrize(("verb", "field"), FIELDS, ids=[f"{verb}.{field}" for verb, field in FIELDS])
def test_every_hostile_word_in_every_parameter(asked: Caller, verb: str, field: str) -> None:
    good = good_query(verb, asked)
    before = state()
    codes = set()
    for word in QUERY_WORDS:
        codes.add(get(asked, verb, [*((n, v) for n, v in good.items() if n != field), (field, word)])["code"])
    after = state()
    if verb == "PTZControl":
        for tables in (before, after):
            del tables["ptz_ptzlease"]
    assert after == before
    assert codes & {400, 403, 404}


@pytest.mark.parametrize("verb", READS)
@settings(HOSTILE, max_examples=60)
@given(data=st.data())
def test_hostile_queries(asked: Caller, verb: str, data: st.DataObject) -> None:
    good = list(good_query(verb, asked).items()) if verb != "TokenInfo" else []
    pairs = good + data.draw(_PAIRS[verb])
    get(asked, verb, data.draw(st.permutations(pairs)) if len(pairs) < 6 else pairs)


_PAIRS = {
    verb: st.lists(
        st.tuples(st.sampled_from([*names, *map(str.upper, names), "", "_", "format", "%00"]), query_value()),
        min_size=1,
        max_size=4,
    )
    for verb, names in READS.items()
}


@pytest.mark.parametrize("verb", [*READS, *REPORTS])
@settings(HOSTILE, max_examples=25)
@given(raw=st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=40))
def test_queries_that_are_none(asked: Caller, verb: str, raw: str) -> None:
    """Bytes as they are, unquoted: `&`, `=`, `;`, `%` and Latin-1 at any place."""
    method = REPORTS.get(verb, "GET")
    path = verb_path(verb) + "?" + raw.replace("#", "%23")
    judge(ask(method, path, b"[]", token=asked.issued.token), asked)


@pytest.mark.parametrize("verb", [*READS, *REPORTS])
def test_long_queries(asked: Caller, verb: str) -> None:
    method = REPORTS.get(verb, "GET")
    tries = [
        "user=" + "a" * 100_000,
        "&" * 100_000,
        "a=1&" * 100_000,
        "%" * 100_000,
        "department=" + "%E5" * 30_000,
    ]
    for raw in tries:
        judge(ask(method, f"{verb_path(verb)}?{raw}", b"[]", token=asked.issued.token), asked)
