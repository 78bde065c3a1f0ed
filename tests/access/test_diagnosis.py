"""签名诊断: what is wrong with a TokenInfo request that we refuse."""

import dataclasses
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from access.models import BehaviourLog, Partner, User
from access.services.diagnosis import SignProfile, diagnose_exchange
from protocol.sm2 import sign
from protocol.tokens import DEFAULT_SIGN_TEMPLATE, sign_text
from tests.cast import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.admin_urls")]

PRINTED = "deviceCode={deviceCode}& user = {user}& token= {token}"


def signed(caller: Caller, profile: SignProfile, *, private_key: str | None = None, **changed: str) -> str:
    """The URL of an exchange signed in that manner; `changed` parameters are sent and signed."""
    given = {**caller.token_query(), **changed}
    text = sign_text(given["deviceCode"], given["user"], given["token"], profile.template)
    key = private_key or caller.issued.private_key
    given["sign"] = sign(key, text, signer_id=profile.signer_id.encode(), with_z=profile.with_z)
    return f"https://10.1.2.3:8000/service/video.TokenInfo?{urlencode(given)}"


def usual(caller: Caller) -> SignProfile:
    return SignProfile.of(caller.partner)


def words(pasted: str) -> dict[str, str]:
    return {finding.what: finding.words for finding in diagnose_exchange(pasted).findings}


def test_a_good_request_is_said_to_be_good(ministry: Caller) -> None:
    diagnosis = diagnose_exchange(signed(ministry, usual(ministry)))
    assert diagnosis.is_good
    assert diagnosis.partner == ministry.partner
    assert diagnosis.differences == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"template": PRINTED}, f"签名原文：登记为 {DEFAULT_SIGN_TEMPLATE}，对方用 {PRINTED}"),
        ({"signer_id": ""}, "SM2 用户标识：登记为 1234567812345678，对方用 空"),
        ({"signer_id": "ministry"}, "SM2 用户标识：登记为 1234567812345678，对方用 ministry"),
        ({"with_z": False}, "Z 值：登记为含，对方不含"),
    ],
)
def test_the_profile_it_fits_is_found(ministry: Caller, changed: dict[str, object], difference: str) -> None:
    profile = dataclasses.replace(usual(ministry), **changed)  # type: ignore[arg-type]
    diagnosis = diagnose_exchange(signed(ministry, profile))
    assert not diagnosis.is_good
    assert diagnosis.differences == [difference]


@pytest.mark.parametrize("form", ["{}", "GET {} HTTP/1.1", "\n{}\n"])
def test_it_may_be_pasted_in_any_form(ministry: Caller, form: str) -> None:
    url = signed(ministry, usual(ministry))
    assert diagnose_exchange(form.format(url)).is_good
    assert diagnose_exchange(form.format(url.partition("?")[2])).is_good


def test_the_key_of_another_partner_is_recognised(ministry: Caller, gateway_partner: Caller) -> None:
    url = signed(ministry, usual(ministry), private_key=gateway_partner.issued.private_key)
    assert words(url)["sign"] == f"签名是用发给另一接入方“{gateway_partner.partner}”的私钥做的"


def test_each_wrong_parameter_is_named(ministry: Caller) -> None:
    url = signed(ministry, usual(ministry), deviceCode="BJ-0001", user="minister")
    found = words(url)
    assert found["deviceCode"] == f"应传编号的 BASE64 值 {ministry.issued.device_code}，收到的是编号原文"
    assert found["user"] == "应为 ministry，收到 minister"
    assert found["token"] == "可以更换"


def test_a_token_that_was_exchanged_is_told(ministry: Caller) -> None:
    first = signed(ministry, usual(ministry))
    fresh = ministry.get("TokenInfo", **ministry.token_query())["token"]["token"]
    assert words(first)["token"] == "可以更换"
    ministry.get("TokenInfo", **ministry.token_query(fresh))
    assert words(first)["token"] == "已被更换 2 次，对方应使用最新的令牌"


@pytest.mark.parametrize(
    ("pasted", "what", "said"),
    [
        ("hello", "接入方", "令牌、user、deviceCode 都不属于已登记的接入方"),
        ("?user=ministry&user=x&token=1", "参数", "参数 user 重复"),
        ("?user=ministry&token=%FF", "参数", "参数 token 不是 UTF-8 编码"),
        (
            "?user=ministry&deviceCode=x&token=y&sign=zz",
            "sign",
            "不是 SM2 签名：应为 r||s 或 DER 的十六进制或 BASE64",
        ),
        ("?user=ministry&deviceCode=x&token=y", "sign", "缺少签名"),
    ],
)
def test_nonsense_is_answered_in_words(ministry: Caller, pasted: str, what: str, said: str) -> None:
    assert words(pasted)[what] == said


def test_staff_adopt_the_profile_with_one_click(ministry: Caller, superuser: User) -> None:
    desk = Client()
    desk.force_login(superuser)
    page = reverse("admin:access_partner_diagnose")
    url = signed(ministry, dataclasses.replace(usual(ministry), template=PRINTED))
    shown = desk.post(page, {"request": url}).content.decode()
    assert "为该接入方采用对方的方案" in shown
    assert Partner.objects.get(pk=ministry.partner.pk).sign_template == DEFAULT_SIGN_TEMPLATE
    shown = desk.post(page, {"request": url, "adopt": "1"}).content.decode()
    assert "为该接入方采用对方的方案" not in shown
    assert Partner.objects.get(pk=ministry.partner.pk).sign_template == PRINTED
    assert BehaviourLog.objects.get(verb="修改签名方案").actor_name == "系统管理员"
    # Neither the token nor the signature may be found anywhere afterwards (threats.md 4).
    assert ministry.issued.token not in str(list(BehaviourLog.objects.values()))


def test_nobody_else_gets_the_page(operator: User) -> None:
    desk = Client()
    desk.force_login(operator)
    assert desk.get(reverse("admin:access_partner_diagnose")).status_code == 302
