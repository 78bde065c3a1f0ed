"""The gateway that comes with the platform, configured by it: both of them real."""

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from cameras.choices import OnlineStatus
from cameras.models import GatewayConfiguration
from cameras.services.configurations import tell_gateways
from protocol.connections import connection_pool
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cameras.test_configurations import configure
from tests.cast import Caller
from tests.gateway.roadside import config, gateway_in_thread, until, write_config
from tests.ports import free_port


@pytest.mark.django_db(transaction=True)
def test_it_runs_what_is_configured_and_says_so(
    live_server: LiveServer, gateway_partner: Caller, tmp_path: Path
) -> None:
    port = free_port()
    issued = gateway_partner.issued
    make_gateway(gateway_partner.partner, f"http://127.0.0.1:{port}")
    register(gateway_partner, wire(1), wire(2))
    configure(1, address=f"rtsp://127.0.0.1:{free_port()}/main")
    platform = config(tmp_path)["platform"] | {
        "base_url": live_server.url,
        "user": issued.user,
        "device_code": issued.device_code,
        "private_key": issued.private_key,
        "token": issued.token,
    }
    path = write_config(
        tmp_path,
        listen={"host": "127.0.0.1", "port": port},
        platform=platform,
        cameras=[],
        platform_cameras={"allowed_networks": ["127.0.0.0/8"], "period_seconds": 3600},
    )

    def kept() -> GatewayConfiguration:
        return GatewayConfiguration.objects.get()

    def runs(version: int) -> bool:
        found = GatewayConfiguration.objects.filter(running_version=version).exists()
        return found and kept().state_in_words.startswith("一致")

    with gateway_in_thread(path):
        until(lambda: runs(1), what="the first version")
        (one,) = kept().cameras
        assert (one["cameraNum"], one["origin"]) == (number(1), "platform")
        assert "无法连接" in one["fault"]
        until(lambda: camera(1).reported_status == OnlineStatus.OFFLINE, what="its status")

        configure(2, address=f"rtsp://127.0.0.1:{free_port()}/main")
        # It may be told only under a token that it has used: the newest is not for a moment.
        until(tell_gateways, what="the order")
        until(lambda: runs(2), what="the second version")

        configure(2, address="rtsp://10.9.9.9/main")
        until(tell_gateways, what="the order")
        until(lambda: kept().rejected_version == 3, what="its refusal")
        assert (kept().running_version, len(kept().cameras)) == (2, 2)
        (fault,) = kept().faults
        assert (fault["cameraNum"], fault["place"]) == (number(2), "source.url")
    # Behind each connection that is kept the live server keeps a session of the database.
    connection_pool(live_server.url).clear()
