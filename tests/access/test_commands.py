"""Management commands of access."""

import io
import json
import sys
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from access.choices import PartnerKind, Role, Scope
from access.models import Organisation, Partner, StaffRole, User
from protocol.sm2 import public_key_of
from tests.cast import PASSWORD, Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]

ARGUMENTS = {"kind": "gateway", "code": "GW-0009", "user": "gateway-qingdao"}


def run_create_partner(**options: Any) -> dict[str, str]:
    output = io.StringIO()
    call_command("create_partner", stdout=output, **{**ARGUMENTS, **options})
    handed: dict[str, str] = json.loads(output.getvalue())
    return handed


def test_prints_the_five_fields_that_are_handed_over() -> None:
    handed = run_create_partner()
    assert list(handed) == ["user", "device_code", "token", "private_key", "public_key"]
    assert (handed["user"], handed["device_code"]) == ("gateway-qingdao", "R1ctMDAwOQ==")
    assert public_key_of(handed["private_key"]) == handed["public_key"]
    partner = Partner.objects.get()
    assert (partner.kind, partner.scopes) == (PartnerKind.GATEWAY, [Scope.REPORT])
    assert partner.organisation.parent is None


def test_a_department_becomes_the_scope() -> None:
    run_create_partner(department="山东高速", name="青岛网关")
    partner = Partner.objects.get()
    assert (partner.name, partner.organisation.name) == ("青岛网关", "山东高速")
    run_create_partner(department="山东高速", code="GW-0010", user="gateway-yantai")
    assert Organisation.objects.filter(name="山东高速").count() == 1


@pytest.mark.parametrize("taken", [{"code": "GW-0010"}, {"user": "gateway-yantai"}])
def test_code_and_user_are_taken_once(taken: dict[str, str]) -> None:
    run_create_partner()
    with pytest.raises(CommandError, match="已存在"):
        run_create_partner(**taken)
    assert Partner.objects.count() == 1


def test_reissue_ends_what_was_handed_before(gateway_partner: Caller) -> None:
    partner = gateway_partner.partner
    handed = run_create_partner(code=partner.code, user=partner.user, reissue=True)
    assert handed["device_code"] == gateway_partner.issued.device_code
    codes = [
        answer_of(gateway_partner.request("POST", "VideoInformation", token=token))["code"]
        for token in (gateway_partner.issued.token, handed["token"])
    ]
    assert codes == [403, 201]
    # The key of before signs nothing any more.
    query = gateway_partner.token_query(handed["token"])
    assert gateway_partner.get("TokenInfo", **query)["msg"] == "签名 sign 验证失败"


def test_reissue_of_somebody_else_is_refused(gateway_partner: Caller) -> None:
    with pytest.raises(CommandError, match="与参数不符"):
        run_create_partner(code=gateway_partner.partner.code, user="another", reissue=True)
    assert gateway_partner.post("VideoInformation", [])["code"] == 201


def test_reissue_of_an_unknown_code_creates_it() -> None:
    assert run_create_partner(reissue=True)["user"] == "gateway-qingdao"


def test_oauth_adds_client_and_secret() -> None:
    handed = run_create_partner(oauth=True)
    assert list(handed)[5:] == ["client_id", "client_secret"]
    assert handed["client_secret"] not in Partner.objects.get().application.client_secret


def test_create_staff_reads_the_password_from_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    output = io.StringIO()
    call_command(
        "create_staff", username="sun", full_name="孙工", role="section", department="山东高速", stdout=output
    )
    user = User.objects.get(pk=json.loads(output.getvalue())["id"])
    assert user.check_password(PASSWORD)
    role = StaffRole.objects.get(user=user)
    assert (role.role, role.organisation.name) == (Role.SECTION_ADMIN, "山东高速")
    assert not user.is_staff


@pytest.mark.parametrize(("username", "password"), [("sun", "123"), ("孙 工", PASSWORD), ("wang", PASSWORD)])
def test_create_staff_refuses(
    operator: User, monkeypatch: pytest.MonkeyPatch, username: str, password: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password))
    with pytest.raises(CommandError):
        call_command("create_staff", username=username, stdout=io.StringIO())
    assert User.objects.count() == 1
