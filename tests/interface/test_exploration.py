"""schemathesis asks every verb, and finds nothing but what the schema says."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from access.views import published_schema
from province.wsgi import application
from tests.interface.exploration import World
from tests.interface.mirrored import by_code, mirrored

pytestmark = pytest.mark.django_db

SCHEMA = schemathesis.openapi.from_dict(by_code(published_schema()))
SCHEMA.app = mirrored(application)


@SCHEMA.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
def test_nothing_is_found(case: Case, world: World) -> None:
    world.explore(case)
