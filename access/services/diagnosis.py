"""签名诊断: why a TokenInfo request is refused, and which signature profile it would fit.

Profiles are never tried in turn at run time (protocol.md section 5): this is for staff, on a pasted request.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from access.actors import Actor
from access.models import Partner, PartnerToken
from access.params import VerbParams
from access.selectors import find_token
from access.services.logs import record
from protocol.errors import MalformedError, shorten
from protocol.sm2 import parse_signature, verify
from protocol.tokens import DEFAULT_SIGN_TEMPLATE, sign_text

_NAMES = ("deviceCode", "user", "token", "sign")
# The document's own line with its stray blanks, and what clients were seen to make of it.
_TEMPLATES = (
    DEFAULT_SIGN_TEMPLATE,
    "deviceCode={deviceCode}& user = {user}& token= {token}",
    "deviceCode={deviceCode}& user={user}& token={token}",
    "deviceCode = {deviceCode}& user = {user}& token = {token}",
    "deviceCode={deviceCode} & user={user} & token={token}",
    "deviceCode={deviceCode}&token={token}&user={user}",
    "user={user}&deviceCode={deviceCode}&token={token}",
    "{deviceCode}&{user}&{token}",
    "{deviceCode}{user}{token}",
)
_IDS = ("1234567812345678", "", "{user}")
# Each look costs some 25 ms of curve arithmetic.
_MOST_KEYS = 40


@dataclass(frozen=True, slots=True)
class SignProfile:
    template: str
    signer_id: str
    with_z: bool

    @classmethod
    def of(cls, partner: Partner) -> "SignProfile":
        return cls(partner.sign_template, partner.sign_id, partner.sign_with_z)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_good: bool
    words: str


@dataclass(slots=True)
class Diagnosis:
    """What a pasted request shows. `fit` is the profile that its signature was made with, if one was found."""

    partner: Partner | None = None
    findings: list[Finding] = field(default_factory=list)
    fit: SignProfile | None = None
    differences: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return all(finding.is_good for finding in self.findings)

    def note(self, what: str, is_good: bool, words: str) -> None:
        self.findings.append(Finding(what, is_good, words))


def diagnose_exchange(pasted: str) -> Diagnosis:
    """`pasted` is a URL, a request line or a bare query; nothing of it is stored or logged."""
    diagnosis = Diagnosis()
    try:
        params = VerbParams(_query_of(pasted).encode().decode("latin-1"))
        given = {name: params.raw(name) or "" for name in _NAMES}
    except MalformedError as error:
        diagnosis.note("参数", False, error.message)
        return diagnosis
    for name in _NAMES[:3]:
        if not given[name].strip():
            diagnosis.note(name, False, "缺少该参数，或为空")
    held = find_token(given["token"]) if given["token"] else None
    partner = diagnosis.partner = held.partner if held else _partner_named(given)
    if partner is None:
        diagnosis.note("接入方", False, "令牌、user、deviceCode 都不属于已登记的接入方")
        return diagnosis
    _check_token(diagnosis, partner, held)
    _check_names(diagnosis, partner, given)
    _check_signature(diagnosis, partner, given)
    return diagnosis


def adopt_profile(*, partner: Partner, profile: SignProfile, actor: Actor) -> None:
    """From now on the partner's signatures are checked by this profile."""
    partner.sign_template, partner.sign_id = profile.template, profile.signer_id
    partner.sign_with_z = profile.with_z
    partner.full_clean(exclude=["application"])
    partner.save(update_fields=["sign_template", "sign_id", "sign_with_z"])
    record(actor, "修改签名方案", object_kind="partner", object_id=partner.pk, object_name=str(partner))


def _query_of(pasted: str) -> str:
    for line in pasted.splitlines():
        if "=" in line:
            # "GET /service/video.TokenInfo?... HTTP/1.1" of a log or a capture.
            words = [word for word in line.split(" ") if word != "GET" and not word.startswith("HTTP/")]
            text = " ".join(words).strip()
            return text.partition("?")[2].partition("#")[0] or text
    return pasted.strip()


def _partner_named(given: dict[str, str]) -> Partner | None:
    partners = list(Partner.objects.select_related("organisation"))
    by_user = [partner for partner in partners if partner.is_named(given["user"])]
    by_code = [
        partner for partner in partners if partner.device_code == given["deviceCode"].replace(" ", "+")
    ]
    return next(iter([*by_user, *by_code]), None)


