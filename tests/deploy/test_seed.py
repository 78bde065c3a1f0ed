import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from access.models import Partner, PartnerToken, User
from access.services.tokens import authenticate, exchange_token
from deploy.demo import files, seed
from deploy.demo.cameras import simulated_cameras
from gateway.config import load_config
from ministry.models import UpperPlatform
from protocol.sm2 import public_key_of, sign
from protocol.tokens import sign_text

pytestmark = pytest.mark.django_db

PORTS = {"web": 8000, "media_http": 8001, "media_rtmp": 8002, "gateway": 8003, "ministry": 8004}
ADDRESSES = files.Addresses(PORTS)


def exchange(given: seed.Credentials) -> str:
    text = sign_text(given["device_code"], given["user"], given["token"])
    return exchange_token(
        device_code=given["device_code"],
        user=given["user"],
        token=given["token"],
        sign=sign(given["private_key"], text),
        address="127.0.0.1",
    ).token


def test_partners_are_made_once(tmp_path: Path) -> None:
    first = seed.keep_partners(tmp_path)
    assert set(first) == {"ministry", "gateway_partner", "gateway"}
    for given in first.values():
        assert public_key_of(given["private_key"]) == given["public_key"]
        assert authenticate(given["token"]).partner.user == given["user"]
    assert seed.keep_partners(tmp_path) == first
    assert (tmp_path / "partners.json").stat().st_mode & 0o777 == 0o600


def test_a_token_somebody_replaced_is_issued_again(tmp_path: Path) -> None:
    first = seed.keep_partners(tmp_path)
    authenticate(exchange(first["ministry"]))
    second = seed.keep_partners(tmp_path)
    assert second["ministry"]["token"] != first["ministry"]["token"]
    assert authenticate(second["ministry"]["token"]).partner.code == seed.MINISTRY.code
    assert second["gateway"] == first["gateway"]


def test_an_expired_token_is_exchanged_with_the_same_keys(tmp_path: Path) -> None:
    first = seed.keep_partners(tmp_path)
    PartnerToken.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    second = seed.keep_partners(tmp_path)
    assert second["ministry"]["token"] != first["ministry"]["token"]
    assert second["ministry"]["private_key"] == first["ministry"]["private_key"]
    authenticate(second["ministry"]["token"])
    # The running gateway exchanges its own.
    assert second["gateway"] == first["gateway"]


def test_the_gateways_own_newest_token_counts(tmp_path: Path) -> None:
    first = seed.keep_partners(tmp_path)
    newest = exchange(first["gateway"])
    (tmp_path / "gateway-state.json").write_text(json.dumps({"current": newest}))
    assert seed.keep_partners(tmp_path)["gateway"] == first["gateway"]
    # Its state is lost, and with it the only token that is any good.
    (tmp_path / "gateway-state.json").unlink()
    assert seed.keep_partners(tmp_path)["gateway"]["token"] != first["gateway"]["token"]


def test_lost_credentials_are_issued_again(tmp_path: Path) -> None:
    first = seed.keep_partners(tmp_path)
    (tmp_path / "partners.json").unlink()
    second = seed.keep_partners(tmp_path)
    assert all(second[name]["token"] != first[name]["token"] for name in first)
    assert Partner.objects.count() == 3


def test_the_database_is_prepared_twice_without_harm(tmp_path: Path) -> None:
    kept = files.keep_secrets(tmp_path)
    seed.prepare_database(kept, ADDRESSES)
    platform = UpperPlatform.objects.get()
    platform.token = "newest-from-the-ministry"
    platform.save()
    User.objects.get(username="operator").delete()
    seed.prepare_database(kept, files.Addresses({**PORTS, "ministry": 9004}))
    platform.refresh_from_db()
    assert platform.base_url == "http://127.0.0.1:9004"
    assert platform.token == "newest-from-the-ministry"
    assert {user.username for user in User.objects.all()} == {"admin", "operator"}
    assert User.objects.get(username="operator").check_password(kept["passwords"]["operator"])


def test_the_gateways_local_token_stays_over_restarts(tmp_path: Path) -> None:
    account = {"user": "u", "device_code": "R0E=", "private_key": "00" * 31 + "01", "token": "t1"}
    tokens = []
    for _ in range(2):
        seed.write_gateway_config(tmp_path, ADDRESSES, account, simulated_cameras(12))
        tokens.append(load_config(tmp_path / "gateway.json").intake_token)
    assert tokens[0] is not None
    assert tokens[0] == tokens[1]


def test_two_cameras_are_at_fault_and_never_the_first_two() -> None:
    for count in (9, 12, 100):
        faults = [camera["source"]["fault"] for camera in simulated_cameras(count)]
        assert faults[:2] == [None, None]
        assert sorted(filter(None, faults)) == ["blurred", "occluded"]
