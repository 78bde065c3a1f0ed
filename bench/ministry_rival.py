"""The rival of bench/ministry_sync.py: one request after the other, each acknowledgement written at once."""

import time
from dataclasses import dataclass

import msgspec
from django.utils import timezone

from access.services.organisations import ensure_root
from bench.ministry_ledger import BATCH, DEVICE_CODE, PRIVATE_KEY, USER, by_department, cameras
from bench.ministry_peer import FIRST_TOKEN
from cameras.models import Camera
from cameras.selectors import camera_record, department_name
from ministry.models import CameraDelivery, UpperPlatform
from protocol.cameras import camera_to_wire
from protocol.client import Credentials, PartnerClient


@dataclass(frozen=True)
class _Batch:
    """A request made in advance; without a department it is a registration."""

    body: bytes
    cameras: list[Camera]
    department: str | None = None


def drain_plainly(base_url: str) -> float:
    """Seconds in which a plain loop tells a peer that holds nothing everything, in full batches."""
    platform = UpperPlatform.objects.create(
        name="rival", base_url=base_url, organisation=ensure_root(), is_active=False
    )
    client = PartnerClient(base_url, Credentials(USER, DEVICE_CODE, FIRST_TOKEN, PRIVATE_KEY))
    batches = _registrations() + _statuses()
    begun = time.monotonic()
    for batch in batches:
        if batch.department is None:
            _register(client, platform, batch)
        else:
            _report(client, platform, batch)
    took = time.monotonic() - begun
    platform.delete()
    return took


def _registrations() -> list[_Batch]:
    rows = list(cameras())
    batches = []
    for begin in range(0, len(rows), BATCH):
        members = rows[begin : begin + BATCH]
        wire = [camera_to_wire(camera_record(camera), gateway_num=False) for camera in members]
        batches.append(_Batch(msgspec.json.encode(wire), members))
    return batches


def _statuses() -> list[_Batch]:
    batches = []
    for department, rows in by_department(cameras()).items():
        for begin in range(0, len(rows), BATCH):
            members = rows[begin : begin + BATCH]
            wire = [{"cameraNum": camera.number, "online": camera.status} for camera in members]
            batches.append(_Batch(msgspec.json.encode(wire), members, department))
    return batches


def _register(client: PartnerClient, platform: UpperPlatform, batch: _Batch) -> None:
    answer = client.call("VideoInformation", method="POST", body=batch.body)
    done = {entry["cameraNum"] for entry in answer.body["backResult"] if entry["status"] == 0}
    CameraDelivery.objects.bulk_create(
        CameraDelivery(
            platform=platform, camera=camera, version=camera.version, department=department_name(camera)
        )
        for camera in batch.cameras
        if camera.number in done
    )


def _report(client: PartnerClient, platform: UpperPlatform, batch: _Batch) -> None:
    params = {"department": batch.department}
    answer = client.call("ReportCameraStatus", method="POST", params=params, body=batch.body)
    if not answer.ok:
        raise RuntimeError(f"the peer answered {answer.code} {answer.msg}")
    told: dict[int, list[int]] = {}
    for camera in batch.cameras:
        told.setdefault(camera.status, []).append(camera.pk)
    for status, ids in told.items():
        CameraDelivery.objects.filter(platform=platform, camera_id__in=ids).update(
            status=status, status_at=timezone.now()
        )
