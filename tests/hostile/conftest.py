import pytest
from hypothesis import HealthCheck, Phase, settings

from access.models import Organisation
from cameras.models import PtzGrant
from cameras.services.status import set_stream_presence
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller
from tests.streaming.roadside import make_server

# The database is shared by the examples of one test on purpose: what one leaves behind, the next must stand.
# The same examples every time: a test that fails now and then is worth less than one that always does.
settings.register_profile(
    "hostile",
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture
def ledger(gateway_partner: Caller, ministry: Caller, company: Organisation) -> Caller:
    """Cameras 1 to 3 of the gateway; 1 has a stream and is opened to the ministry. No gateway answers."""
    make_gateway(gateway_partner.partner)
    make_server("http://127.0.0.1:9")
    register(gateway_partner, *(wire(n) for n in (1, 2, 3)))
    status = [{"cameraNum": number(n), "online": 1} for n in (1, 2)]
    assert gateway_partner.post("ReportCameraStatus", status)["code"] == 200
    set_stream_presence(present=[camera(1).pk])
    PtzGrant.objects.create(camera=camera(1), partner=ministry.partner)
    return gateway_partner
