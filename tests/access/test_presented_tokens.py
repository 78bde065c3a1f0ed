"""Tokens on every call: what they cost, and whose they are."""

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.choices import PartnerKind
from access.models import Organisation, Partner, PartnerToken
from access.services.tokens import _ALONE, TokenStatement, authenticate
from streaming.selectors import _PLAYABLE
from tests.cast import Caller, make_caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]


def test_partner_and_organisation_come_whole_with_the_token(ministry: Caller) -> None:
    found = authenticate(ministry.issued.token).partner
    stored = Partner.objects.get(pk=found.pk)
    assert type(found) is Partner
    for field in Partner._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(stored, field.attname), field.name
    with CaptureQueriesContext(connection) as queries:
        assert found.organisation.path == stored.organisation.path
    # The one query is that of `stored`.
    assert len(queries) == 1


@pytest.mark.parametrize("partners", [3, 30])
def test_one_statement_however_many_partners(province: Organisation, partners: int) -> None:
    callers = [
        make_caller(PartnerKind.MINISTRY, f"BJ-{n}", f"ministry-{n}", province) for n in range(partners)
    ]
    assert callers[0].get("GetCameraPlayURL")["code"] == 200
    # Django's log does not see the prepared statement: nothing else is asked.
    with CaptureQueriesContext(connection) as queries:
        assert callers[0].get("GetCameraPlayURL")["code"] == 200
    assert len(queries) == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%access_partnertoken%'"
        )
        assert cursor.fetchone()[0] == 1


@pytest.mark.parametrize(("kind", "column"), [("ring", "digest"), ("oauth", "token_checksum")])
@pytest.mark.parametrize("statement", [_ALONE, _PLAYABLE], ids=["alone", "with a camera"])
def test_tokens_are_found_by_their_unique_index(
    ministry: Caller, kind: str, column: str, statement: TokenStatement
) -> None:
    sql: bytes = getattr(statement, kind)
    rest = (0, "y", None, None) if statement is _PLAYABLE else ()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + sql.decode(), ["x", *rest])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert f"Index Cond: (({column})::text = 'x'::text)" in plan


def test_a_partner_acts_under_its_own_name_only(ministry: Caller, gateway_partner: Caller) -> None:
    answer = ministry.get("GetCameraPlayURL", user=gateway_partner.issued.user)
    assert (answer["code"], answer["msg"]) == (403, "user 与令牌不符")


def test_a_token_is_no_digest(ministry: Caller) -> None:
    """Whoever reads the database cannot present what is in it."""
    digest = PartnerToken.objects.get().digest
    assert ministry.request("GET", "GetCameraPlayURL", token=digest).content.startswith(b'{"code":403')  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "opened"), [("ministry", "xxx."), ("gateway", "...x")])
def test_scopes_follow_the_kind(ministry: Caller, gateway_partner: Caller, kind: str, opened: str) -> None:
    caller = {"ministry": ministry, "gateway": gateway_partner}[kind]
    codes = [caller.get(verb)["code"] for verb in ("GetCameraPlayURL", "PTZControl", "SnapShot")]
    codes.append(caller.post("VideoInformation", [])["code"])
    assert ["x" if code in (200, 201) else "." for code in codes] == list(opened)
    assert all(code in (200, 201, 403) for code in codes)


@pytest.mark.django_db(transaction=True)
def test_a_restarted_database_costs_no_request(ministry: Caller) -> None:
    assert ministry.get("GetCameraPlayURL")["code"] == 200
    victim = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [victim])
    assert ministry.get("GetCameraPlayURL")["code"] == 200
