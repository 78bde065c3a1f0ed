"""Staff enter how cameras are reached, in the admin, and see what their gateways make of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.models import User
from cameras.models import CameraSource, Gateway, GatewayConfiguration
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cameras.test_configurations import GET, REPORT
from tests.cast import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


@pytest.fixture
def gateway(gateway_partner: Caller) -> Gateway:
    made = make_gateway(gateway_partner.partner)
    register(gateway_partner, wire(1), wire(2), wire(3))
    return made


def form(**changes: object) -> dict[str, Any]:
    return {
        "camera": camera(1).pk,
        "address": "rtsp://10.1.0.1:554/stream2",
        "user": "admin",
        "password": "s3cret",
        "mode": "auto",
        "ptz_driver": "",
        "move_seconds": "1",
        "focus": "auto",
        "move_end": "both",
        "light": "tt:IRLamp",
        **changes,
    }


def add(admin: Client, **changes: object) -> str:
    """Empty when it was stored, else the page with the errors."""
    answer = admin.post(reverse("admin:cameras_camerasource_add"), form(**changes))
    return "" if answer.status_code == 302 else answer.content.decode()


def change(admin: Client, **changes: object) -> str:
    url = reverse("admin:cameras_camerasource_change", args=[CameraSource.objects.get().pk])
    answer = admin.post(url, form(**changes))
    return "" if answer.status_code == 302 else answer.content.decode()


def test_a_source_is_stored_and_makes_the_configuration_stale(admin: Client, gateway: Gateway) -> None:
    GatewayConfiguration.objects.create(gateway=gateway, is_stale=False)
    assert add(admin, address="  rtsp://10.1.0.1:554/stream2 ") == ""
    assert CameraSource.objects.get().address == "rtsp://10.1.0.1:554/stream2"
    assert GatewayConfiguration.objects.get().is_stale


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("address", "10.1.0.1/stream2", "应以 rtsp:// 开头"),
        ("address", "http://10.1.0.1/stream2", "应以 rtsp:// 开头"),
        ("address", "rtsp://10.1.0.1:99999/stream2", "不是有效的地址"),
        ("address", "rtsp://10.1.0.1:0/stream2", "端口在 1-65535 之内"),
        ("address", "rtsp://admin:s3cret@10.1.0.1/stream2", "不要写用户名与口令"),
        ("address", "rtsp://camera.lan/stream2", "主机应为 IP 地址"),
        ("address", "rtsp://10.1.0.1/stream 2", "不能含空白"),
        ("address", "", "errorlist"),
        ("high_address", "http://10.1.0.1/stream1", "应以 rtsp:// 开头"),
        ("high_mode", "best", "errorlist"),
        ("ptz_address", "rtsp://10.1.0.1/onvif", "应以 http:// 开头"),
        ("user", "", "有口令而没有用户名"),
        ("move_seconds", "60", "errorlist"),
        ("mode", "best", "errorlist"),
    ],
)
def test_a_mistake_is_shown_at_its_field(
    admin: Client, gateway: Gateway, field: str, value: str, said: str
) -> None:
    wrong: dict[str, Any] = {field: value}
    page = add(admin, **wrong)
    if field == "user":
        # Without a user the password counts for nothing.
        assert (page, CameraSource.objects.get().password) == ("", "")
        return
    assert said in page
    assert not CameraSource.objects.exists()


def test_passwords_are_kept_and_never_shown(admin: Client, gateway: Gateway) -> None:
    add(admin, ptz_driver="onvif", ptz_user="ptz", ptz_password="h1dden")
    url = reverse("admin:cameras_camerasource_change", args=[CameraSource.objects.get().pk])
    page = admin.get(url).content.decode()
    assert "s3cret" not in page and "h1dden" not in page
    assert change(admin, password="", ptz_driver="onvif", ptz_user="ptz", mode="copy") == ""
    kept = CameraSource.objects.get()
    assert (kept.password, kept.ptz_password, kept.mode) == ("s3cret", "h1dden", "copy")
    change(admin, password="new one ", ptz_user="")
    kept.refresh_from_db()
    assert (kept.password, kept.ptz_password) == ("new one ", "")


def test_the_list_names_the_gateway(admin: Client, gateway: Gateway) -> None:
    add(admin)
    page = admin.get(reverse("admin:cameras_camerasource_changelist"), {"q": gateway.code}).content.decode()
    assert "rtsp://10.1.0.1:554/stream2" in page and str(gateway) in page and "s3cret" not in page


def test_taking_it_away_is_told(admin: Client, gateway: Gateway, gateway_partner: Caller) -> None:
    add(admin)
    gateway_partner.get(GET)
    url = reverse("admin:cameras_camerasource_delete", args=[CameraSource.objects.get().pk])
    assert admin.post(url, {"post": "yes"}).status_code == 302
    assert GatewayConfiguration.objects.get().is_stale
    assert gateway_partner.get(GET)["configuration"] == {"cameras": []}


def page_of(admin: Client) -> str:
    kept = GatewayConfiguration.objects.get()
    return admin.get(reverse("admin:cameras_gatewayconfiguration_change", args=[kept.pk])).content.decode()


def test_staff_see_what_is_configured_beside_what_runs(
    admin: Client, gateway: Gateway, gateway_partner: Caller
) -> None:
    add(admin)
    assert "网关从未来取" in page_of(admin)
    gateway_partner.get(GET)
    assert "等待网关来取" in page_of(admin)
    stray = "no-such-camera"
    cameras = [
        {"cameraNum": number(1).upper(), "origin": "platform", "fault": "用户名或密码错误"},
        {"cameraNum": number(2), "origin": "file", "fault": ""},
        {"cameraNum": stray, "origin": "file", "fault": ""},
    ]
    gateway_partner.post(REPORT, {"version": 1, "rejected": None, "cameras": cameras})
    page = page_of(admin)
    assert "一致，1 路有问题" in page
    rows = [row.split("</tr>")[0] for row in page.split("<tr>")]
    (first,) = [row for row in rows if f"<td>{number(1)}</td>" in row]
    assert "rtsp://10.1.0.1:554/stream2" in first and "按平台的配置" in first and "用户名或密码错误" in first
    (second,) = [row for row in rows if f"<td>{number(2)}</td>" in row]
    assert "按网关的配置文件" in second
    assert stray in page and number(3) not in page

    fault = {"cameraNum": number(1), "place": "source.url", "reason": "<b>不在允许的网段内</b>"}
    rejected = {"version": 2, "faults": [fault]}
    gateway_partner.post(REPORT, {"version": 1, "rejected": rejected, "cameras": []})
    page = page_of(admin)
    assert "网关没有采用新的配置" in page and "source.url &lt;b&gt;不在允许的网段内" in page
    assert "没有运行" in page


def test_the_record_of_a_gateway_is_not_edited(admin: Client, gateway: Gateway) -> None:
    GatewayConfiguration.objects.create(gateway=gateway)
    listed = admin.get(reverse("admin:cameras_gatewayconfiguration_changelist"))
    assert listed.status_code == 200
    assert admin.get(reverse("admin:cameras_gatewayconfiguration_add")).status_code == 403
