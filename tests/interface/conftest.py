from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from access.days import day_of
from access.models import Organisation
from access.services.partners import issue_oauth_secret
from cameras.models import PtzGrant
from cameras.services.status import set_stream_presence
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.cameras.ledger import camera, make_gateway, register, wire
from tests.cast import Caller
from tests.interface.exploration import World
from tests.ptz.gateway_double import GatewayDouble
from tests.streaming.roadside import make_server


@contextmanager
def open_connection() -> Iterator[None]:
    """Requests leave the connection open, as the test's transaction lives in it.

    Django's own test client does the same for each of its requests, and undoes it after it: so not around those.
    """
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def world(
    gateway_partner: Caller,
    ministry: Caller,
    company: Organisation,
    settings: LazySettings,
) -> Iterator[World]:
    """Camera 1 turns for the ministry, has a stream and a picture; 2 is closed to it, 3 is off."""
    # What the exploration does over and over is no attack, and nothing is to happen after its transactions.
    settings.TOKEN_FAILURES_PER_MINUTE = 100_000
    settings.PTZ_MOVE_SECONDS = 3600
    with GatewayDouble() as roadside:
        make_gateway(gateway_partner.partner, roadside.base_url)
        make_server("http://127.0.0.1:9")
        register(gateway_partner, *(wire(n) for n in (1, 2, 3)))
        set_stream_presence(present=[camera(1).pk, camera(2).pk])
        PtzGrant.objects.create(camera=camera(1), partner=ministry.partner)
        moment = datetime(2026, 11, 22, 1, 5, tzinfo=UTC)
        ensure_day(day_of(moment))
        Snapshot.objects.create(
            camera=camera(1), slot_at=moment, taken_at=moment, result=SnapshotResult.TAKEN
        )
        secret = issue_oauth_secret(partner=ministry.partner)
        with open_connection():
            yield World(ministry, gateway_partner, secret)
