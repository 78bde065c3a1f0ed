"""Admin pages of access."""

import re

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from access.choices import Role
from access.models import Alarm, BehaviourLog, Organisation, Partner, PartnerToken, User
from access.services.alarms import raise_alarm
from protocol.sm2 import is_private_key
from tests.cast import PASSWORD, Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.admin_urls")]

MODELS = ["organisation", "user", "partner", "partnertoken", "behaviourlog", "alarm"]


@pytest.fixture
def desk(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def text_of(response: object) -> str:
    return getattr(response, "content", b"").decode()


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_search_opens(desk: Client, ministry: Caller, operator: User, model: str) -> None:
    raise_alarm(key="k", title="网关无应答")
    ministry.get("TokenInfo", **ministry.token_query())
    page = desk.get(reverse(f"admin:access_{model}_changelist"))
    assert page.status_code == 200
    searched = desk.get(reverse(f"admin:access_{model}_changelist"), {"q": "山东"})
    assert searched.status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_every_record_opens(desk: Client, ministry: Caller, operator: User, model: str) -> None:
    raise_alarm(key="k", title="网关无应答")
    for obj in _model(model)._default_manager.all()[:3]:
        page = desk.get(reverse(f"admin:access_{model}_change", args=[obj.pk]))
        assert page.status_code == 200
        assert not re.search(r"<label[^>]*>[A-Z][a-z]+ ?[a-z]*:", text_of(page)), "an English label"


def _model(name: str) -> type[Model]:
    return next(model for model in admin.site._registry if model._meta.model_name == name)


def test_libraries_own_pages_are_gone() -> None:
    labels = {model._meta.label for model in admin.site._registry}
    assert not [label for label in labels if label.startswith(("oauth2_provider", "auth."))]
    assert "access.Application" not in labels


def test_names_of_apps_and_models_are_chinese() -> None:
    for model in admin.site._registry:
        if model._meta.app_label == "access":
            assert not re.search("[a-z]{3}", str(model._meta.verbose_name)), model


@pytest.mark.parametrize("model", ["partnertoken", "behaviourlog"])
def test_tokens_and_log_are_only_looked_at(desk: Client, ministry: Caller, model: str) -> None:
    assert desk.get(reverse(f"admin:access_{model}_add")).status_code == 403
    pk = _model(model)._default_manager.values_list("pk", flat=True)[0]
    url = reverse(f"admin:access_{model}_change", args=[pk])
    assert desk.post(url, {}).status_code == 403
    assert desk.post(reverse(f"admin:access_{model}_delete", args=[pk])).status_code == 403


def test_digests_are_neither_shown_nor_searched(desk: Client, ministry: Caller) -> None:
    token = PartnerToken.objects.get()
    shown = text_of(desk.get(reverse("admin:access_partnertoken_changelist")))
    shown += text_of(desk.get(reverse("admin:access_partnertoken_change", args=[token.pk])))
    assert token.digest not in shown
    assert not admin.site._registry[PartnerToken].search_fields


def test_a_new_partner_is_handed_its_secrets_once(desk: Client, company: Organisation) -> None:
    form = {
        "kind": "gateway",
        "name": "青岛网关",
        "code": "GW-0009",
        "user": "gateway-qingdao",
        "organisation": company.pk,
    }
    page = desk.post(reverse("admin:access_partner_add"), form)
    assert "no-store" in page.headers["Cache-Control"]
    values = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", text_of(page))
    user, device_code, token, private_key, public_key, department = values
    partner = Partner.objects.get()
    assert (user, device_code, public_key) == ("gateway-qingdao", "R1ctMDAwOQ==", partner.public_key)
    assert is_private_key(private_key)
    assert department == company.name
    response = Client().post(
        "/service/video.VideoInformation", b"[]", "application/json", headers={"TAuth": token}
    )
    assert answer_of(response)["code"] == 201
    again = text_of(desk.get(reverse("admin:access_partner_change", args=[partner.pk])))
    assert token not in again
    assert private_key not in again
    row = BehaviourLog.objects.get(verb="建立接入方")
    assert (row.actor_name, row.object_name) == ("系统管理员", str(partner))


def test_a_code_that_is_taken_is_told_in_the_form(desk: Client, ministry: Caller) -> None:
    form = {
        "kind": "gateway",
        "name": "",
        "code": "BJ-0001",
        "user": "new",
        "organisation": ministry.partner.organisation_id,
    }
    page = desk.post(reverse("admin:access_partner_add"), form)
    assert page.status_code == 200
    assert "已存在" in text_of(page)
    assert Partner.objects.count() == 1


def act(desk: Client, action: str, partner: Partner, **more: str) -> str:
    form = {"action": action, "_selected_action": str(partner.pk), **more}
    page = desk.post(reverse("admin:access_partner_changelist"), form, follow=True)
    assert page.status_code == 200
    return text_of(page)


@pytest.mark.parametrize("action", ["reissue", "revoke", "issue_oauth"])
def test_an_action_that_ends_something_asks_first(desk: Client, ministry: Caller, action: str) -> None:
    before = ministry.partner.application.client_secret
    page = act(desk, action, ministry.partner)
    assert 'name="confirmed"' in page
    assert str(ministry.partner) in page
    assert PartnerToken.objects.get().revoked_at is None
    ministry.partner.application.refresh_from_db()
    assert ministry.partner.application.client_secret == before


def test_reissue_shows_the_new_token_once(desk: Client, ministry: Caller) -> None:
    page = act(desk, "reissue", ministry.partner, confirmed="yes")
    token = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", page)[2]
    codes = [
        answer_of(ministry.request("GET", "PTZControl", token=each))["code"]
        for each in (ministry.issued.token, token)
    ]
    assert codes == [403, 200]


def test_revoke_ends_the_tokens(desk: Client, ministry: Caller) -> None:
    assert "已吊销 1 个令牌" in act(desk, "revoke", ministry.partner, confirmed="yes")
    assert ministry.get("PTZControl")["code"] == 403


def test_an_oauth_secret_is_shown_once(desk: Client, ministry: Caller) -> None:
    page = act(desk, "issue_oauth", ministry.partner, confirmed="yes")
    user, client_id, client_secret = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", page)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    assert user == "ministry"
    assert Client().post("/oauth/token/", form).status_code == 200


def test_a_bad_profile_is_told_in_the_form(desk: Client, ministry: Caller) -> None:
    partner = ministry.partner
    form = {
        "name": "部平台",
        "is_active": "on",
        "organisation": str(partner.organisation_id),
        "scopes": ["play", "ptz"],
        "token_seconds": "7200",
        "sign_required": "on",
        "sign_id": "1234567812345678",
        "sign_with_z": "on",
        "status_style": "envelope",
        "public_key": partner.public_key,
        "sign_template": partner.sign_template,
        "most_viewers": "0",
    }
    url = reverse("admin:access_partner_change", args=[partner.pk])
    off_curve = "01" * 64
    page = text_of(desk.post(url, {**form, "public_key": off_curve, "sign_template": "{token}"}))
    assert "不是有效的 SM2 公钥" in page
    assert "须恰好各含一次" in page
    assert desk.post(url, form).status_code == 302
    partner.refresh_from_db()
    assert (partner.name, partner.scopes) == ("部平台", ["play", "ptz"])
    row = BehaviourLog.objects.get(verb="修改接入方")
    assert "接口范围" in row.detail["fields"]


def test_a_member_of_staff_whose_roles_are_given_elsewhere(desk: Client, company: Organisation) -> None:
    form = {
        "username": "sun",
        "full_name": "孙工",
        "organisation": str(company.pk),
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    none = {"roles-TOTAL_FORMS": "0", "roles-INITIAL_FORMS": "0"}
    added = desk.post(reverse("admin:access_user_add"), {**form, **none})
    assert added.status_code == 302, text_of(added)
    user = User.objects.get(username="sun")
    url = reverse("admin:access_user_change", args=[user.pk])
    sneaked = {
        "roles-TOTAL_FORMS": "1",
        "roles-INITIAL_FORMS": "0",
        "roles-0-role": Role.MONITOR.value,
        "roles-0-organisation": str(company.pk),
    }
    changed = desk.post(url, {"username": "sun", "full_name": "孙工", "is_active": "on", **sneaked})
    assert changed.status_code == 302, text_of(changed)
    assert not user.roles.exists()
    user.roles.create(role=Role.MONITOR, organisation=company)
    assert "值班监控员" in text_of(desk.get(url))
    verbs = list(BehaviourLog.objects.filter(object_name="sun").order_by("id").values_list("verb", flat=True))
    assert verbs == ["新增用户", "修改用户"]
    assert desk.get(reverse("admin:access_user_delete", args=[user.pk])).status_code == 403


def test_an_alarm_is_acknowledged(desk: Client, superuser: User) -> None:
    alarm = raise_alarm(key="k", title="网关无应答")
    form = {"action": "acknowledge", "_selected_action": str(alarm.pk)}
    assert "已确认 1 条" in text_of(desk.post(reverse("admin:access_alarm_changelist"), form, follow=True))
    assert Alarm.objects.get().acknowledged_by == superuser


def test_staff_without_the_flag_stay_outside(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    response = client.get(reverse("admin:access_partner_changelist"))
    assert (response.status_code, "login" in response.headers["Location"]) == (302, True)
