"""Whose request is worked on next."""

import threading

from access.turns import Turns


class Desk:
    """Requests are named by their caller and a number: `begun` tells in which order they had their turn."""

    def __init__(self, *, total: int, most: int) -> None:
        self.begun: list[str] = []
        self._turns = Turns(total, most)

    def ask(self, *names: str) -> None:
        for name in names:
            self._turns.ask(name[0], lambda name=name: self.begun.append(name))  # type: ignore[misc]

    def finish(self, *names: str) -> list[str]:
        """Which others had their turn then."""
        before = len(self.begun)
        for name in names:
            self._turns.give_back(name[0])
        return self.begun[before:]


def test_all_begin_at_once_while_there_is_room() -> None:
    desk = Desk(total=3, most=2)
    desk.ask("a1", "b1", "a2")
    assert desk.begun == ["a1", "b1", "a2"]


def test_one_caller_never_fills_the_room() -> None:
    desk = Desk(total=3, most=2)
    desk.ask("a1", "a2", "a3", "a4", "b1")
    assert desk.begun == ["a1", "a2", "b1"]


def test_who_has_fewest_at_work_is_next_however_long_the_others_wait() -> None:
    desk = Desk(total=3, most=3)
    desk.ask("a1", "a2", "a3", *(f"a{n}" for n in range(4, 50)), "b1")
    assert desk.finish("a1") == ["b1"]
    assert desk.finish("b1") == ["a4"]


def test_those_who_are_equal_take_turns() -> None:
    desk = Desk(total=1, most=1)
    desk.ask("a1", "a2", "a3", "b1", "b2", "c1")
    assert [desk.finish(desk.begun[-1])[0] for _ in range(5)] == ["a2", "b1", "c1", "a3", "b2"]


def test_a_caller_at_its_bound_goes_on_when_one_of_its_own_ends() -> None:
    desk = Desk(total=4, most=2)
    desk.ask("a1", "a2", "a3")
    desk.ask("b1")
    assert desk.finish("b1") == []
    assert desk.finish("a1") == ["a3"]


def test_a_place_given_back_is_free_for_whoever_comes() -> None:
    desk = Desk(total=1, most=1)
    desk.ask("a1")
    assert desk.finish("a1") == []
    desk.ask("b1", "a2")
    assert desk.begun == ["a1", "b1"]


def test_threads_take_turns() -> None:
    """Never more than there are places, and everybody is served."""
    turns = Turns(3, 2)
    guard = threading.Lock()
    working, most_seen, served = 0, 0, 0

    def work(caller: str) -> None:
        nonlocal working, most_seen, served
        for _ in range(50):
            turns.take(caller)
            with guard:
                working += 1
                most_seen = max(most_seen, working)
            with guard:
                working -= 1
                served += 1
            turns.give_back(caller)

    threads = [threading.Thread(target=work, args=["abcd"[n % 4]]) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert served == 12 * 50
    assert most_seen <= 3
