from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from ministry.models import UpperPlatform
from tests.cameras.ledger import register, wire
from tests.cast import Caller
from tests.ministry.upper import connect
from tests.mock_ministry.running import RunningMinistry


@pytest.fixture
def upper() -> Iterator[RunningMinistry]:
    """The mock ministry: another implementation of the document, over HTTP."""
    with RunningMinistry() as running:
        yield running


@pytest.fixture
def platform(upper: RunningMinistry, db: None) -> UpperPlatform:
    return connect(upper)


@pytest.fixture
def cameras(gateway_partner: Caller, settings: LazySettings) -> Caller:
    """Cameras 1 and 2 at one company, 3 at an office of another below it."""
    settings.MINISTRY_BATCH_SIZE = 100
    register(gateway_partner, wire(1), wire(2), wire(3, department="齐鲁交通", roadSec="潍坊管理处"))
    return gateway_partner
