from collections.abc import Iterator
from pathlib import Path

import pytest

from cameras.models import Gateway
from streaming.services.pushes import plan_low_streams
from tests.acceptance.clips import clip, repeated
from tests.acceptance.roadside import Roadside, roadside_with
from tests.cameras.ledger import make_gateway, register, wire
from tests.cast import Caller

# Six groups of two seconds, more than is read, sent at once: no test waits for them.
SECONDS, TIMES = 2, 6


@pytest.fixture(scope="session")
def whole_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="session")
def low_clip(whole_clips: Path) -> bytes:
    return repeated(clip(whole_clips, seconds=SECONDS), times=TIMES, milliseconds=SECONDS * 1000)


@pytest.fixture(scope="session")
def high_clip(whole_clips: Path) -> bytes:
    one = clip(whole_clips, size="1280x720", seconds=SECONDS)
    return repeated(one, times=TIMES, milliseconds=SECONDS * 1000)


@pytest.fixture
def roadside(db: None, high_clip: bytes) -> Iterator[Roadside]:
    with roadside_with(high_clip) as made:
        yield made


@pytest.fixture
def gateway(gateway_partner: Caller, roadside: Roadside, low_clip: bytes) -> Gateway:
    """The gateway of the company with one camera, whose low stream stands."""
    made = make_gateway(gateway_partner.partner, roadside.gateway.base_url)
    register(gateway_partner, wire(1))
    plan_low_streams()
    roadside.stand(1, low_clip)
    return made
