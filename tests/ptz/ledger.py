"""Cameras of the ledger as tests need them: one line each, real fields."""

from typing import Any

from access.models import Organisation, Partner
from cameras.choices import CameraType, Classify, OnlineStatus, Orientation
from cameras.models import Camera, Gateway


def make_camera(
    organisation: Organisation, number: int, gateway: Gateway | None = None, **fields: Any
) -> Camera:
    """Camera `number` stands at K1100+<number>00; a dome that is online unless said otherwise."""
    num = f"BAEE05A7-166A-48F8-9A57-{number:012d}"
    values: dict[str, Any] = {
        "name": f"G2 济南段 {number} 号",
        "longitude": 117.0,
        "latitude": 36.6,
        "road": "G2",
        "classify": Classify.ROADSIDE,
        "orientation": Orientation.UP,
        "camera_type": CameraType.DOME,
        "stake": f"K1100+{number:03d}",
        "stake_m": 1_100_000 + number,
        "area": "370100",
        "status": OnlineStatus.ONLINE,
        "raw_status": OnlineStatus.ONLINE,
        "has_stream": True,
        **fields,
    }
    return Camera.objects.create(
        number=num, number_key=num.lower(), organisation=organisation, gateway=gateway, **values
    )


def make_gateway(partner: Partner, base_url: str, **fields: Any) -> Gateway:
    return Gateway.objects.create(
        code=partner.code, name=partner.name, partner=partner, base_url=base_url, **fields
    )
