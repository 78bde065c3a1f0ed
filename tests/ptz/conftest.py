from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from access.actors import Actor
from access.choices import ActorKind
from access.models import Organisation, User
from cameras.models import Camera, Gateway, PtzGrant
from protocol.codes import PtzAction
from ptz.choices import PtzLevel
from ptz.services import PtzResult, move_ptz
from tests.cast import Caller
from tests.ptz.gateway_double import GatewayDouble
from tests.ptz.ledger import make_camera, make_gateway


@pytest.fixture
def roadside(settings: LazySettings) -> Iterator[GatewayDouble]:
    """The gateway of the company; movements end quickly in tests."""
    settings.PTZ_MOVE_SECONDS = 0.05
    with GatewayDouble() as double:
        yield double


@pytest.fixture
def gateway(gateway_partner: Caller, roadside: GatewayDouble) -> Gateway:
    return make_gateway(gateway_partner.partner, roadside.base_url)


@pytest.fixture
def dome(office: Organisation, gateway: Gateway, ministry: Caller) -> Camera:
    """Turns, and is opened to the ministry."""
    camera = make_camera(office, 1, gateway)
    PtzGrant.objects.create(camera=camera, partner=ministry.partner)
    return camera


@pytest.fixture
def closed_dome(office: Organisation, gateway: Gateway) -> Camera:
    """Turns, but only for the province."""
    return make_camera(office, 2, gateway)


class Operator:
    """A member of staff at the console, who ranks above the ministry."""

    def __init__(self, user: User) -> None:
        self.actor = Actor(ActorKind.STAFF, user.pk, user.display_name, "10.1.2.3")

    def move(self, camera: Camera, action: PtzAction = PtzAction.LEFT, step: int = 1) -> PtzResult:
        fresh = Camera.objects.select_related("gateway__partner").get(pk=camera.pk)
        return move_ptz(camera=fresh, action=action, step=step, level=PtzLevel.PROVINCE, actor=self.actor)


@pytest.fixture
def wang(operator: User) -> Operator:
    return Operator(operator)
