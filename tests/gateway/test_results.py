"""Results on their way to the platform: bounded, the newest kept, nothing counted twice."""

import logging
from collections.abc import Sequence

import pytest

from gateway.results import Results, Waiting
from gateway.upstream import BATCH
from tests.gateway.roadside import DOME, FIXED
from tests.gateway.standins import standing

OTHER_COMPANY = "江苏沿江高速公路有限公司"


@pytest.fixture
def queue() -> Results:
    return Results(most=5, most_bytes=1000, now=lambda: 0.0)


def told(batch: Sequence[Waiting]) -> list[str]:
    return [one.data for one in batch]


def test_they_leave_in_the_order_they_came_one_department_at_a_time(queue: Results) -> None:
    ours, theirs = standing(DOME), standing(FIXED, OTHER_COMPANY)
    for name, place in (("a", ours), ("b", theirs), ("c", ours)):
        queue.put(place, name)
    assert told(queue.oldest()) == ["a", "c"]
    queue.remove(queue.oldest())
    assert told(queue.oldest()) == ["b"]
    assert queue.filled.is_set()
    queue.remove(queue.oldest())
    assert (len(queue), queue.oldest(), queue.filled.is_set()) == (0, [], False)


def test_a_batch_has_its_limit() -> None:
    queue = Results(most=10 * BATCH, most_bytes=1 << 20)
    for index in range(BATCH + 3):
        queue.put(standing(DOME), str(index))
    batch = queue.oldest()
    assert told(batch) == [str(index) for index in range(BATCH)]
    queue.remove(batch)
    assert told(queue.oldest()) == [str(BATCH + index) for index in range(3)]


def test_beyond_the_number_the_oldest_are_dropped_and_it_is_told_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = [0.0]
    queue = Results(most=3, most_bytes=1000, now=lambda: clock[0])
    with caplog.at_level(logging.WARNING):
        for index in range(7):
            clock[0] = index * 12.0
            queue.put(standing(DOME), str(index))
    assert told(queue.oldest()) == ["4", "5", "6"]
    assert (len(queue), queue.dropped) == (3, 4)
    assert [line.message.rpartition(" dropped, ")[2] for line in caplog.records] == ["1 so far"]
    with caplog.at_level(logging.WARNING):
        clock[0] = 36.0 + 60.0
        queue.put(standing(DOME), "7")
    assert caplog.records[-1].message.endswith(" 5 so far")


def test_beyond_the_bytes_too_and_chinese_counts_as_it_is_sent() -> None:
    queue = Results(most=100, most_bytes=100)
    queue.put(standing(DOME), "雾" * 20)
    queue.put(standing(DOME), "x" * 40)
    assert queue.dropped == 0
    queue.put(standing(DOME), "y")
    assert told(queue.oldest()) == ["x" * 40, "y"]
    queue.put(standing(DOME), "z" * 500)
    assert told(queue.oldest()) == ["z" * 500], "one alone is kept however long it is"
    queue.remove(queue.oldest())
    for _ in range(3):
        queue.put(standing(DOME), "x" * 33)
    assert (len(queue), queue.dropped) == (3, 3)


def test_what_was_dropped_while_it_was_being_sent_is_not_taken_off_twice(queue: Results) -> None:
    for index in range(5):
        queue.put(standing(DOME), str(index) * 100)
    batch = queue.oldest()
    queue.put(standing(DOME), "5" * 600)
    queue.remove(batch)
    assert told(queue.oldest()) == ["5" * 600]
    queue.put(standing(DOME), "6" * 401)
    assert told(queue.oldest()) == ["6" * 401]
    assert queue.dropped == 2
