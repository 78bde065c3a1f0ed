"""The drawing thread: on time, and held up by nobody."""

import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from gateway.scene.canvas import Bytes
from gateway.scene.studio import Output, Studio
from tests.gateway.roadside import until

PICTURE = 3000


def draw(now: float) -> Bytes:
    return np.full(PICTURE, 7, np.uint8)


class Pipe:
    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def read(self) -> int:
        """Pictures since the last look."""
        os.set_blocking(self.reading, False)
        size = 0
        try:
            while chunk := os.read(self.reading, 1 << 20):
                size += len(chunk)
        except BlockingIOError:
            pass
        return size // PICTURE


@pytest.fixture
def pipes() -> Iterator[list[Pipe]]:
    made = [Pipe(), Pipe()]
    yield made
    for pipe in made:
        os.close(pipe.reading)


def test_pictures_come_at_their_rate_and_a_full_pipe_stops_no_other(pipes: list[Pipe]) -> None:
    studio = Studio()
    stuck = studio.add(pipes[0].writing, 100, draw)
    steady = studio.add(pipes[1].writing, 100, draw)
    # 64 KiB of pipe are 21 pictures: full after a fifth of a second.
    until(lambda: stuck.rest is not None, what="a full pipe")
    pipes[1].read()
    begun = time.monotonic()
    count = 0

    def fifty() -> bool:
        nonlocal count
        count += pipes[1].read()
        return count >= 50

    until(fifty, what="50 pictures")
    assert time.monotonic() - begun > 0.4
    for output in (stuck, steady):
        output.leave()
    until(lambda: closed(pipes[0].writing) and closed(pipes[1].writing), what="end of the pipes")


def closed(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False


def test_a_reader_that_goes_away_or_a_scene_that_fails_ends_only_itself(pipes: list[Pipe]) -> None:
    studio = Studio()

    def fail(now: float) -> Bytes:
        raise ValueError("no such scene")

    gone, failing = Pipe(), Pipe()
    os.close(gone.reading)
    outputs = [studio.add(gone.writing, 50, draw), studio.add(failing.writing, 50, fail)]
    steady = studio.add(pipes[0].writing, 50, draw)
    until(lambda: all(output.is_broken for output in outputs), what="two broken outputs")
    pipes[0].read()
    until(pipes[0].read, what="a picture")
    for output in [*outputs, steady]:
        output.leave()
    until(lambda: closed(failing.writing), what="end of the pipe")
    os.close(failing.reading)
    os.close(pipes[1].writing)


def shown(output: Output, pipe: Pipe, begun: float, ticks: int) -> int:
    count = 0
    for tick in range(ticks):
        output.tick(begun + tick * 0.04 + 0.001)
        count += pipe.read()
    return count


def test_lost_pictures_are_made_up_for(pipes: list[Pipe]) -> None:
    output = Output(pipes[0].writing, 25, draw, 100.0)
    assert shown(output, pipes[0], 100.0, 10) == 10
    # Half a second in which nothing could be drawn: twelve pictures are missing, and come twice.
    assert shown(output, pipes[0], 100.88, 40) == 52
    assert shown(output, pipes[0], 102.48, 10) == 10
    # After a long standstill it starts afresh instead.
    output.tick(200.0)
    output.tick(200.04)
    assert pipes[0].read() == 2
    output.close()
    os.close(pipes[1].writing)
