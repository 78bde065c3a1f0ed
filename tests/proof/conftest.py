from collections.abc import Iterator

import pytest

from tests.cameras.ledger import register, wire
from tests.cast import Caller
from tests.ministry.upper import connect, sync
from tests.mock_ministry.running import RunningMinistry

# Blanks, an escape and a figure that a careless copy would write anew.
DATA = '{ "subject":"flow",  "value": 1.50, "note":"\\u62e5" }'


@pytest.fixture
def upper(db: None) -> Iterator[RunningMinistry]:
    """A ministry that is reported to and was told nothing yet."""
    with RunningMinistry() as running:
        connect(running)
        yield running


@pytest.fixture
def cameras(gateway_partner: Caller) -> Caller:
    """The gateway of cameras 1 and 2 at one company and 3 at another."""
    register(gateway_partner, wire(1), wire(2), wire(3, department="齐鲁交通", roadSec="潍坊管理处"))
    return gateway_partner


@pytest.fixture
def told(upper: RunningMinistry, cameras: Caller) -> RunningMinistry:
    """The ministry holds all that we hold: of camera 1 a status, a quality and a result as well."""
    report(cameras, "ReportCameraStatus", "online", 1)
    report(cameras, "ReportCameraQuality", "cameraStatus", "000100000")
    report(cameras, "ReportAnalyse", "data", DATA)
    sync()
    return upper


def report(caller: Caller, verb: str, name: str, value: object) -> None:
    item = {"cameraNum": wire(1)["cameraNum"], name: value}
    assert caller.post(verb, [item], department=wire(1)["department"])["code"] == 200
