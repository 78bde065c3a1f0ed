"""A stored secret goes nowhere but to the address it was entered for, whoever changes that address (threats.md 15)."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from access.admin.secrets import MOVED, SecretsForm, origin_of
from access.encryption import EncryptedTextField
from access.models import AlarmTarget, Organisation, User
from cameras.models import CameraSource
from ministry.models import UpperPlatform
from streaming.models import MediaServer, PlayDomain
from tests.cameras.ledger import camera, make_gateway, register, wire
from tests.cast import Caller

pytestmark = pytest.mark.django_db
KEY = "1" * 64


@pytest.fixture
def desk(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def change(desk: Client, row: Model, **form: object) -> str:
    """Empty when it was stored, else the page with the errors."""
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    answer = desk.post(url, {name: "" if value is None else value for name, value in form.items()})
    row.refresh_from_db()
    return "" if answer.status_code == 302 else answer.content.decode()


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("http://10.0.0.1:80/x", "http://10.0.0.1"),
        ("rtsp://10.0.0.1/a", "rtsp://10.0.0.1:554/b?c"),
        ("https://Live.Example.cn", "https://live.example.cn:443/"),
        ("rtsp://[::1]/a", "rtsp://[::1]:554"),
    ],
)
def test_one_origin_written_in_two_ways(address: str, same: str) -> None:
    assert origin_of(address) == origin_of(same)


@pytest.mark.parametrize(
    "other",
    [
        *("https://10.0.0.1", "http://10.0.0.2", "http://10.0.0.1:81", "http://[", "http://10.0.0.1:x", ""),
        *("http://10.9.9.9\\@10.0.0.1", "http://10.9.9.9:81\\@10.0.0.1:80/x"),
    ],
)
def test_another_origin(other: str) -> None:
    assert origin_of(other) != origin_of("http://10.0.0.1")


class TestCameraSource:
    """The one whose password reaches the widest."""

    @pytest.fixture
    def source(self, gateway_partner: Caller) -> CameraSource:
        make_gateway(gateway_partner.partner)
        register(gateway_partner, wire(1), wire(2))
        return CameraSource.objects.create(
            camera=camera(1), address="rtsp://10.1.0.1:554/stream2", user="admin", password="s3cret"
        )

    def form(self, source: CameraSource, **changes: object) -> dict[str, object]:
        names = ["address", "user", "mode", "high_address", "high_mode", "ptz_driver", "ptz_address", "ptz_user"]
        kept = {name: getattr(source, name) for name in [*names, "move_seconds", "focus", "move_end", "light"]}
        return {"camera": source.camera_id, "password": "", "ptz_password": "", **kept, **changes}

    @pytest.mark.parametrize(
        "changes",
        [
            {"address": "rtsp://10.9.9.9:554/stream2"},
            {"address": "rtsp://10.1.0.1:8554/stream2"},
            {"address": "rtsps://10.1.0.1:554/stream2"},
            {"high_address": "rtsp://10.9.9.9/stream1"},
            {"ptz_driver": "onvif", "ptz_address": "http://10.9.9.9/onvif"},
            {"ptz_driver": "onvif", "ptz_address": "http://10.9.9.9/onvif", "ptz_user": "admin"},
            {"camera": "other"},
        ],
    )
    def test_the_password_does_not_follow(
        self, desk: Client, source: CameraSource, changes: dict[str, object]
    ) -> None:
        if "camera" in changes:
            changes = {"camera": camera(2).pk}
        assert MOVED in change(desk, source, **self.form(source, **changes))
        assert (source.address, source.high_address, source.ptz_address) == ("rtsp://10.1.0.1:554/stream2", "", "")
        assert change(desk, source, **self.form(source, **changes, password="anew")) == ""
        assert source.password == "anew"

    @pytest.mark.parametrize(
        "changes",
        [
            {"address": "rtsp://10.1.0.1/stream1"},
            {"high_address": "rtsp://10.1.0.1/stream1"},
            {"ptz_driver": "onvif"},
            {"ptz_driver": "onvif", "ptz_address": "http://10.1.0.1:80/onvif"},
            {
                **{"ptz_driver": "onvif", "ptz_address": "http://10.9.9.9/onvif"},
                **{"ptz_user": "turner", "ptz_password": "other"},
            },
        ],
    )
    def test_it_stays_on_the_same_device(
        self, desk: Client, source: CameraSource, changes: dict[str, object]
    ) -> None:
        assert change(desk, source, **self.form(source, **changes)) == ""
        assert source.password == "s3cret"

    def test_that_of_the_pan_tilt_head_neither(self, desk: Client, source: CameraSource) -> None:
        CameraSource.objects.update(ptz_driver="onvif", ptz_user="turner", ptz_password="h1dden")
        source.refresh_from_db()
        moved = self.form(source, ptz_address="http://10.9.9.9/onvif")
        assert MOVED in change(desk, source, **moved)
        # Without an address of its own it is where the pictures come from.
        elsewhere = self.form(source, address="rtsp://10.9.9.9/stream2", password="anew")
        assert change(desk, source, **elsewhere).count(MOVED) == 1
        assert (source.password, source.ptz_password, source.ptz_address) == ("s3cret", "h1dden", "")
        assert change(desk, source, **{**elsewhere, "ptz_password": "anew too"}) == ""
        assert (source.password, source.ptz_password) == ("anew", "anew too")

    def test_without_a_user_it_is_forgotten(self, desk: Client, source: CameraSource) -> None:
        assert change(desk, source, **self.form(source, address="rtsp://10.9.9.9/stream2", user="")) == ""
        assert source.password == ""

    def test_an_address_that_is_none_is_told(self, desk: Client, source: CameraSource) -> None:
        assert "不是有效的地址" in change(desk, source, **self.form(source, address="rtsp://[10.1.0.1/"))


def test_the_secret_of_a_media_server_stays_with_its_interface(desk: Client) -> None:
    given: dict[str, Any] = {"name": "m1", "kind": "zlm", "rtmp_url": "rtmp://10.0.0.5:1935"}
    addresses = {"http_url": "http://10.0.0.5:8080", "api_url": ""}
    server = MediaServer.objects.create(**given, **addresses, secret="s3cret")
    form = {**given, **addresses, "weight": 1, "is_active": "on"}
    assert MOVED in change(desk, server, **{**form, "http_url": "http://10.9.9.9:8080"})
    assert MOVED in change(desk, server, **{**form, "api_url": "https://10.0.0.5:8080"})
    # Where viewers play is another matter, once the interface has an address of its own.
    assert change(desk, server, **{**form, "api_url": "http://10.0.0.5:8080"}) == ""
    moved = {**form, "api_url": "http://10.0.0.5:8080", "http_url": "https://live.example.cn"}
    assert (change(desk, server, **moved), server.secret) == ("", "s3cret")
    assert change(desk, server, **{**moved, "api_url": "http://10.9.9.9", "secret": "anew"}) == ""
    assert server.secret == "anew"


def test_token_and_key_stay_with_their_upper_platform(desk: Client, province: Organisation) -> None:
    given: dict[str, Any] = {"name": "部平台", "base_url": "https://10.2.0.1/service", "user": "sd", "device_code": "QQ=="}
    platform = UpperPlatform.objects.create(**given, token="t0ken", private_key=KEY, organisation=province)
    form = {
        **given,
        **{"organisation": province.pk, "concurrency": 4, "requests_per_second": 0, "quality_digits": 9},
        "is_active": "on",
    }
    moved = {**form, "base_url": "https://10.9.9.9/service"}
    assert change(desk, platform, **moved).count(MOVED) == 2
    assert change(desk, platform, **moved, token="new").count(MOVED) == 1
    assert change(desk, platform, **moved, private_key="2" * 64).count(MOVED) == 1
    assert platform.base_url == "https://10.2.0.1/service"
    assert change(desk, platform, **{**form, "base_url": "https://10.2.0.1:443/other"}) == ""
    assert (platform.token, platform.private_key) == ("t0ken", KEY)
    assert change(desk, platform, **moved, token="new", private_key="2" * 64) == ""
    assert (platform.token, platform.private_key) == ("new", "2" * 64)


@pytest.mark.parametrize("field", ["api_url", "http_url"])
def test_an_address_that_is_read_in_two_ways_gets_nothing(desk: Client, field: str) -> None:
    given: dict[str, Any] = {"name": "zlm", "kind": "zlm", "rtmp_url": "rtmp://10.4.0.1", "http_url": "http://10.4.0.1"}
    server = MediaServer.objects.create(**given, secret="s3cret")
    form = {**given, "api_url": "", "weight": 1, "is_active": "on"}
    # urllib3 would call 10.9.9.9.
    assert MOVED in change(desk, server, **{**form, field: "http://10.9.9.9\\@10.4.0.1"})
    assert server.secret == "s3cret" and server.http_url == "http://10.4.0.1"


def test_the_key_of_a_webhook_stays_with_its_receiver(desk: Client) -> None:
    given: dict[str, Any] = {"name": "值班群", "kind": "webhook", "url": "https://10.3.0.1/alarms", "proof": "hmac"}
    target = AlarmTarget.objects.create(**given, secret="s3cret")
    form = {**given, "severity": 2, "pause_seconds": 60, "is_active": "on"}
    assert MOVED in change(desk, target, **{**form, "url": "https://10.9.9.9/alarms"})
    # It signs only, and nobody has seen it; as a token it would be sent.
    assert MOVED in change(desk, target, **{**form, "proof": "bearer"})
    assert (change(desk, target, **{**form, "url": "https://10.3.0.1/other"}), target.secret) == ("", "s3cret")
    assert change(desk, target, **{**form, "proof": "bearer", "secret": "anew"}) == ""
    assert change(desk, target, **{**form, "proof": "none"}) == ""


def test_keys_of_a_play_domain_never_leave(desk: Client) -> None:
    given: dict[str, Any] = {"name": "cdn", "base_url": "https://play.example.cn", "signer": "aliyun_a"}
    domain = PlayDomain.objects.create(**given, key="provincekey1234")
    form = {**given, "validity_seconds": 0, "hls_way": "server", "base_url": "https://cdn.example.cn"}
    assert (change(desk, domain, **form), domain.key) == ("", "provincekey1234")


# Secrets that no form of the admin changes.
WITHOUT_FORM = {"access.SecondFactor.secret": "one's own, from which codes are reckoned here"}


def test_every_stored_secret_that_staff_enter_is_looked_after(rf: RequestFactory, superuser: User) -> None:
    request = rf.get("/admin/")
    request.user = superuser
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, EncryptedTextField) and f"{model._meta.label}.{field.name}" not in WITHOUT_FORM:
                form = admin.site._registry[model].get_form(request)
                assert issubclass(form, SecretsForm) and field.name in form.sent_to, field
