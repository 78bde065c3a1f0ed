"""Bodies of the report verbs: whatever comes, the envelope, and all of a batch or nothing of it."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.models import Camera
from tests.cameras.ledger import COMPANY, number, wire
from tests.cast import Caller
from tests.hostile.judge import REPORTS, ask, judge, state, verb_path
from tests.hostile.words import LITERALS, any_json, objects, spoiled

pytestmark = pytest.mark.django_db
HOSTILE = settings.get_profile("hostile")

_CONGESTION = '{"subject":"congestion","time":1784692800,"level":2}'
ITEMS: dict[str, list[dict[str, object]]] = {
    "VideoInformation": [wire(1), wire(2, poiName="黄河大桥"), wire(7), wire(8, roadSec="泰安管理处")],
    "ReportCameraStatus": [{"cameraNum": number(n), "online": n % 3} for n in (1, 2, 3, 7)],
    "ReportCameraQuality": [{"cameraNum": number(n), "cameraStatus": f"0{n % 2}0000000"} for n in (1, 2, 7)],
    "ReportAnalyse": [{"cameraNum": number(n), "data": _CONGESTION} for n in (1, 2, 7)],
}
ITEMS["ReporlAnalyse"] = ITEMS["ReportAnalyse"]
LISTS = list(ITEMS)


@cache
def lists_of(verb: str) -> st.SearchStrategy[str]:
    items = st.one_of(*(objects(item) for item in ITEMS[verb]), any_json())
    return st.lists(items, max_size=5).map(lambda parts: f"[{','.join(parts)}]")


@cache
def deletions() -> st.SearchStrategy[str]:
    numbers = st.one_of(st.sampled_from([json.dumps(number(n)) for n in (1, 2, 7)]), any_json())
    lists = st.lists(numbers, max_size=4).map(lambda parts: f"[{','.join(parts)}]")
    others = st.sampled_from(["cameras", "cameras", "cameras", "Cameras", "camera", ""])
    pairs = st.lists(st.tuples(others, st.one_of(lists, any_json())), min_size=1, max_size=2)
    return pairs.map(lambda found: "{" + ",".join(f'"{name}":{value}' for name, value in found) + "}")


@cache
def spoiled_bodies(verb: str) -> st.SearchStrategy[bytes]:
    return spoiled(deletions() if verb == "VideoInformationDel" else lists_of(verb))


def post(caller: Caller, verb: str, body: bytes, **query: object) -> dict[str, Any]:
    """The judged answer; a refusal as a whole must have left the database as it was."""
    before = state()
    path = verb_path(verb, {"user": caller.issued.user, **query})
    answer = judge(ask("POST", path, body, token=caller.issued.token), caller)
    if answer["code"] != 200:
        assert "backResult" not in answer
        assert state() == before, answer
    return answer


def live() -> set[str]:
    return set(Camera.objects.filter(deleted_at=None).values_list("number_key", flat=True))


def check_results(answer: dict[str, Any], sent: list[object], before: set[str]) -> None:
    """One entry for each item in the order sent; what was accepted is in the ledger and nothing else came."""
    results = answer["backResult"]
    assert len(results) == len(sent)
    for result, item in zip(results, sent, strict=True):
        assert list(result) == ["cameraNum", "status", "info"]
        assert result["status"] in (0, 1) and result["info"]
        told = item.get("cameraNum") if isinstance(item, dict) else None
        if result["status"] == 0:
            assert isinstance(told, str) and result["cameraNum"].lower() == told.strip().lower()
    accepted = {result["cameraNum"].lower() for result in results if result["status"] == 0}
    assert live() == before | accepted


@pytest.mark.parametrize("verb", LISTS)
@settings(HOSTILE, max_examples=70)
@given(data=st.data())
def test_hostile_items_are_judged_one_by_one(ledger: Caller, verb: str, data: st.DataObject) -> None:
    body = data.draw(lists_of(verb)).encode("utf-8", "surrogatepass")
    before = live()
    answer = post(ledger, verb, body, department=COMPANY)
    if verb == "VideoInformation" and answer["code"] == 200:
        check_results(answer, json.loads(body), before)


@settings(HOSTILE, max_examples=80)
@given(body=deletions())
def test_hostile_deletions_delete_what_they_name_or_nothing(ledger: Caller, body: str) -> None:
    Camera.objects.update(deleted_at=None)
    before = live()
    raw = body.encode("utf-8", "surrogatepass")
    answer = post(ledger, "VideoInformationDel", raw)
    if answer["code"] == 200:
        results = answer["backResult"]
        assert len(results) == len(json.loads(raw)["cameras"])
        gone = {result["cameraNum"].lower() for result in results if result["status"] == 0}
        assert live() == before - gone
    else:
        assert answer["code"] == 400


@pytest.mark.parametrize("verb", sorted(REPORTS))
@settings(HOSTILE, max_examples=40)
@given(data=st.data())
def test_bodies_spoiled_on_the_way(ledger: Caller, verb: str, data: st.DataObject) -> None:
    post(ledger, verb, data.draw(spoiled_bodies(verb)))


@pytest.mark.parametrize("verb", sorted(REPORTS))
@settings(HOSTILE, max_examples=25)
@given(
    body=st.one_of(st.binary(max_size=60), any_json().map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_bodies_of_no_shape_at_all(ledger: Caller, verb: str, body: bytes) -> None:
    answer = post(ledger, verb, body)
    # A list is a batch, of nothing or of faults.
    assert answer["code"] in (400, 404) or isinstance(json.loads(body.decode("utf-8-sig")), list), body


FIELDS = [(verb, field) for verb in LISTS[:4] for field in ITEMS[verb][0]]


@pytest.mark.parametrize(("verb", "field"), FIELDS, ids=[f"{verb}.{field}" for verb, field in FIELDS])
def test_every_hostile_value_in_every_field(ledger: Caller, verb: str, field: str) -> None:
    """All literals in one batch, a good item behind: it must get through, and each fault name its field."""
    good = {name: json.dumps(value) for name, value in ITEMS[verb][0].items()}
    texts = [value for value in LITERALS if is_json(value)]
    items = [{**good, field: value} for value in texts]
    last = {name: json.dumps(value) for name, value in ITEMS[verb][1].items()}
    body = (
        "["
        + ",".join("{" + ",".join(f'"{k}":{v}' for k, v in item.items()) + "}" for item in [*items, last])
        + "]"
    )
    answer = post(ledger, verb, body.encode("utf-8", "surrogatepass"))
    assert answer["code"] == 200, answer
    if verb == "VideoInformation":
        refused = [result for result in answer["backResult"] if result["status"] == 1]
        assert len(refused) >= 10
        assert not [
            result for result in refused if field not in result["info"] and "字节" not in result["info"]
        ]
        assert answer["backResult"][-1]["status"] == 0
    else:
        assert answer["msg"].startswith("已接收")


def is_json(text: str) -> bool:
    """What must not cost the whole batch: JSON within the depth limit."""
    if text.count("[") + text.count("{") > 18:
        return False
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        return len(text) == 5000  # a number too long for Python is JSON all the same
    return True


def _refuse(name: str) -> None:
    raise ValueError(name)
