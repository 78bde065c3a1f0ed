from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from ministry.models import UpperPlatform
from tests.cameras.ledger import register, wire
from tests.cast import Caller
from tests.ministry.holding import Holding
from tests.ministry.upper import connect, sync
from tests.mock_ministry.running import PRIVATE_KEY, RunningMinistry
from tests.protocol.peer import Peer, peer_answering, reply


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


@pytest.fixture
def odd(db: None, cameras: Caller) -> Iterator[Peer]:
    """An upper platform that answers what a test tells it to."""
    with peer_answering(lambda _: reply(200)) as peer:
        call_command(
            "add_upstream",
            *("--name", "邻省", "--base-url", peer.base_url, "--user", "province"),
            *("--device-code", "cHJvdmluY2U=", "--token", "t-1", "--private-key", PRIVATE_KEY),
            *("--concurrency", "1"),
        )
        yield peer


@pytest.fixture
def holding(odd: Peer) -> Holding:
    """The same platform with a memory and the ledger verbs; it holds cameras 1 to 3 and their statuses."""
    theirs = Holding()
    odd.respond = theirs.respond
    sync()
    return theirs
