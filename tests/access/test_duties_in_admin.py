"""What two of 三员 set in the admin, and that neither of them comes to video that way (threats.md 15)."""

import io
import re

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from access.choices import DUTIES
from access.models import Alarm, Organisation, Partner, PartnerToken, User
from access.services.alarms import raise_alarm
from cameras.models import Camera, Gateway
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("province")]
PARTNERS = "/admin/access/partner/"


@pytest.fixture
def desks(settings: LazySettings) -> dict[str, Client]:
    """The three, signed in, by duty."""
    settings.SEPARATE_DUTIES = True
    call_command("setup_administrators", stdout=io.StringIO())
    browsers = {duty.value: Client() for duty in DUTIES}
    for duty, browser in browsers.items():
        browser.force_login(User.objects.get(roles__role=duty))
    return browsers


def text_of(response: object) -> str:
    return getattr(response, "content", b"").decode()


def handed(page: str) -> list[str]:
    return re.findall(r"<textarea readonly[^>]*>([^<]+)</textarea>", page)


def act(browser: Client, action: str, partner: Partner) -> str:
    form = {"action": action, "_selected_action": str(partner.pk), "confirmed": "yes"}
    return text_of(browser.post(PARTNERS, form, follow=True))


def test_a_partner_of_the_system_administrator_reaches_nothing(
    desks: dict[str, Client], province: Organisation
) -> None:
    form = {"kind": "ministry", "name": "部平台", "code": "BJ-0001", "user": "ministry", "organisation": province.pk}
    page = text_of(desks["system"].post(f"{PARTNERS}add/", form, follow=True))
    assert "还没有接口范围" in page and not handed(page)
    partner = Partner.objects.get()
    assert partner.scopes == []
    change = reverse("admin:access_partner_change", args=[partner.pk])
    desks["system"].post(change, {"name": "部平台", "is_active": "on", "scopes": ["play"]})
    partner.refresh_from_db()
    assert partner.scopes == []
    # Whoever gives rights adds scopes, and nothing else, and hands out what opens them.
    given = {"organisation": province.pk, "scopes": ["play"], "name": "别名", "token_seconds": "1"}
    assert desks["security"].post(change, given).status_code == 302
    partner.refresh_from_db()
    assert (partner.scopes, partner.name, partner.token_seconds) == (["play"], "部平台", 7200)
    token = handed(act(desks["security"], "reissue", partner))[2]
    answer = Client().get("/service/video.PTZControl?user=ministry", headers={"TAuth": token})
    assert answer_of(answer)["code"] == 403
    desks["security"].post(change, {"organisation": province.pk})
    partner.refresh_from_db()
    assert partner.scopes == []


@pytest.mark.parametrize("action", ["reissue", "issue_oauth"])
def test_credentials_of_a_partner_are_not_for_who_keeps_the_system(
    action: str, desks: dict[str, Client], ministry: Caller
) -> None:
    secret = ministry.partner.application.client_secret
    assert not handed(act(desks["system"], action, ministry.partner))
    assert PartnerToken.objects.get().revoked_at is None
    ministry.partner.application.refresh_from_db()
    assert ministry.partner.application.client_secret == secret
    assert handed(act(desks["security"], action, ministry.partner))


def test_moving_an_organisation_gives_its_cameras_to_others(
    desks: dict[str, Client], office: Organisation, company: Organisation, other_company: Organisation
) -> None:
    change = reverse("admin:access_organisation_change", args=[office.pk])
    form = {"name": "历城管理处", "kind": office.kind, "parent": other_company.pk}
    assert desks["system"].post(change, form).status_code == 302
    office.refresh_from_db()
    assert (office.name, office.parent) == ("历城管理处", company)
    assert desks["security"].post(change, {**form, "name": "别名"}).status_code == 302
    office.refresh_from_db()
    assert (office.name, office.parent) == ("历城管理处", other_company)
    assert office.path.startswith(other_company.path)
    # New ones, which have no cameras yet, he hangs where he likes.
    new = {"name": "章丘管理处", "kind": office.kind, "parent": company.pk}
    add = reverse("admin:access_organisation_add")
    assert desks["system"].post(add, new).status_code == 302
    assert desks["security"].get(add).status_code == 403


def test_what_the_other_two_find_in_the_admin(desks: dict[str, Client]) -> None:
    pages = {
        **{"access/organisation": 200, "access/partner": 200, "access/behaviourlog": 200},
        **{"access/user": 403, "cameras/camera": 403, "streaming/mediaserver": 403, "cameras/gateway": 200},
    }
    assert {page: desks["security"].get(f"/admin/{page}/").status_code for page in pages} == pages
    assert desks["security"].get(f"{PARTNERS}diagnose/").status_code == 403
    assert desks["security"].get(f"{PARTNERS}add/").status_code == 403
    assert desks["audit"].get(PARTNERS).status_code == 403


