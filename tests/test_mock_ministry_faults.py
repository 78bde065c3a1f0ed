"""The faults of the mock ministry happen as they are called, and what it watches for is found."""

import asyncio
import json
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import urllib3

from deploy.demo.certificates import keep_certificates
from tests.mock_ministry.faults import Kind, Plan, Schedule
from tests.mock_ministry.history import Watch
from tests.mock_ministry.listening import Tls
from tests.mock_ministry.running import ACCOUNT, RunningMinistry
from tests.test_mock_ministry import CAMERA, COMPANY, HEADERS, NUMBER, call, exchange, with_token

OTHER = {**CAMERA, "cameraNum": "918b150c-d3ce-4d16-8bca-dbab091dd983"}
ONLINE = [{"cameraNum": NUMBER, "online": 1}]


@pytest.fixture
def ministry() -> Iterator[RunningMinistry]:
    with RunningMinistry() as running:
        yield running


def ask(
    base_url: str, verb: str, body: object, *, timeout: float = 60, pool: urllib3.PoolManager | None = None
) -> urllib3.BaseHTTPResponse:
    """The raw answer; nothing is tried twice."""
    query = urllib.parse.urlencode({"user": ACCOUNT.user, "department": COMPANY})
    with pool or urllib3.PoolManager() as used:
        return used.request(
            "POST",
            f"{base_url}/service/video.{verb}?{query}",
            body=json.dumps(body).encode(),
            headers=HEADERS,
            timeout=timeout,
            retries=False,
        )


def rain(ministry: RunningMinistry, kind: Kind, **plan: object) -> None:
    quick = {"latency_least": 0, "latency_most": 0, "drip_seconds": 0.1, "poison_seconds": 600}
    ministry.break_down("schedule", share=1, kinds=[kind], **(quick | plan))


def held(ministry: RunningMinistry) -> list[str]:
    return [camera["cameraNum"] for camera in ministry.state()["cameras"]]


