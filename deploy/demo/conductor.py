"""One Django process for all that the demo does to its platform: `python -m deploy.demo.conductor DATA`.

First it fills the database and writes `<data>/seeded`, upon which the workers and the gateway are started. Then it
waits until the main job has run once: cameras registered, PTZ opened, streams there, a round of pictures taken,
cameras told to be online; and writes demo.json.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from deploy.demo.cameras import can_turn, simulated_cameras
from deploy.demo.files import HOST, Addresses, read_json, write_json

SEEDED = "seeded"
DEMO_FILE = "demo.json"
_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 240


def main(data_dir: Path) -> None:
    django.setup()
    # Models can be imported only now.
    from deploy.demo import seed

    plan = read_json(data_dir / "plan.json")
    addresses, cameras = Addresses(**plan["addresses"]), simulated_cameras(plan["cameras"])
    kept = read_json(data_dir / "secrets.json")
    seed.prepare_database(kept, addresses)
    partners = seed.keep_partners(data_dir)
    seed.register_gateway(addresses)
    seed.write_gateway_config(data_dir, addresses, partners["gateway"], cameras)
    (data_dir / SEEDED).touch()
    print("seeded", flush=True)
    numbers = [camera["cameraNum"] for camera in cameras]
    turning = [camera["cameraNum"] for camera in cameras if can_turn(camera)]
    _wait_for_the_main_job(numbers, turning, addresses.ports["gateway"])
    write_json(data_dir / DEMO_FILE, _facts(kept, addresses, partners, cameras))


def _wait_for_the_main_job(numbers: list[str], turning: list[str], gateway_port: int) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from access.actors import SYSTEM
    from access.models import Partner
    from cameras.models import Camera
    from cameras.services.gateways import open_ptz
    from deploy.demo.seed import MINISTRY
    from snapshots.services.rounds import take_round
    from streaming.models import MediaServer
    from streaming.services.presence import reconcile

    def are_pushed() -> bool:
        # What the workers do, who on two cores need some seconds until they can.
        if _listens(gateway_port):
            _keep_streams()
            reconcile(server=server)
        return ours.filter(has_stream=True).count() == len(numbers)

    ours = Camera.objects.filter(number_key__in=numbers, deleted_at=None)
    server = MediaServer.objects.get(name=settings.MEDIA_NAME)
    # A ledger that was kept still tells of the streams before the last stop.
    _until("the media server answers", lambda: reconcile(server=server))
    _until("cameras are registered", lambda: ours.count() == len(numbers))
    open_ptz(partner=Partner.objects.get(code=MINISTRY.code), camera_numbers=turning, actor=SYSTEM)
    _until("low streams are there", are_pushed)
    _until("a round of pictures is taken", lambda: take_round().taken >= len(numbers))
    call_command("platform_ready", cameras=len(numbers), wait=_PATIENCE_SECONDS)


def _keep_streams() -> None:
    """Orders that are due, given by this process."""
    from streaming.services import orders, pushes

    pushes.plan_low_streams()
    for gateway_id in orders.gateways_with_due_orders():
        orders.give_due_orders(gateway_id=gateway_id)


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((HOST, port)) == 0


def _until(what: str, is_so: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise SystemExit(f"ERROR waited in vain until {what}")
        time.sleep(_POLL_SECONDS)
    print(f"{what} ({time.monotonic() - began:.1f} s)", flush=True)


def _facts(
    kept: dict[str, Any],
    addresses: Addresses,
    partners: dict[str, dict[str, str]],
    cameras: list[dict[str, Any]],
) -> dict[str, Any]:
    url = addresses.url
    return {
        "base_url": url("web"),
        **({"ca_file": addresses.ca_file} if addresses.ca_file else {}),
        **{name: {"username": name, "password": password} for name, password in kept["passwords"].items()},
        "ministry": partners["ministry"],
        "gateway_partner": partners["gateway_partner"],
        "mock_ministry": {"base_url": url("ministry")},
        "media": {"http_base": url("media_http"), "rtmp_base": url("media_rtmp", "rtmp")},
        "gateway": {"base_url": url("gateway")},
        "cameras": [
            {
                "camera_num": camera["cameraNum"],
                "name": camera["cameraName"],
                "department": camera["department"],
                "ptz": can_turn(camera),
            }
            for camera in cameras
        ],
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "province.settings")
    main(Path(sys.argv[1]))
