"""Connecting the province to the mock ministry, and looking at what it holds."""

import json
from collections.abc import Callable
from typing import Any

from access.actors import SYSTEM
from ministry.choices import Interface
from ministry.models import AnalysisDelivery, CameraDelivery, DeliveryTrouble, InterfaceState, UpperPlatform
from ministry.selectors import backlog_by_interface
from ministry.services.platforms import add_upstream
from ministry.services.sync import sync_platform
from tests.cameras.ledger import camera
from tests.mock_ministry.running import RunningMinistry
from tests.protocol.peer import Reply, Request, reply


def connect(upper: RunningMinistry, **changes: object) -> UpperPlatform:
    """With one request at a time, so that a test's own transaction sees all of it."""
    fields: dict[str, object] = {
        "name": "部级平台",
        "base_url": upper.base_url,
        "user": upper.account.user,
        "device_code": upper.account.device_code,
        "token": upper.account.first_token,
        "private_key": upper.private_key,
        "concurrency": 1,
        **changes,
    }
    return add_upstream(actor=SYSTEM, **fields)  # type: ignore[arg-type]


def sync() -> int:
    """One run of the task, whatever breakers and rests say."""
    UpperPlatform.objects.update(retry_at=None)
    InterfaceState.objects.update(retry_at=None)
    CameraDelivery.objects.update(claimed_until=None)
    AnalysisDelivery.objects.update(claimed_until=None)
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


def trouble(n: int = 1, interface: Interface = Interface.REGISTER) -> DeliveryTrouble:
    return DeliveryTrouble.objects.get(delivery=delivery(n), interface=interface)


def backlog() -> int:
    """How many reports are waiting, those of this hour among them."""
    found = backlog_by_interface(only_platform())
    return sum(kind.waiting + kind.hourly for kind in found.values())


def only_platform() -> UpperPlatform:
    return UpperPlatform.objects.get()


def sent(request: Request) -> list[str]:
    return [item["cameraNum"] for item in json.loads(request.body)]


def answering(results: Callable[[list[str]], object], code: object = 200) -> Callable[[Request], Reply]:
    """Answers registrations with `results(numbers)` and everything else with 200."""

    def respond(request: Request) -> Reply:
        if request.path != "/service/video.VideoInformation":
            return reply(200)
        return reply(code, backResult=results(sent(request)))

    return respond


def accepted() -> set[int]:
    rows = CameraDelivery.objects.filter(version__gt=0)
    return {int(num[-12:]) for num in rows.values_list("camera__number", flat=True)}
