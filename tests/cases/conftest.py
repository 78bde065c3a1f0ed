from pathlib import Path

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import Organisation
from cameras.models import Camera
from tests.cases.scene import NOW, stand


@pytest.fixture(autouse=True)
def noon(settings: LazySettings, tmp_path: Path, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)
    settings.SNAPSHOT_ROOT = tmp_path


@pytest.fixture
def camera(office: Organisation) -> Camera:
    """At K1100+300, up the road."""
    return stand(office, 300)
