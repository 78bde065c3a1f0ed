from datetime import UTC, datetime

import pytest
from time_machine import TimeMachineFixture

from tests.cameras.ledger import register, wire
from tests.cast import Caller
from tests.snapshots.conftest import clips, media, road_clip

__all__ = ["clips", "media", "road_clip"]

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def gateway(gateway_partner: Caller) -> Caller:
    """Has registered cameras 1, 2 and 3."""
    register(gateway_partner, wire(1), wire(2), wire(3))
    return gateway_partner
