"""Nothing of one test comes in the next: neither what it counted, nor the stop of a camera that it turned."""

import threading
import time

import pytest
from django.core.cache import cache

from ptz.services.stopping import TIMER_NAME, cancel_timers

PATIENCE_SECONDS = 20


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Refusals are limited by the minute, so that many tests in a quick minute would refuse the last of them."""
    cache.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Before what the test has built is taken down: a stop on its way still finds its gateway."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    # One that fails sets a timer anew.
    while running := timers():
        cancel_timers()
        for timer in running:
            timer.join(PATIENCE_SECONDS)
        assert time.monotonic() < ends_at, "a stop does not come to its end"


def timers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == TIMER_NAME]
