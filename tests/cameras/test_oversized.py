"""Bodies over the limit of protocol.md section 7 are refused before anything is applied."""

import pytest
from django.conf import LazySettings

from cameras.models import Camera
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller, answer_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("VideoInformation", [wire(2)]),
        ("VideoInformationDel", {"cameras": [number(1)]}),
        ("ReportCameraStatus", [{"cameraNum": number(1), "online": 2}]),
    ],
)
def test_a_body_over_the_limit_is_malformed_and_applies_nothing(
    gateway_partner: Caller, settings: LazySettings, verb: str, body: object
) -> None:
    register(gateway_partner, wire(1))
    before = list(Camera.objects.values())
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 40
    answer = answer_of(gateway_partner.request("POST", verb, body=body))
    assert answer["code"] == 400
    assert "MiB" in answer["msg"]
    assert list(Camera.objects.values()) == before
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
    assert answer_of(gateway_partner.request("POST", verb, body=body))["code"] == 200


def test_the_limit_is_20_mib(gateway_partner: Caller) -> None:
    answer = answer_of(gateway_partner.request("POST", "VideoInformation", body=b" " * (20 * 2**20 + 1)))
    assert (answer["code"], answer["msg"]) == (400, "请求体超过 20 MiB")
