"""Which processes the demo has, and what they work on."""

from pathlib import Path

import pytest
from django.conf import settings

from deploy.demo.files import Addresses
from deploy.demo.programs import Programs
from province.celery import app


@pytest.fixture
def queues() -> list[set[str]]:
    """Of each worker."""
    workers = Programs(Path("var"), Addresses({}), {}, {}).workers()
    found = [dict(zip(worker.argv, worker.argv[1:], strict=False)).get("-Q", "") for worker in workers]
    return [set(names.split(",")) for names in found if names]


def test_reports_hold_up_nothing_else(queues: list[set[str]]) -> None:
    """A slow upper platform takes all processes of the worker that reports to it."""
    assert [names for names in queues if "reports" in names] == [{"reports"}]


@pytest.mark.parametrize("task", ["acceptance.tasks.run_acceptance", "streaming.tasks.check_playability"])
def test_looking_into_streams_holds_up_nothing_else(queues: list[set[str]], task: str) -> None:
    """Most of a minute, or minutes, in a process."""
    queue = app.amqp.router.route({}, task)["queue"].name
    assert [names for names in queues if queue in names] == [{queue}]
    assert queue not in {"default", "reports", "captures"}


def test_every_queue_is_worked_on_by_one_worker(queues: list[set[str]]) -> None:
    routed = {route["queue"] for route in app.conf.task_routes.values()}
    served = [name for names in queues for name in names]
    assert {settings.CELERY_TASK_DEFAULT_QUEUE, *routed} <= set(served)
    assert len(served) == len(set(served))


def test_a_token_may_begin_with_a_hyphen() -> None:
    account = {"user": "u", "device_code": "eA==", "token": "-x", "public_key": "00"}
    ministry = Programs(Path("var"), Addresses({"ministry": 1}), {}, {"mock_ministry": account}).ministry()
    # Alone it would be taken for an option.
    assert "-x" not in ministry.argv
    assert "--token=-x" in ministry.argv