def test_where_a_gateway_is_shown_its_token_is_for_who_gives_rights(
    desks: dict[str, Client], gateway_partner: Caller, ministry: Caller
) -> None:
    form = {"code": "GW-9", "partner": ministry.partner.pk, "base_url": "https://10.9.9.9", "style": "verbs"}
    form |= {"ptz_stop": "action0", "capacity": 100, "name": "网关"}
    add = reverse("admin:cameras_gateway_add")
    assert desks["security"].get(add).status_code == 403
    page = text_of(desks["system"].post(add, form, follow=True))
    gateway = Gateway.objects.get()
    assert ("请安全管理员在这里填写" in page, gateway.base_url) == (True, "")
    change = reverse("admin:cameras_gateway_change", args=[gateway.pk])
    desks["system"].post(change, {**form, "partner": gateway_partner.partner.pk, "name": "别名"})
    gateway.refresh_from_db()
    assert (gateway.partner, gateway.base_url, gateway.name) == (ministry.partner, "", "别名")
    given = {"partner": gateway_partner.partner.pk, "base_url": "https://10.3.0.1", "name": "又名"}
    assert desks["security"].post(change, given).status_code == 302
    gateway.refresh_from_db()
    assert (gateway.partner, gateway.base_url) == (gateway_partner.partner, "https://10.3.0.1")
    assert (gateway.name, gateway.capacity) == ("别名", 100)


class TestNamingACamera:
    """He sees no cameras, and names one by the number he was told."""

    @pytest.fixture
    def held(self, gateway_partner: Caller) -> Camera:
        register(gateway_partner, wire(1), wire(2))
        return camera(1)

    @pytest.mark.parametrize(
        ("model", "form"),
        [
            ("streaming_viewerlimit", {"most_viewers": 3}),
            ("streaming_hothours", {"begins": "07:00", "ends": "09:00"}),
            (
                "cameras_camerasource",
                {
                    **{"address": "rtsp://10.1.0.1/s", "mode": "auto", "move_seconds": 1, "focus": "auto"},
                    **{"move_end": "both", "light": "tt:IRLamp"},
                },
            ),
        ],
    )
    def test_by_its_number(
        self, desks: dict[str, Client], held: Camera, model: str, form: dict[str, object]
    ) -> None:
        add, listed = reverse(f"admin:{model}_add"), reverse(f"admin:{model}_changelist")
        page = text_of(desks["system"].get(add))
        assert "填写完整的摄像机编号" in page and held.name not in page
        assert desks["system"].post(add, {**form, "camera": f" {held.number.upper()} "}).status_code == 302
        page = text_of(desks["system"].get(listed))
        assert held.number in page
        change = re.search(rf'href="(/admin/[^"]+/change/)[^"]*">{re.escape(held.name)}', page)
        assert change is not None
        assert f'value="{held.number}"' in text_of(desks["system"].get(change[1]))
        assert desks["system"].post(change[1], {**form, "camera": camera(2).number}).status_code == 302
        assert camera(2).number in text_of(desks["system"].get(listed))

    @pytest.mark.parametrize("number", ["1", "baee05a7", "\x00", "没有", "x" * 5000])
    def test_there_is_no_such_camera(self, desks: dict[str, Client], held: Camera, number: str) -> None:
        form = {"most_viewers": 3, "camera": number}
        page = text_of(desks["system"].post(reverse("admin:streaming_viewerlimit_add"), form))
        assert "没有编号为" in page
        held.deleted_at = timezone.now()
        held.save()
        page = text_of(desks["system"].post(reverse("admin:streaming_viewerlimit_add"), {**form, "camera": held.number}))
        assert f"没有编号为“{held.number}”的摄像机" in page

    def test_whoever_sees_the_ledger_picks_it_there(self, superuser: User, held: Camera) -> None:
        browser = Client()
        browser.force_login(superuser)
        page = text_of(browser.get(reverse("admin:streaming_hothours_add")))
        assert "admin-autocomplete" in page


# What changes there for a superuser only, and where else it is done.
CLOSED = {
    "cameras.Camera": "the ledger has its page in the console, for whoever keeps it",
    "snapshots.PictureHold": "pictures are not for who keeps the system; whoever sees them holds them by a case file",
}


def test_what_is_configured_in_the_admin_is_open_to_somebody(
    desks: dict[str, Client], rf: RequestFactory, superuser: User
) -> None:
    request = rf.get("/admin/")
    request.user = superuser
    changing = {
        model._meta.label
        for model, page in admin.site._registry.items()
        if page.has_add_permission(request) or page.has_change_permission(request)
    }
    open_to = {
        label
        for label in changing
        for duty in DUTIES
        if User.objects.get(roles__role=duty).has_perm("{}.change_{}".format(*label.lower().split(".")))
    }
    assert changing - open_to == set(CLOSED)
    for label in changing - set(CLOSED):
        assert desks["system"].get(f"/admin/{label.lower().replace('.', '/')}/").status_code == 200, label


def test_configurations_of_gateways_are_shown_to_who_keeps_the_system(desks: dict[str, Client]) -> None:
    assert desks["system"].get("/admin/cameras/gatewayconfiguration/").status_code == 200


def test_only_who_handles_an_alarm_acknowledges_it_in_the_admin(desks: dict[str, Client], superuser: User) -> None:
    raise_alarm(key="k", title="网关无应答")
    alarm = Alarm.objects.get()
    form = {"action": "acknowledge", "_selected_action": str(alarm.pk)}
    page = text_of(desks["system"].post("/admin/access/alarm/", form, follow=True))
    alarm.refresh_from_db()
    assert (alarm.acknowledged_at, "1 条不在您的处理范围" in page) == (None, True)
