"""Staff correct the ledger in the admin; organisations that change take their cameras along."""

from typing import Any

import pytest
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from access.actors import SYSTEM
from access.choices import OrganisationKind
from access.models import BehaviourLog, Organisation, User
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway, PtzGrant, StatusChange
from cameras.services.gateways import remove_gateways
from cameras.services.ledger import save_camera
from cameras.services.status import set_stream_presence
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def form(office: Organisation, n: int = 1, **changes: object) -> dict[str, Any]:
    return {
        "number": number(n),
        "organisation": office.pk,
        "name": "G2 京沪高速 济南段",
        "longitude": "117.0009",
        "latitude": "36.6758",
        "road": "G2",
        "classify": "1",
        "orientation": "0",
        "camera_type": "2",
        "stake": "K401+300",
        "area": "370100",
        "poi_name": "",
        "others": "",
        "gateway": "",
        "owner": "",
        "ptz_override": "unknown",
        "ptz_grants-TOTAL_FORMS": "0",
        "ptz_grants-INITIAL_FORMS": "0",
        **changes,
    }


def add(admin: Client, data: dict[str, Any]) -> str:
    """Empty when it was stored, else the page with the errors."""
    response = admin.post(reverse("admin:cameras_camera_add"), data)
    return "" if response.status_code == 302 else response.content.decode()


def change(admin: Client, data: dict[str, Any], n: int = 1) -> str:
    response = admin.post(reverse("admin:cameras_camera_change", args=[camera(n).pk]), data)
    return "" if response.status_code == 302 else response.content.decode()


def test_a_camera_entered_by_staff(admin: Client, office: Organisation) -> None:
    assert add(admin, form(office, stake=" k401+300 ")) == ""
    stored = camera(1)
    assert (stored.stake, stored.stake_m, stored.version, stored.owner) == ("K401+300", 401_300, 1, None)
    assert BehaviourLog.objects.get(verb="新增摄像机").object_id == str(stored.pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stake", "1100"),
        ("longitude", "36"),
        ("area", "37"),
        ("road", "京沪"),
        ("number", "../1"),
        ("name", ""),
    ],
)
def test_a_wrong_field_is_refused(admin: Client, office: Organisation, field: str, value: str) -> None:
    wrong: dict[str, Any] = {field: value}
    page = add(admin, form(office, **wrong))
    assert "errorlist" in page
    assert not Camera.objects.exists()


def test_a_number_is_registered_once_whatever_its_case(admin: Client, office: Organisation) -> None:
    add(admin, form(office))
    assert "该编号已登记" in add(admin, form(office, number=number(1).upper()))
    assert Camera.objects.count() == 1


def test_a_deleted_number_comes_back_to_life(
    admin: Client, office: Organisation, gateway_partner: Caller
) -> None:
    register(gateway_partner, wire(1))
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    assert add(admin, form(office, name="新名称")) == ""
    revived = camera(1)
    assert (revived.deleted_at, revived.name, revived.version, revived.owner) == (None, "新名称", 2, None)


def test_a_correction_raises_the_version_only_for_what_is_reported(
    admin: Client, office: Organisation
) -> None:
    add(admin, form(office))
    assert change(admin, form(office, ptz_override="false")) == ""
    assert (camera(1).version, camera(1).can_ptz) == (1, False)
    assert change(admin, form(office, name="新名称", ptz_override="false")) == ""
    assert (camera(1).version, camera(1).name) == (2, "新名称")


def test_a_correction_does_not_turn_back_the_status(admin: Client, office: Organisation) -> None:
    add(admin, form(office))
    set_stream_presence(present=[camera(1).pk])
    assert change(admin, form(office, name="新名称")) == ""
    assert (camera(1).status, camera(1).has_stream) == (OnlineStatus.ONLINE, True)


def test_a_grant_is_logged(admin: Client, office: Organisation, ministry: Caller) -> None:
    add(admin, form(office))
    grant: dict[str, Any] = {"ptz_grants-TOTAL_FORMS": "1", "ptz_grants-0-partner": ministry.partner.pk}
    assert change(admin, form(office, **grant)) == ""
    assert PtzGrant.objects.get().partner == ministry.partner
    assert BehaviourLog.objects.get(verb="开放云台").detail == {"之前": [], "接入方": ["ministry"]}


def test_a_camera_with_a_past_can_be_deleted_and_keeps_it(admin: Client, office: Organisation) -> None:
    add(admin, form(office))
    set_stream_presence(present=[camera(1).pk])
    url = reverse("admin:cameras_camera_delete", args=[camera(1).pk])
    assert admin.post(url, {"post": "yes"}).status_code == 302
    assert camera(1).deleted_at is not None
    assert StatusChange.objects.filter(camera=camera(1)).exists()
    assert BehaviourLog.objects.get(verb="删除摄像机").object_name == camera(1).name


