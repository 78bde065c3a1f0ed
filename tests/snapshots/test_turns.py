"""Whose turn it is: servers share the places, cameras in doubt come last, no address is opened late."""

import time
from collections.abc import Iterable

import pytest

from snapshots.capture import turns as module
from snapshots.capture.turns import Turns
from streaming.selectors import CaptureTarget


class Signer:
    """Cameras from 100 on are at the second server; those of `offline` have no stream."""

    def __init__(self, *offline: int) -> None:
        self.offline = offline
        self.asked: list[list[int]] = []

    def __call__(self, camera_ids: Iterable[int]) -> list[CaptureTarget]:
        self.asked.append(list(camera_ids))
        return [self._target(pk, len(self.asked)) for pk in self.asked[-1]]

    def _target(self, pk: int, time_signed: int) -> CaptureTarget:
        if pk in self.offline:
            return CaptureTarget(pk, False, None, "")
        return CaptureTarget(pk, True, f"http://media{pk // 100}:80/{pk}.flv?signed={time_signed}", "H264")


def turns(sure: list[int], doubtful: list[int], signer: Signer, *, doubt_seconds: float = 60) -> Turns:
    return Turns(sure, doubtful, signer, per_server=2, doubt_until=time.monotonic() + doubt_seconds)


def take_all(order: Turns) -> list[int]:
    """Everybody who may begin now, without any of them coming back."""
    found = []
    while (target := order.take()) is not None:
        found.append(target.camera_id)
    return found


def come_back(order: Turns, *camera_ids: int) -> None:
    for pk in camera_ids:
        order.leave(CaptureTarget(pk, True, f"http://media{pk // 100}:80/{pk}.flv", "H264"))


def test_one_server_does_not_take_all_places() -> None:
    order = turns([1, 2, 3, 4, 101, 102, 103], [], Signer())
    assert take_all(order) == [1, 2, 101, 102]
    come_back(order, 2)
    assert take_all(order) == [3]
    come_back(order, 101, 102, 1)
    assert take_all(order) == [4, 103]
    assert take_all(order) == []


def test_cameras_in_doubt_begin_when_all_others_have() -> None:
    order = turns([1, 2, 3], [4, 101], Signer())
    # The second server has places, but a camera that answers is still waiting.
    assert take_all(order) == [1, 2]
    come_back(order, 1)
    assert take_all(order) == [3, 101]
    come_back(order, 2)
    assert take_all(order) == [4]


def test_none_in_doubt_begins_when_there_is_no_time_for_them() -> None:
    assert take_all(turns([1, 101], [2, 102], Signer(), doubt_seconds=-1)) == [1, 101]


def test_camera_without_a_stream_needs_no_place() -> None:
    order = turns([1, 2, 3, 4, 5], [], Signer(3, 4, 5))
    assert take_all(order) == [1, 2, 3, 4, 5]


def test_address_that_waited_is_signed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer()
    order = turns([1, 2, 3, 4], [], signer)
    take_all(order)
    come_back(order, 1)
    fresh = order.take()
    assert fresh is not None
    assert (fresh.url, signer.asked) == ("http://media0:80/3.flv?signed=1", [[1, 2, 3, 4]])
    monkeypatch.setattr(module, "_OLDEST_SECONDS", -1)
    come_back(order, 2)
    old = order.take()
    assert old is not None
    assert (old.url, signer.asked[1:]) == ("http://media0:80/4.flv?signed=2", [[4]])


def test_stream_that_ended_while_it_waited_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OLDEST_SECONDS", -1)
    signer = Signer()
    order = turns([1, 2, 3, 4], [], signer)
    take_all(order)
    signer.offline = (3,)
    come_back(order, 1)
    gone = order.take()
    assert gone is not None
    assert (gone.camera_id, gone.url) == (3, None)
    # It took no place.
    assert take_all(order) == [4]


def test_addresses_are_signed_when_they_are_needed() -> None:
    signer = Signer()
    order = turns(list(range(1, 97)), [], signer)
    order.take()
    assert signer.asked == [list(range(1, 49))]
