"""The timetable of the platform and the limits of what it starts."""

import pytest
from celery.schedules import crontab

from province.celery import app, on_the_clock


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(300, range(0, 60, 5)), (60, range(60)), (240, range(0, 60, 4))]
)
def test_rounds_of_pictures_begin_when_their_slots_do(seconds: int, minutes: range) -> None:
    schedule = on_the_clock(seconds)
    assert isinstance(schedule, crontab)
    assert vars(schedule)["minute"] == set(minutes)


def test_rounds_of_a_trial_have_its_period() -> None:
    assert on_the_clock(10) == 10.0


def test_no_task_is_handed_out_again_while_it_runs() -> None:
    """The broker does so after the visibility time-out; the hard limit must lie within half of it (design)."""
    app.loader.import_default_modules()
    limits = {name: task.time_limit for name, task in app.tasks.items() if not name.startswith("celery.")}
    visible = app.conf.broker_transport_options["visibility_timeout"]
    assert "snapshots.tasks.keep_partitions" in limits
    assert {name: limit for name, limit in limits.items() if limit is None or 2 * limit > visible} == {}
