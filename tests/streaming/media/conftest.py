"""Media servers of every kind, with the platform behind them."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from access.models import Organisation
from cameras.models import Camera
from tests.ptz.ledger import make_camera
from tests.streaming.embedded.conftest import (
    HLS_KEY,
    PLAY_KEY,
    PUBLISH_KEY,
    clip,
)
from tests.streaming.embedded.peers import FlvTag
from tests.streaming.media.benches import Bench, EmbeddedBench, GivenBench, Relay, SrsBench, ZlmBench

__all__ = ["clip"]

ALWAYS = ("embedded", "zlm stand-in", "srs stand-in")
GIVEN = ("zlm", "srs")


@pytest.fixture
def keys(settings: LazySettings) -> None:
    """The platform has those of the media servers in these tests."""
    settings.PLAY_URL_KEYS, settings.MEDIA_PUBLISH_KEY = [PLAY_KEY], PUBLISH_KEY
    settings.HLS_SESSION_KEY = HLS_KEY


@pytest.fixture(params=[*ALWAYS, *GIVEN])
def bench(
    request: pytest.FixtureRequest,
    keys: None,
    live_server: LiveServer,
    clip: list[FlvTag],
) -> Iterator[Bench]:
    """A media server of that kind, registered and told where the platform is."""
    kind: str = request.param
    if kind in GIVEN:
        given = GivenBench.from_environment(kind, clip)
        if given is None:
            pytest.skip(f"no {kind} server given: set TEST_{kind.upper()}_URL and its companions (docs/media.md)")
        made: Bench = given
    elif kind == "embedded":
        made = EmbeddedBench(clip)
    else:
        made = (ZlmBench if kind == "zlm stand-in" else SrsBench)()
    relay = Relay(live_server.url, made.hook_port)
    try:
        made.begin(relay)
        yield made
    finally:
        made.close()
        relay.close()


@pytest.fixture
def camera(office: Organisation) -> Camera:
    return make_camera(office, 1, has_stream=False)


@pytest.fixture
def other_camera(office: Organisation) -> Camera:
    return make_camera(office, 2, has_stream=False)
