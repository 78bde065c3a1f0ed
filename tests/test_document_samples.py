"""What the document prints as a request is accepted, what it prints as an answer is what we print."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from access.days import day_of
from access.models import Organisation, Partner
from cameras.models import Camera, PtzGrant
from cameras.services.status import set_stream_presence
from protocol.commands import parse_push_command
from protocol.envelope import parse_answer
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from snapshots.slots import slot_at, unix_slot
from streaming.models import MediaServer
from tests.cast import Caller
from tests.protocol.samples import sample, sample_bytes
from tests.ptz.gateway_double import GatewayDouble
from tests.ptz.ledger import make_camera, make_gateway
from tests.streaming.roadside import make_server

pytestmark = pytest.mark.django_db

# The camera of the document's samples.
NUMBER = "baee05a7-166a-48f8-9a57-3754c1a7ac65"


def shaped_as(given: Any, printed: Any, where: str = "answer") -> None:
    """The printed keys first, in the printed order, with values of the printed JSON types."""
    assert type(given) is type(printed), f"{where}: {given!r} instead of {printed!r}"
    if isinstance(printed, dict):
        assert list(given)[: len(printed)] == list(printed), where
        for key, value in printed.items():
            shaped_as(given[key], value, f"{where}.{key}")
    elif isinstance(printed, list):
        assert given, f"{where} is empty"
        for index, value in enumerate(given):
            shaped_as(value, printed[0], f"{where}[{index}]")


@pytest.fixture
def roadside() -> Iterator[GatewayDouble]:
    with GatewayDouble() as double:
        yield double


@pytest.fixture
def camera(
    office: Organisation,
    gateway_partner: Caller,
    ministry: Caller,
    roadside: GatewayDouble,
    settings: LazySettings,
) -> Camera:
    """Online, opened to the ministry, with one picture."""
    settings.PTZ_MOVE_SECONDS = 5.0
    gateway = make_gateway(gateway_partner.partner, roadside.base_url)
    camera = make_camera(office, 1, gateway, owner=gateway_partner.partner)
    camera.number = camera.number_key = NUMBER
    camera.save()
    PtzGrant.objects.create(camera=camera, partner=ministry.partner)
    set_stream_presence(present=[camera.pk])
    moment = slot_at(unix_slot(timezone.now()))
    ensure_day(day_of(moment))
    Snapshot.objects.create(
        camera=camera, slot_at=moment, taken_at=moment + timedelta(seconds=5), result=SnapshotResult.TAKEN
    )
    return camera


@pytest.fixture
def media() -> MediaServer:
    return make_server("http://127.0.0.1:8080")


def test_the_cameras_of_the_document_are_registered_and_deleted(
    ministry: Caller, gateway_partner: Caller, province: Organisation
) -> None:
    Partner.objects.filter(pk=gateway_partner.partner.pk).update(organisation=province)
    registered = gateway_partner.post("VideoInformation", sample_bytes("video_information"))
    shaped_as(registered, sample("video_information_answer"))
    assert {result["info"] for result in registered["backResult"]} <= {"注册成功", "修改成功", "未变化"}
    assert all(result["status"] == 0 for result in registered["backResult"])
    deleted = gateway_partner.post("VideoInformationDel", sample_bytes("video_information_del"))
    shaped_as(deleted, sample("video_information_del_answer"))
    named = sample("video_information_del")["cameras"]
    assert [result["cameraNum"] for result in deleted["backResult"]] == named


@pytest.mark.parametrize(
    ("verb", "request_body"),
    [
        ("ReportCameraStatus", "report_camera_status"),
        ("ReportCameraQuality", "report_camera_quality"),
        ("ReportAnalyse", "report_analyse"),
        ("ReporlAnalyse", "report_analyse"),
    ],
)
def test_the_reports_of_the_document_are_accepted(
    camera: Camera, gateway_partner: Caller, verb: str, request_body: str
) -> None:
    answer = gateway_partner.post(verb, sample_bytes(request_body), department="山东高速")
    shaped_as(answer, sample("plain_answer"))
    assert answer["code"] == 200


@pytest.mark.parametrize(
    ("verb", "params", "printed"),
    [
        ("GetCameraPlayURL", {"department": "山东高速", "cameraNum": NUMBER}, "get_camera_play_url_answer"),
        ("GetCameraPlayURL", {"department": "山东高速"}, "get_camera_play_url_answer"),
        ("PTZControl", {"cameraNum": NUMBER, "action": 7, "step": 1}, "ptz_control_answer"),
        ("SnapShot", {"department": "山东高速", "cameraNum": NUMBER}, "snap_shot_answer"),
        (
            "SnapShot",
            {"department": "山东高速", "startTime": 0, "endtime": 4_000_000_000},
            "snap_shot_answer",
        ),
    ],
)
def test_what_the_ministry_asks_is_answered_as_printed(
    camera: Camera, media: MediaServer, ministry: Caller, verb: str, params: dict[str, object], printed: str
) -> None:
    answer = ministry.get(verb, **params)
    shaped_as(answer, sample(printed))
    assert answer["code"] == 200


def test_the_token_is_answered_as_printed(ministry: Caller) -> None:
    shaped_as(ministry.get("TokenInfo", **ministry.token_query()), sample("token_info_answer"))


def test_the_order_of_the_document_begins_a_push() -> None:
    command = parse_push_command(sample_bytes("video_trans_begin"))
    assert (command.server_port, command.video.width, command.video.framerate) == (533, 352, 15)


@pytest.mark.parametrize("name", ["plain_answer", "video_trans_finish_answer", "gateway_ptz_control_answer"])
def test_what_gateways_answer_is_read(name: str) -> None:
    assert parse_answer(sample_bytes(name)).ok
