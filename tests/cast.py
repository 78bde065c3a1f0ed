"""The named cast of the tests: organisations, staff and partners, each with a line on their rights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.http import HttpResponseBase
from django.test import Client, override_settings

from access.choices import PartnerKind, Role
from access.models import Organisation, Partner, User
from access.services.organisations import ensure_root, place_department
from access.services.partners import IssuedPartner, create_partner
from access.services.staff import create_staff
from protocol.sm2 import KeyPair, generate_key_pair, sign
from protocol.tokens import sign_text

PASSWORD = "Gaosu-2026-yun"


@dataclass(frozen=True)
class Caller:
    """A partner with what it was handed offline, calling us the way its client does."""

    partner: Partner
    issued: IssuedPartner

    def get(self, verb: str, **params: object) -> dict[str, Any]:
        return answer_of(self.request("GET", verb, params))

    def post(self, verb: str, body: object, **params: object) -> dict[str, Any]:
        return answer_of(self.request("POST", verb, params, body=body))

    def request(
        self,
        method: str,
        verb: str,
        params: Mapping[str, object] | None = None,
        *,
        body: object = b"",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponseBase:
        """`body` as bytes goes out as it is, anything else as JSON. `token` is the first one unless given."""
        query = urlencode({"user": self.issued.user, **(params or {})}, doseq=True)
        return Client().generic(
            method,
            f"/service/{verb if '.' in verb else f'video.{verb}'}?{query}",
            body if isinstance(body, bytes) else orjson.dumps(body),
            content_type="application/json",
            headers={"TAuth": token or self.issued.token, "AppVersion": "v1.0", **(headers or {})},
        )

    def token_query(self, token: str | None = None) -> dict[str, str]:
        """The signed query of TokenInfo for `token`, by default the first one."""
        held = token or self.issued.token
        text = sign_text(self.issued.device_code, self.issued.user, held)
        return {
            "deviceCode": self.issued.device_code,
            "user": self.issued.user,
            "token": held,
            "sign": sign(self.issued.private_key, text),
        }


def answer_of(response: HttpResponseBase) -> dict[str, Any]:
    """The envelope; an answer that is not JSON fails the test."""
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    answer: dict[str, Any] = orjson.loads(getattr(response, "content", b""))
    return answer


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashing in earnest takes a quarter of a second each time, also for the OAuth secret of a partner."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def province(db: None) -> Organisation:
    return ensure_root()


@pytest.fixture
def company(province: Organisation) -> Organisation:
    """The company most of the cast belongs to."""
    return place_department(within=province, department="山东高速", road_section="")


@pytest.fixture
def office(company: Organisation) -> Organisation:
    """A management office of that company."""
    return place_department(within=company, department="山东高速", road_section="济南管理处")


@pytest.fixture
def other_company(province: Organisation) -> Organisation:
    return place_department(within=province, department="齐鲁交通", road_section="")


@cache
def _keys_of(code: str) -> KeyPair:
    return generate_key_pair()


def make_caller(kind: PartnerKind, code: str, user: str, organisation: Organisation) -> Caller:
    """With the same key pair each time: to make one costs more than all the rest of a partner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("access.services.partners.generate_key_pair", lambda: _keys_of(code))
        issued = create_partner(kind=kind, code=code, user=user, organisation=organisation)
    return Caller(Partner.objects.get(pk=issued.partner_id), issued)


@pytest.fixture
def ministry(province: Organisation) -> Caller:
    """Plays, controls and fetches snapshots in the whole province; reports nothing."""
    return make_caller(PartnerKind.MINISTRY, "BJ-0001", "ministry", province)


@pytest.fixture
def gateway_partner(company: Organisation) -> Caller:
    """Reports cameras of its company; plays nothing."""
    return make_caller(PartnerKind.GATEWAY, "GW-0001", "gateway-jinan", company)


@pytest.fixture
def other_gateway(other_company: Organisation) -> Caller:
    """Reports cameras of the other company; must not touch the first one's."""
    return make_caller(PartnerKind.GATEWAY, "GW-0002", "gateway-qilu", other_company)


@pytest.fixture
def operator(company: Organisation) -> User:
    """Watches and turns the cameras of one company."""
    return create_staff(
        username="wang", password=PASSWORD, full_name="王工", role=Role.PTZ_OPERATOR, organisation=company
    )


@pytest.fixture
def outsider(other_company: Organisation) -> User:
    """The same role at the other company: sees nothing of the first."""
    return create_staff(
        username="li", password=PASSWORD, full_name="李工", role=Role.PTZ_OPERATOR, organisation=other_company
    )


@pytest.fixture
def province_admin(province: Organisation) -> User:
    """Everything in the whole province, but for the audit."""
    return create_staff(
        username="zhao",
        password=PASSWORD,
        full_name="赵主任",
        role=Role.PROVINCE_ADMIN,
        organisation=province,
    )


@pytest.fixture
def superuser(province: Organisation) -> User:
    """Keeps the platform itself, in the admin."""
    return create_staff(username="admin", password=PASSWORD, full_name="系统管理员", is_superuser=True)
