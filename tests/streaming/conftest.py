from collections.abc import Iterator

import pytest

from cameras.models import Gateway
from streaming.models import MediaServer
from tests.cameras.ledger import make_gateway, register, wire
from tests.cast import Caller
from tests.streaming.roadside import (
    GatewayDouble,
    MediaDouble,
    gateway_double,
    make_server,
    media_double,
)


@pytest.fixture
def media() -> Iterator[MediaDouble]:
    with media_double() as double:
        yield double


@pytest.fixture
def roadside() -> Iterator[GatewayDouble]:
    with gateway_double() as double:
        yield double


@pytest.fixture
def server(db: None, media: MediaDouble) -> MediaServer:
    return make_server(media.peer.base_url)


@pytest.fixture
def gateway(gateway_partner: Caller, roadside: GatewayDouble, server: MediaServer) -> Gateway:
    """The gateway of the company, with cameras 1, 2 and 3; its media server is there."""
    made = make_gateway(gateway_partner.partner, roadside.peer.base_url)
    register(gateway_partner, wire(1), wire(2), wire(3, roadSec="泰安管理处"))
    return made
