"""The round as it goes to the workers: every shard once, spread over the period, none after its slot."""

from datetime import UTC, datetime, timedelta
from queue import Empty

import pytest
from celery.app import app_or_default
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import Organisation
from snapshots.slots import slot_at
from snapshots.tasks import plan_round
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())


def test_shards_are_sent_spread_over_the_period(
    office: Organisation, settings: LazySettings, time_machine: TimeMachineFixture
) -> None:
    settings.SNAPSHOT_SHARD_SIZE = 2
    for number in range(1, 6):
        make_camera(office, number)
    time_machine.move_to(slot_at(NOON + 1), tick=False)
    plan_round()
    time_machine.move_to(slot_at(NOON + 1))
    messages = []
    with (
        app_or_default().connection_for_read() as connection,
        connection.SimpleQueue("captures") as queue,
        pytest.raises(Empty),
    ):
        while message := queue.get(block=False):
            message.ack()
            messages.append(message)
    assert sorted(message.payload[0] for message in messages) == [[NOON, shard, 3] for shard in range(3)]
    begin = {}
    for message in messages:
        assert datetime.fromisoformat(message.headers["expires"]) == slot_at(NOON + 300)
        begin[message.payload[0][1]] = message.headers["eta"]
    assert begin.pop(0) is None
    assert {shard: datetime.fromisoformat(eta) for shard, eta in begin.items()} == {
        shard: slot_at(NOON + 1) + timedelta(seconds=60 * shard) for shard in (1, 2)
    }
