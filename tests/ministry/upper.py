"""Connecting the province to the mock ministry, and looking at what it holds."""

from typing import Any

from access.actors import SYSTEM
from ministry.models import CameraDelivery, UpperPlatform
from ministry.services.platforms import add_upstream
from ministry.services.sync import sync_platform
from tests.cameras.ledger import camera
from tests.mock_ministry.running import RunningMinistry


def connect(upper: RunningMinistry, **changes: str) -> UpperPlatform:
    fields = {
        "name": "部级平台",
        "base_url": upper.base_url,
        "user": upper.account.user,
        "device_code": upper.account.device_code,
        "token": upper.account.first_token,
        "private_key": upper.private_key,
        **changes,
    }
    return add_upstream(actor=SYSTEM, **fields)  # type: ignore[arg-type]


def sync() -> int:
    """One run of the task, whatever back-off says."""
    UpperPlatform.objects.update(retry_at=None)
    return sync_platform(platform=UpperPlatform.objects.get())


def held(upper: RunningMinistry) -> dict[int, dict[str, Any]]:
    """The cameras the ministry holds, by their short number."""
    return {int(item["cameraNum"][-12:]): item for item in upper.state()["cameras"]}


def told_statuses(upper: RunningMinistry) -> dict[int, int]:
    return {int(num[-12:]): status for num, status in upper.state()["statuses"].items()}


def calls(upper: RunningMinistry, verb: str) -> list[dict[str, Any]]:
    return [call for call in upper.calls() if call["verb"] == verb]


def delivery(n: int = 1) -> CameraDelivery:
    return CameraDelivery.objects.get(camera=camera(n))
