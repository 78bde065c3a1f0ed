import pytest

from access.models import Organisation
from cameras.models import Camera
from tests.ptz.ledger import make_camera
from tests.rates.days import register


@pytest.fixture
def camera(office: Organisation) -> Camera:
    """In the ledger since nine days."""
    camera = make_camera(office, 1)
    register(camera)
    return camera
