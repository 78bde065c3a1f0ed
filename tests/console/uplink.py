"""An upper platform in every state, and the page that tells of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponseBase
from django.urls import reverse

from access.models import Organisation
from ministry.choices import DifferenceKind, Interface
from ministry.models import (
    CameraDelivery,
    DeliveryCall,
    DeliveryTrouble,
    LedgerCheck,
    LedgerDifference,
    UpperPlatform,
)
from tests.console.desk import Desk, text_of
from tests.ptz.ledger import make_camera

NOON = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


def press(desk: Desk, name: str, platform: UpperPlatform, **fields: object) -> HttpResponseBase:
    return desk.client.post(reverse(f"console:{name}", args=[platform.pk]), fields)


def pressed(desk: Desk, name: str, platform: UpperPlatform, **fields: object) -> str:
    response = press(desk, name, platform, **fields)
    assert response.status_code == 200, text_of(response)
    return text_of(response)


def headline(page: str) -> str:
    return page.split('data-testid="headline">')[1].split("</p>")[0]


def shape(page: str) -> str:
    return page.split('<header class="upper-head" data-state="')[1].split('"')[0]


def told(platform: UpperPlatform, number: int, office: Organisation, **fields: Any) -> CameraDelivery:
    """A camera of which everything is acknowledged."""
    camera = make_camera(office, number, status_at=NOON - timedelta(hours=1))
    values: dict[str, Any] = {
        "version": camera.version,
        "status": camera.status,
        "status_at": NOON - timedelta(minutes=5),
        "registered_at": NOON - timedelta(days=1),
        **fields,
    }
    return CameraDelivery.objects.create(
        platform=platform, camera=camera, department=office.name, **values
    )


def park(delivery: CameraDelivery, interface: Interface = Interface.STATUS, about: str = "1") -> None:
    DeliveryTrouble.objects.create(
        delivery=delivery,
        interface=interface,
        about=about,
        reason="第 1 条 不属于济南段",
        since=NOON - timedelta(hours=2),
        attempts=5,
        refusals=5,
        retry_at=NOON + timedelta(minutes=40),
        parked_at=NOON - timedelta(minutes=20),
    )


def note_call(platform: UpperPlatform, *, seconds_ago: int = 1, code: int | None = 200, **fields: Any) -> None:
    DeliveryCall.objects.create(
        platform=platform,
        **{
            "at": NOON - timedelta(seconds=seconds_ago),
            "interface": Interface.STATUS,
            "verb": "ReportCameraStatus",
            "count": 100,
            "code": code,
            "duration_ms": 12,
            **fields,
        },
    )


def find(platform: UpperPlatform, *kinds: DifferenceKind, **fields: Any) -> LedgerCheck:
    check = LedgerCheck.objects.create(
        platform=platform,
        **{
            "began_at": NOON - timedelta(minutes=3),
            "ended_at": NOON - timedelta(minutes=3),
            "is_by_ledger": True,
            "ours": 12,
            "theirs": 14,
            "compared": 12,
            "differences": len(kinds),
            **fields,
        },
    )
    for number, kind in enumerate(kinds):
        LedgerDifference.objects.create(ledger_check=check, kind=kind, number=f"number-{number}", name="外省点位")
    return check