def test_several_at_once(admin: Client, office: Organisation) -> None:
    add(admin, form(office, 1))
    add(admin, form(office, 2))
    ids = [camera(1).pk, camera(2).pk]
    chosen = {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
    assert admin.post(reverse("admin:cameras_camera_changelist"), chosen).status_code == 302
    assert Camera.objects.filter(deleted_at=None).count() == 0
    assert Camera.objects.count() == 2


def test_staff_let_waiting_cameras_in(admin: Client, gateway_partner: Caller) -> None:
    make_gateway(gateway_partner.partner, is_review_first=True)
    register(gateway_partner, wire(1), wire(2))
    chosen = {"action": "approve", "_selected_action": [camera(1).pk]}
    assert admin.post(reverse("admin:cameras_camera_changelist"), chosen).status_code == 302
    assert [camera(n).is_pending for n in (1, 2)] == [False, True]
    assert BehaviourLog.objects.get(verb="通过审核").object_id == str(camera(1).pk)


def test_the_list_is_shown_with_few_queries(
    admin: Client, gateway_partner: Caller, django_assert_max_num_queries: Any
) -> None:
    register(gateway_partner, *[wire(n) for n in range(30)])
    with django_assert_max_num_queries(12):
        page = admin.get(reverse("admin:cameras_camera_changelist"))
    assert page.status_code == 200


def test_a_renamed_company_and_a_moved_office_are_reported_anew(
    gateway_partner: Caller, other_gateway: Caller
) -> None:
    register(gateway_partner, wire(1), wire(2, roadSec="泰安管理处"))
    register(other_gateway, wire(3, department="齐鲁交通", roadSec="潍坊管理处"))
    company = camera(1).organisation.parent
    assert company is not None
    company.name = "山东高速集团"
    company.save()
    assert [camera(n).version for n in (1, 2, 3)] == [2, 2, 1]
    office = camera(2).organisation
    office.parent = camera(3).organisation.parent
    office.save()
    assert [camera(n).version for n in (1, 2, 3)] == [2, 3, 1]
    office.save()
    assert camera(2).version == 3
    # An office that becomes a company is the department of its cameras from then on.
    office.kind = OrganisationKind.COMPANY
    office.save()
    assert [camera(n).version for n in (1, 2, 3)] == [2, 4, 1]


def test_a_form_opened_before_a_deletion_does_not_undo_it(gateway_partner: Caller, superuser: User) -> None:
    register(gateway_partner, wire(1))
    opened = camera(1)
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    opened.name = "新名称"
    save_camera(camera=opened, actor=SYSTEM)
    stored = camera(1)
    assert (stored.name, stored.deleted_at is None) == ("新名称", False)


def remove_gateway(admin: Client, gateway: Gateway, *, selected: bool) -> str:
    """By its own page, or chosen in the list; what the page said."""
    if selected:
        chosen = {"action": "delete_selected", "_selected_action": [gateway.pk], "post": "yes"}
        response = admin.post(reverse("admin:cameras_gateway_changelist"), chosen)
    else:
        url = reverse("admin:cameras_gateway_delete", args=[gateway.pk])
        response = admin.post(url, {"post": "yes"})
    return response.content.decode()


@pytest.mark.parametrize("selected", [True, False])
def test_a_gateway_is_deleted_once_its_cameras_are(
    admin: Client, gateway_partner: Caller, selected: bool
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.1.2.3")
    register(gateway_partner, *[wire(n) for n in range(1, 23)])
    page = remove_gateway(admin, gateway, selected=selected)
    assert page.count("摄像机：G2 京沪高速") == 20 and "等共 22 路" in page
    assert Gateway.objects.exists()
    gateway_partner.post("VideoInformationDel", {"cameras": [number(n) for n in range(1, 23)]})
    remove_gateway(admin, gateway, selected=selected)
    assert not Gateway.objects.exists()
    assert BehaviourLog.objects.get(verb="删除网关").object_name == "gateway-jinan"
    assert (camera(1).gateway, camera(1).deleted_at is None) == (None, False)
    # And a deleted camera that is reported again needs no gateway to come back to life.
    assert register(gateway_partner, wire(1))[0]["info"] == "注册成功"


def test_a_gateway_with_cameras_is_not_deleted_past_the_page(gateway_partner: Caller) -> None:
    gateway = make_gateway(gateway_partner.partner)
    register(gateway_partner, wire(1), wire(2))
    gateway_partner.post("VideoInformationDel", {"cameras": [number(2)]})
    with pytest.raises(ProtectedError):
        remove_gateways([gateway], actor=SYSTEM)
    assert (camera(1).gateway, camera(2).gateway) == (gateway, gateway)
