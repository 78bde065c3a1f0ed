"""schemathesis asks every verb, and finds nothing but what the schema says."""

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup

from access.chunked import with_chunked_bodies
from access.views import published_schema
from tests.interface.exploration import World
from tests.interface.mirrored import by_code, mirrored

pytestmark = pytest.mark.django_db

SCHEMA = schemathesis.openapi.from_dict(by_code(published_schema()))
# Without turns: each brings a database connection of its own, outside the transaction of the test.
SCHEMA.app = mirrored(with_chunked_bodies(get_wsgi_application()))

# Beside these come the examples of the schema and, for each limit in it, a request at and beyond it.
BOUNDED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)


@SCHEMA.parametrize()
@BOUNDED
def test_nothing_is_found(case: Case[Any], world: World) -> None:
    world.explore(case)


@pytest.mark.urls("tests.interface.defects")
@pytest.mark.parametrize(
    ("verb", "method", "mode", "found"),
    [
        ("GetCameraStatus", "GET", GenerationMode.POSITIVE, '"total" is a required property'),
        ("GetCameraPlayURL", "GET", GenerationMode.POSITIVE, '"online": 2'),
        ("GetDepartmentVideoInfo", "GET", GenerationMode.POSITIVE, "Additional properties are not allowed"),
        ("VideoInformation", "POST", GenerationMode.POSITIVE, "keys_come_in_order"),
        ("SnapShot", "GET", GenerationMode.POSITIVE, "accepts requests without authentication"),
        ("ReportCameraStatus", "POST", GenerationMode.NEGATIVE, "Invalid data should have been rejected"),
        ("PTZControl", "GET", GenerationMode.POSITIVE, "Valid data should have been accepted"),
    ],
)
def test_a_defect_is_found(verb: str, method: str, mode: GenerationMode, found: str, world: World) -> None:
    @settings(BOUNDED, max_examples=100)  # it ends at the first that shows the defect
    @given(case=SCHEMA[f"/service/video.{verb}"][method].as_strategy(generation_mode=mode))
    def explore(case: Case[Any]) -> None:
        world.explore(case)

    with pytest.raises(FailureGroup, match="found") as caught:
        explore()
    assert any(found in f"{failure.title} {failure.message}" for failure in caught.value.exceptions), (
        caught.value
    )