@pytest.mark.parametrize(
    ("kind", "is_done"),
    [
        (Kind.RESET_BEFORE, False),
        (Kind.RESET_AFTER, True),
        (Kind.TIMEOUT_BEFORE, False),
        (Kind.TIMEOUT_AFTER, True),
        (Kind.REFUSED, False),
    ],
)
def test_no_answer_comes(ministry: RunningMinistry, kind: Kind, is_done: bool) -> None:
    rain(ministry, kind, hold_seconds=60, refused_seconds=60)
    with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError)):
        ask(ministry.base_url, "VideoInformation", [CAMERA], timeout=0.2)
    # It may be given up before it has arrived.
    _wait_until(lambda: ministry.ask("faults")["counts"] == {kind: 1})
    _wait_until(lambda: held(ministry) == [NUMBER] * is_done)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.HTTP_500, 500, 500),
        (Kind.CODE_500, 200, 500),
        (Kind.TEXT_CODE_500, 200, "500"),
        (Kind.TOKEN_EXPIRED, 200, 403),
        (Kind.CULPRIT_400, 200, 400),
        (Kind.CULPRIT_500, 200, 500),
    ],
)
def test_a_code_is_answered_that_is_no_success(
    ministry: RunningMinistry, kind: Kind, status: int, code: int | str
) -> None:
    rain(ministry, kind)
    answer = ask(ministry.base_url, "VideoInformation", [CAMERA])
    assert (answer.status, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("kind", [Kind.HTML_200, Kind.HTML_502, Kind.BROKEN_JSON])
def test_an_answer_without_a_code_is_answered(ministry: RunningMinistry, kind: Kind) -> None:
    for seed in range(12):
        rain(ministry, kind, seed=seed)
        answer = ask(ministry.base_url, "VideoInformation", [CAMERA])
        assert answer.status == (502 if kind == Kind.HTML_502 else 200)
        assert not _has_code(answer.data)
    # Chance decides whether it was done all the same.
    assert held(ministry) == [NUMBER]


def _has_code(raw: bytes) -> bool:
    try:
        told = json.loads(raw)
    except ValueError:
        return False
    return isinstance(told, dict) and str(told.get("code")).isdigit()


def test_retry_after_is_told(ministry: RunningMinistry) -> None:
    seen = set()
    for seed in range(12):
        rain(ministry, Kind.RETRY_AFTER, seed=seed, retry_after_seconds=3)
        answer = ask(ministry.base_url, "VideoInformation", [CAMERA])
        assert answer.headers["Retry-After"] == "3"
        seen.add((answer.status, answer.json()["code"]))
    assert seen == {(200, 403), (429, 429), (503, 503)}
    assert held(ministry) == []


def test_the_token_really_ends_and_can_be_exchanged(ministry: RunningMinistry) -> None:
    rain(ministry, Kind.TOKEN_EXPIRED)
    ask(ministry.base_url, "VideoInformation", [CAMERA])
    ministry.break_down("none")
    assert ask(ministry.base_url, "VideoInformation", [CAMERA]).json()["code"] == 403
    token = exchange(ministry, ACCOUNT.first_token)["token"]["token"]
    assert call(ministry, "VideoInformation", [CAMERA], headers=with_token(token))["code"] == 200


def test_a_token_that_ends_before_it_arrived_leaves_the_former_one_for_an_exchange(
    ministry: RunningMinistry,
) -> None:
    lost = exchange(ministry, ACCOUNT.first_token)["token"]["token"]
    rain(ministry, Kind.TOKEN_EXPIRED)
    ask(ministry.base_url, "VideoInformation", [CAMERA])
    ministry.break_down("none")
    assert ask(ministry.base_url, "VideoInformation", [CAMERA]).json()["code"] == 403
    token = exchange(ministry, ACCOUNT.first_token)["token"]["token"]
    assert token != lost
    assert call(ministry, "VideoInformation", [CAMERA], headers=with_token(token))["code"] == 200


def test_results_are_spoiled(ministry: RunningMinistry) -> None:
    def results(kind: Kind) -> list[dict[str, Any]]:
        rain(ministry, kind)
        told: list[dict[str, Any]] = ask(ministry.base_url, "VideoInformation", [CAMERA, OTHER]).json()[
            "backResult"
        ]
        return told

    refusals = results(Kind.ITEM_REFUSALS)
    assert sorted(item["status"] for item in refusals) == [0, 1]
    (refused,) = [item["cameraNum"] for item in refusals if item["status"]]
    assert sorted([refused, *held(ministry)]) == sorted([NUMBER, str(OTHER["cameraNum"])])
    assert [item["cameraNum"] for item in results(Kind.WRONG_ORDER)] == [OTHER["cameraNum"], NUMBER]
    assert [item["cameraNum"] for item in results(Kind.PARTIAL_RESULT)] == [NUMBER]
    assert {item["status"] for item in results(Kind.TEXT_CODE_200)} == {"0"}
    assert len(held(ministry)) == 2


def test_a_drip_is_whole_in_the_end(ministry: RunningMinistry) -> None:
    rain(ministry, Kind.DRIP)
    assert ask(ministry.base_url, "VideoInformation", [CAMERA]).json()["backResult"][0]["status"] == 0


def test_a_culprit_spoils_every_batch_until_its_poison_ends(ministry: RunningMinistry) -> None:
    rain(ministry, Kind.CULPRIT_400)
    ask(ministry.base_url, "VideoInformation", [CAMERA])
    assert ministry.ask("faults")["poisoned_ever"] == [NUMBER]
    assert ask(ministry.base_url, "VideoInformation", [OTHER, CAMERA]).json()["code"] == 400
    assert ministry.ask("faults")["culprit_hits"] == 1
    rain(ministry, Kind.CULPRIT_400, poison_seconds=-1)
    ask(ministry.base_url, "VideoInformation", [CAMERA])
    rain(ministry, Kind.DRIP)
    assert ask(ministry.base_url, "VideoInformation", [OTHER, CAMERA]).json()["code"] == 200


def test_each_kind_comes_equally_often_and_only_where_it_fits() -> None:
    schedule = Schedule(Plan(seed=3, share=0.5), has_wrong_certificate=True)
    drawn = [schedule.draw("VideoInformation", 5) for _ in range(len(Kind) * 20)]
    least, *_, most = sorted(schedule.counts.values())
    assert set(schedule.counts) == set(Kind)
    assert most - least <= 1
    again = Schedule(Plan(seed=3, share=0.5), has_wrong_certificate=True)
    assert [again.draw("VideoInformation", 5) for _ in drawn] == drawn
    narrow = Schedule(Plan(seed=3, share=1), has_wrong_certificate=False)
    for _ in range(200):
        narrow.draw("TokenInfo", 0)
    results = {Kind.ITEM_REFUSALS, Kind.PARTIAL_RESULT, Kind.WRONG_ORDER}
    unfit = {*results, Kind.CERTIFICATE, Kind.TOKEN_EXPIRED, Kind.CULPRIT_400, Kind.CULPRIT_500}
    assert set(narrow.counts) == set(Kind) - unfit
    # What did not fit waits for the first request that it fits.
    assert narrow.draw("VideoInformation", 2) in unfit


def test_a_closed_door_refuses_and_opens_again(ministry: RunningMinistry) -> None:
    with urllib3.PoolManager() as kept:
        assert kept.request("GET", f"{ministry.base_url}/state").status == 200
        ministry.break_down("refused", seconds=600)
        with pytest.raises(urllib3.exceptions.HTTPError, match="refused|reset"):
            kept.request("GET", f"{ministry.base_url}/state", retries=False)
    with pytest.raises(urllib3.exceptions.NewConnectionError, match="refused"):
        ask(ministry.base_url, "VideoInformation", [CAMERA])
    assert ministry.ask("faults")["modes"] == ["refused"]
    ministry.break_down("none")
    assert ask(ministry.base_url, "VideoInformation", [CAMERA]).json()["code"] == 200


def test_a_wrong_certificate_is_shown_for_a_moment(tmp_path: Path) -> None:
    right, wrong = (keep_certificates(tmp_path / name) for name in ("right", "wrong"))
    tls = Tls(right.certificate, right.key, (wrong.certificate, wrong.key))
    with RunningMinistry(tls=tls) as ministry, urllib3.PoolManager(ca_certs=str(right.ca)) as kept:
        url = f"{ministry.base_url}/state"
        assert kept.request("GET", url).status == 200
        rain(ministry, Kind.CERTIFICATE, certificate_seconds=600)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            ask(
                ministry.base_url,
                "VideoInformation",
                [CAMERA],
                pool=urllib3.PoolManager(ca_certs=str(right.ca)),
            )
        with pytest.raises(urllib3.exceptions.SSLError) as failure:
            kept.request("GET", url, retries=False)
        assert isinstance(failure.value.args[0], ssl.SSLCertVerificationError)
        ministry.break_down("none")
        assert kept.request("GET", url).status == 200


def send(ministry: RunningMinistry, verb: str, body: object) -> socket.socket:
    """A request whose answer is not waited for."""
    host, port = ministry.base_url.removeprefix("http://").split(":")
    raw = json.dumps(body).encode()
    query = urllib.parse.urlencode({"user": ACCOUNT.user, "department": COMPANY})
    head = [f"POST /service/video.{verb}?{query} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(raw)}"]
    head += [f"{name}: {value}" for name, value in HEADERS.items()]
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall("\r\n".join([*head, "", ""]).encode() + raw)
    return connection


def test_a_camera_in_two_requests_at_once_is_found_whatever_the_verbs(ministry: RunningMinistry) -> None:
    call(ministry, "VideoInformation", [CAMERA, OTHER])
    ministry.break_down("slow", delay_seconds=1)
    upper = [{"cameraNum": NUMBER.upper(), "online": 1}]
    with (
        send(ministry, "VideoInformation", [OTHER, CAMERA]) as first,
        send(ministry, "ReportCameraStatus", upper) as second,
    ):
        assert b"200" in first.recv(4096) and b"200" in second.recv(4096)
    (overlap,) = ministry.ask("overlaps")["overlaps"]
    assert overlap["camera"] == NUMBER
    assert {overlap["first"]["verb"], overlap["second"]["verb"]} == {"VideoInformation", "ReportCameraStatus"}


def test_one_after_the_other_and_events_are_no_overlap(ministry: RunningMinistry) -> None:
    call(ministry, "VideoInformation", [CAMERA])
    ministry.break_down("slow", delay_seconds=0.5)
    for _ in range(2):
        with send(ministry, "ReportCameraStatus", ONLINE) as connection:
            assert b"200" in connection.recv(4096)
    events = [{"cameraNum": NUMBER, "data": "{}"}]
    with send(ministry, "ReportAnalyse", events) as first, send(ministry, "ReportAnalyse", events) as second:
        assert b"200" in first.recv(4096) and b"200" in second.recv(4096)
    told = ministry.ask("overlaps")
    assert told == {"overlaps": [], "most_requests_at_once": 2}


def test_a_request_is_over_with_its_connection(ministry: RunningMinistry) -> None:
    rain(ministry, Kind.TIMEOUT_BEFORE, hold_seconds=600)
    send(ministry, "ReportCameraStatus", ONLINE).close()
    with send(ministry, "ReportCameraStatus", ONLINE):
        _wait_for(ministry, calls=2)
        assert ministry.ask("overlaps")["overlaps"] == []
        with send(ministry, "ReportCameraStatus", ONLINE):
            _wait_for(ministry, calls=3)
            assert len(ministry.ask("overlaps")["overlaps"]) == 1


class _Open(asyncio.BaseTransport):
    """Its loop has not noticed anything yet."""

    def is_closing(self) -> bool:
        return False


def test_the_end_of_a_connection_is_seen_before_the_loop_tells_it() -> None:
    near, far = socket.socketpair()
    with near:
        ticket = Watch().enter("ReportCameraStatus", (NUMBER,), _Open({"socket": near}))
        assert not ticket.is_dropped()
        far.close()
        assert ticket.is_dropped()


def _wait_for(ministry: RunningMinistry, *, calls: int) -> None:
    _wait_until(lambda: len(ministry.calls()) >= calls)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_applied_is_told_in_order(ministry: RunningMinistry) -> None:
    call(ministry, "VideoInformation", [CAMERA, OTHER])
    call(ministry, "ReportCameraStatus", ONLINE, department=COMPANY)
    call(ministry, "VideoInformationDel", {"cameras": [NUMBER.upper()]})
    told = urllib3.request("GET", f"{ministry.control_url}/history?camera={NUMBER.upper()}").json()
    events = told.pop(NUMBER)
    assert told == {}
    assert [(event["what"], event["value"]) for event in events] == [
        ("record", CAMERA),
        ("status", 1),
        ("record", None),
    ]
    assert sorted(event["at"] for event in events) == [event["at"] for event in events]


def page(ministry: RunningMinistry, verb: str, **query: str) -> dict[str, Any]:
    return call(ministry, verb, query=query)


def test_the_ledger_can_be_read_page_by_page(ministry: RunningMinistry) -> None:
    elsewhere = {**OTHER, "department": "别的公司"}
    call(ministry, "VideoInformation", [CAMERA, elsewhere])
    call(ministry, "ReportCameraStatus", ONLINE, department=COMPANY)
    first = page(ministry, "GetDepartmentVideoInfo", currPage="1", pageSize="1")
    assert (first["total"], first["videoInfo"]) == (2, [CAMERA])
    assert page(ministry, "GetDepartmentVideoInfo", currPage="2", pageSize="1")["videoInfo"] == [elsewhere]
    assert page(ministry, "GetDepartmentVideoInfo", currPage="3", pageSize="1")["videoInfo"] == []
    assert page(ministry, "GetDepartmentVideoInfo", department="别的公司")["videoInfo"] == [elsewhere]
    assert page(ministry, "GetCameraStatus")["cameraStatus"] == [
        {"cameraNum": NUMBER, "onlineStatus": 1},
        {"cameraNum": OTHER["cameraNum"], "onlineStatus": 0},
    ]
    assert page(ministry, "GetCameraStatus", pageSize="501")["code"] == 400
    assert page(ministry, "GetCameraStatus", currPage="0")["code"] == 400
    assert page(ministry, "GetCameraStatus", department="没有")["code"] == 404


def test_it_may_have_no_ledger_verbs() -> None:
    with RunningMinistry(has_ledger_verbs=False) as ministry:
        assert page(ministry, "GetDepartmentVideoInfo")["code"] == 404
        assert page(ministry, "GetCameraStatus")["code"] == 404


def test_its_store_can_be_changed_behind_everybodys_back(ministry: RunningMinistry) -> None:
    call(ministry, "VideoInformation", [CAMERA])
    ministry.tamper("ghost", record=OTHER)
    ministry.tamper("change", cameraNum=NUMBER, field="cameraName", value="别的名称")
    ministry.tamper("status", cameraNum=NUMBER, online=2)
    ministry.tamper("quality", cameraNum=NUMBER, cameraStatus="000100000")
    state = ministry.state()
    assert state["cameras"] == [{**CAMERA, "cameraName": "别的名称"}, OTHER]
    assert (state["statuses"], state["qualities"]) == ({NUMBER: 2}, {NUMBER: "000100000"})
    ministry.tamper("drop", cameraNum=NUMBER.upper())
    assert held(ministry) == [OTHER["cameraNum"]]
    assert [event["value"] for event in ministry.ask("history")[NUMBER]][-1] is None
    for wanted in (
        {"action": "drop", "cameraNum": NUMBER},
        {"action": "melt"},
        {"action": "ghost", "record": {}},
    ):
        answer = urllib3.request("POST", f"{ministry.control_url}/tamper", json=wanted)
        assert answer.status == 400


def test_it_takes_so_many_connections_and_no_more() -> None:
    with RunningMinistry(most_connections=1) as ministry, send(ministry, "ReportCameraStatus", ONLINE) as one:
        assert one.recv(4096)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            ask(ministry.base_url, "VideoInformation", [CAMERA])


def test_many_requests_are_served_at_once(ministry: RunningMinistry) -> None:
    ministry.break_down("slow", delay_seconds=1)
    numbers = [f"aef89ecc-4cc6-4a6d-80fd-{n:012d}" for n in range(8)]
    with ExitStack() as stack:
        asking = [
            stack.enter_context(send(ministry, "VideoInformation", [{**CAMERA, "cameraNum": number}]))
            for number in numbers
        ]
        assert all(b"200" in connection.recv(4096) for connection in asking)
    assert sorted(held(ministry)) == numbers
    assert ministry.ask("overlaps") == {"overlaps": [], "most_requests_at_once": 8}
