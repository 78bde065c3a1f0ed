"""Each judge of the proof finds what it is there for."""

from collections import Counter
from typing import Any

import pytest

from ministry.models import CameraDelivery
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller
from tests.ministry.upper import sync
from tests.mock_ministry.running import RunningMinistry
from tests.proof.conftest import DATA, report
from tests.proof.journal import Acknowledgement, acknowledgements, install
from tests.proof.judge import (
    Truth,
    ahead_of_truth,
    differences,
    held_at,
    overlapping,
    pending,
    read_truth,
    too_rare,
)

GHOST = "918b150c-d3ce-4d16-8bca-dbab091dd983"


@pytest.mark.django_db
class TestDifferences:
    def test_nothing_is_found_where_all_is_told(self, told: RunningMinistry) -> None:
        truth = read_truth()
        assert differences(truth, told.state()) == []
        assert sorted(truth.cameras) == [number(1), number(2), number(3)]
        assert truth.statuses == {number(1): 1, number(2): 0, number(3): 0}
        assert truth.qualities == {number(1): "000100000"}
        assert truth.analyses == [(number(1), DATA)]
        assert pending() == {}

    @pytest.mark.parametrize(
        ("action", "how", "said"),
        [
            ("drop", {"cameraNum": number(2)}, ["not at the ministry", "status is 0, at the ministry None"]),
            ("ghost", {"record": wire(cameraNum=GHOST)}, ["only at the ministry"]),
            (
                "change",
                {"cameraNum": number(3), "field": "pileNum", "value": "K1+000"},
                ["pileNum is 'K403+300'"],
            ),
            ("change", {"cameraNum": number(3), "field": "classify", "value": "1"}, ["classify is 1, at"]),
            ("change", {"cameraNum": number(3), "field": "more", "value": ""}, ["more is None, at"]),
            ("status", {"cameraNum": number(1), "online": 2}, ["status is 1, at the ministry 2"]),
            (
                "quality",
                {"cameraNum": number(1), "cameraStatus": "000000000"},
                ["quality is '000100000', at"],
            ),
        ],
    )
    def test_a_tampered_store_is_found_different(
        self, told: RunningMinistry, action: str, how: dict[str, Any], said: list[str]
    ) -> None:
        told.tamper(action, **how)
        found = differences(read_truth(), told.state())
        assert len(found) == len(said)
        assert all(part in line for part, line in zip(said, found, strict=True)), found

    def test_a_result_that_differs_in_one_byte_has_not_arrived(self, told: RunningMinistry) -> None:
        truth = read_truth()
        truth.analyses = [(number(1), DATA.replace("  ", " "))]
        assert "never arrived" in differences(truth, told.state())[0]


@pytest.mark.django_db
def test_what_is_not_acknowledged_is_pending(cameras: Caller, told: RunningMinistry) -> None:
    register(cameras, wire(4), wire(2, poiName="黄河大桥"))
    report(cameras, "ReportCameraStatus", "online", 2)
    report(cameras, "ReportCameraQuality", "cameraStatus", "000000000")
    report(cameras, "ReportAnalyse", "data", DATA)
    assert cameras.post("VideoInformationDel", {"cameras": [number(3)]})["code"] == 200
    assert pending() == {"registrations": 2, "deletions": 1, "statuses": 1, "qualities": 1, "analyses": 1}
    sync()
    assert pending() == {}


@pytest.mark.django_db
class TestJournal:
    @pytest.fixture(autouse=True)
    def journal(self, db: None) -> None:
        install()

    def test_every_acknowledgement_is_noted_and_held_against_the_ministry(
        self,
        cameras: Caller,
        upper: RunningMinistry,
    ) -> None:
        register(cameras, wire(1, others="第一次"))
        sync()
        report(cameras, "ReportCameraStatus", "online", 1)
        report(cameras, "ReportCameraQuality", "cameraStatus", "000100000")
        register(cameras, wire(1, others="第二次"))
        sync()
        assert cameras.post("VideoInformationDel", {"cameras": [number(1)]})["code"] == 200
        sync()
        noted = acknowledgements()
        assert Counter((said.what, said.value) for said in noted if said.camera == number(1)) == {
            ("version", "第一次"): 1,
            ("status", "0"): 1,
            ("version", "第二次"): 1,
            ("status", "1"): 1,
            ("quality", "000100000"): 1,
            ("gone", None): 1,
        }
        assert ahead_of_truth(noted, upper.ask("history")) == []

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"status": 2}, "status '2' acknowledged"),
            ({"quality": "111111111"}, "quality '111111111' acknowledged"),
            ({"version": 2}, "version '第二次' acknowledged"),
            ({"version": 9}, "version '?' acknowledged"),
        ],
    )
    def test_what_was_acknowledged_and_never_applied_is_found(
        self,
        cameras: Caller,
        told: RunningMinistry,
        change: dict[str, object],
        what: str,
    ) -> None:
        register(cameras, wire(1, others="第二次"))
        CameraDelivery.objects.filter(camera__number_key=number(1)).update(**change)
        (found,) = ahead_of_truth(acknowledgements(), told.ask("history"))
        assert what in found

    def test_a_deletion_that_was_believed_and_never_applied_is_found(
        self,
        cameras: Caller,
        told: RunningMinistry,
    ) -> None:
        assert cameras.post("VideoInformationDel", {"cameras": [number(1)]})["code"] == 200
        CameraDelivery.objects.filter(camera__number_key=number(1)).delete()
        (found,) = ahead_of_truth(acknowledgements(), told.ask("history"))
        assert "gone None acknowledged" in found


def event(at: float, what: str, value: object) -> dict[str, Any]:
    return {"at": at, "what": what, "value": value}


def test_what_was_held_is_known_for_every_moment() -> None:
    events = [
        event(1, "record", {"others": "a"}),
        event(2, "status", 1),
        event(3, "quality", "000000000"),
        event(4, "record", {"others": "b"}),
        event(5, "record", None),
    ]
    held = [held_at(events, at) for at in (0, 1, 2.5, 4, 5)]
    assert [each.mark for each in held] == [None, "a", "a", "b", None]
    assert [each.status for each in held] == [None, None, "1", "1", None]
    assert [each.quality for each in held] == [None, None, None, "000000000", None]
    early = Acknowledgement(at=1.9, camera="c", what="status", value="1")
    late = Acknowledgement(at=2.1, camera="c", what="status", value="1")
    assert len(ahead_of_truth([early, late], {"c": events})) == 1


def test_an_overlap_is_named() -> None:
    first, second = {"verb": "VideoInformation", "began_at": 1.0}, {"verb": "ReportCameraStatus"}
    told = {"overlaps": [{"camera": "c", "at": 2.0, "first": first, "second": second}]}
    assert overlapping(told) == ["c: in ReportCameraStatus at 2.0, in VideoInformation since 1.0"]
    assert overlapping({"overlaps": []}) == []


def test_a_fault_that_came_too_rarely_is_named() -> None:
    assert too_rare({"drip": 19, "refused": 20}, 20) == ["drip: 19 times, wanted 20"]


def test_an_empty_ledger_differs_from_a_ministry_that_holds_something() -> None:
    state = {"cameras": [wire()], "statuses": {}, "qualities": {}, "analysis": []}
    assert differences(Truth(), state) == [f"{number(1)}: only at the ministry"]