def _check_token(diagnosis: Diagnosis, partner: Partner, held: PartnerToken | None) -> None:
    if not partner.is_active:
        diagnosis.note("接入方", False, "已停用")
    if held is None:
        diagnosis.note("token", False, "不是发给该接入方的令牌，或已被清理")
        return
    newest = partner.tokens.order_by("-generation").first()
    behind = newest.generation - held.generation if newest else 0
    if held.revoked_at is not None:
        diagnosis.note("token", False, f"已于 {timezone.localtime(held.revoked_at):%F %T} 吊销")
    elif held.expires_at + timedelta(days=settings.TOKEN_EXCHANGE_DAYS) <= timezone.now():
        diagnosis.note("token", False, "已过期，且超过可更换期限")
    elif behind > 1 or (behind == 1 and newest is not None and newest.first_used_at is not None):
        diagnosis.note("token", False, f"已被更换 {behind} 次，对方应使用最新的令牌")
    else:
        diagnosis.note("token", True, "可以更换")


def _check_names(diagnosis: Diagnosis, partner: Partner, given: dict[str, str]) -> None:
    code = given["deviceCode"].replace(" ", "+")
    if code == partner.device_code:
        diagnosis.note("deviceCode", True, "一致")
    elif code == partner.code:
        diagnosis.note("deviceCode", False, f"应传编号的 BASE64 值 {partner.device_code}，收到的是编号原文")
    else:
        diagnosis.note("deviceCode", False, f"应为 {partner.device_code}，收到 {shorten(code)}")
    if partner.is_named(given["user"]):
        diagnosis.note("user", True, "一致")
    else:
        diagnosis.note("user", False, f"应为 {partner.user}，收到 {shorten(given['user'])}")


def _check_signature(diagnosis: Diagnosis, partner: Partner, given: dict[str, str]) -> None:
    sign = given["sign"]
    if not sign:
        words = "缺少签名" if partner.sign_required else "没有签名，该接入方不要求"
        diagnosis.note("sign", not partner.sign_required, words)
        return
    if parse_signature(sign) is None:
        diagnosis.note("sign", False, "不是 SM2 签名：应为 r||s 或 DER 的十六进制或 BASE64")
        return
    stored = SignProfile.of(partner)
    for profile, code in _candidates(stored, partner, given):
        if _fits(profile, partner.public_key, code, given):
            diagnosis.fit = SignProfile(profile.template, _plain_id(profile, given), profile.with_z)
            diagnosis.differences = _differences(stored, diagnosis.fit)
            if code != given["deviceCode"].replace(" ", "+"):
                diagnosis.differences.append("签名原文用的是编号原文，应为 BASE64 值（对方须修改）")
            is_same = not diagnosis.differences
            diagnosis.note("sign", is_same, "签名有效" if is_same else "签名按另一种方案有效，差异见下")
            return
    diagnosis.note("sign", False, _whose_else(partner, given))


def _candidates(
    stored: SignProfile, partner: Partner, given: dict[str, str]
) -> Iterator[tuple[SignProfile, str]]:
    code = given["deviceCode"].replace(" ", "+")
    yield stored, code
    for spoken in dict.fromkeys((code, partner.device_code, partner.code)):
        for template in dict.fromkeys((stored.template, *_TEMPLATES)):
            for signer_id in dict.fromkeys((stored.signer_id, *_IDS)):
                yield SignProfile(template, signer_id, True), spoken
            yield SignProfile(template, stored.signer_id, False), spoken


def _plain_id(profile: SignProfile, given: dict[str, str]) -> str:
    return profile.signer_id.replace("{user}", given["user"])


def _fits(profile: SignProfile, public_key: str, code: str, given: dict[str, str]) -> bool:
    text = sign_text(code, given["user"], given["token"], profile.template)
    signer_id = _plain_id(profile, given).encode("utf-8", "replace")
    return verify(public_key, text, given["sign"], signer_id=signer_id, with_z=profile.with_z)


def _differences(stored: SignProfile, fit: SignProfile) -> list[str]:
    found = []
    if fit.template != stored.template:
        found.append(f"签名原文：登记为 {stored.template}，对方用 {fit.template}")
    if fit.with_z != stored.with_z:
        words = ("不含", "含")
        found.append(f"Z 值：登记为{words[stored.with_z]}，对方{words[fit.with_z]}")
    if fit.with_z and fit.signer_id != stored.signer_id:
        found.append(f"SM2 用户标识：登记为 {stored.signer_id or '空'}，对方用 {fit.signer_id or '空'}")
    return found


def _whose_else(partner: Partner, given: dict[str, str]) -> str:
    code = given["deviceCode"].replace(" ", "+")
    for other in Partner.objects.exclude(pk=partner.pk).order_by("pk")[:_MOST_KEYS]:
        if _fits(SignProfile.of(other), other.public_key, code, given):
            return f"签名是用发给另一接入方“{other}”的私钥做的"
    return "与已知的任何方案都不符：私钥不是发给该接入方的那一把，或签名原文另有不同"
