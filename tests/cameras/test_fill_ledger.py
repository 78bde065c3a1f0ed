"""The invented province."""

from collections import Counter
from datetime import UTC, datetime
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from access.models import Organisation
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway, StatusChange
from cameras.selectors import camera_record, camera_records
from cameras.services.trial import fill_ledger
from protocol.cameras import camera_to_wire, parse_camera

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def fill(*options: str) -> str:
    said = StringIO()
    call_command("fill_ledger", *options, stdout=said)
    return said.getvalue()


def test_the_province_is_as_large_as_asked_for() -> None:
    assert fill("--cameras", "700", "--companies", "3").startswith("新增 700 路摄像机")
    assert Camera.objects.count() == 700
    assert Organisation.objects.filter(kind=1).count() == 3
    assert Organisation.objects.filter(kind=2).count() == 5
    statuses = Counter(Camera.objects.values_list("status", flat=True))
    assert 0.9 < statuses[OnlineStatus.ONLINE] / 700 < 0.99
    assert len(statuses) == 3
    assert not Camera.objects.filter(status_at=None).exists()
    assert StatusChange.objects.count() == 700
    assert not Gateway.objects.exists()


def test_every_camera_could_have_been_reported() -> None:
    fill_ledger(cameras=300, companies=2, seed=7, now=NOON)
    for camera in Camera.objects.select_related("organisation__parent", "gateway"):
        record = camera_record(camera)
        assert parse_camera(orjson.dumps(camera_to_wire(record))) == record


def test_the_same_seed_gives_the_same_province_once() -> None:
    assert fill_ledger(cameras=50, companies=2, seed=7, now=NOON) == 50
    first = list(Camera.objects.order_by("pk").values_list("number", "name", "stake", "status"))
    assert fill_ledger(cameras=50, companies=2, seed=7, now=NOON) == 0
    Camera.objects.all().delete()
    fill_ledger(cameras=50, companies=2, seed=7, now=NOON)
    assert list(Camera.objects.order_by("pk").values_list("number", "name", "stake", "status")) == first
    assert fill_ledger(cameras=50, companies=2, seed=8, now=NOON) == 50


def test_nonsense_is_refused() -> None:
    with pytest.raises(CommandError, match="正整数"):
        fill("--cameras", "-5")


def test_records_of_many_are_those_of_each() -> None:
    fill("--cameras", "60", "--companies", "3")
    cameras = Camera.objects.order_by("pk")
    assert camera_records(cameras) == [camera_record(one) for one in cameras]


def test_the_database_plans_for_what_is_there() -> None:
    fill("--cameras", "60", "--companies", "3")
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'cameras_camera'")
        assert cursor.fetchone() == (60,)
