"""No camera is in two requests at once, and what changes meanwhile stays owed."""

import json
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from ministry.services.sync import sync_platform
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller
from tests.ministry.upper import (
    delivery,
    only_platform,
    sent,
    sync,
)
from tests.protocol.peer import Peer, Reply, Request, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_two_runs_never_meet(odd: Peer) -> None:
    """While one run waits for its answer, another finds the lock taken and sends nothing."""
    inner: list[int] = []

    def respond(request: Request) -> Reply:
        if request.path.endswith("VideoInformation") and not inner:
            inner.append(sync_platform(platform=only_platform()))
            connection.close()
        nums = sent(request)
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in nums])

    odd.respond = respond
    assert sync() > 0
    assert inner == [0]
    assert len(odd.of("VideoInformation")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_while_a_request_runs_stays_pending(odd: Peer, cameras: Caller) -> None:
    def respond(request: Request) -> Reply:
        if request.path.endswith("VideoInformation") and len(odd.of("VideoInformation")) == 1:
            thread = threading.Thread(target=change)
            thread.start()
            thread.join()
        return reply(200, backResult=[{"cameraNum": num, "status": 0} for num in sent(request)])

    def change() -> None:
        register(cameras, wire(1, poiName="黄河大桥"))
        connection.close()

    odd.respond = respond
    sync()
    first, second = odd.of("VideoInformation")
    assert (len(sent(first)), sent(second)) == (3, [number(1)])
    assert json.loads(second.body)[0]["poiName"] == "黄河大桥"
    assert delivery(1).version == 2


