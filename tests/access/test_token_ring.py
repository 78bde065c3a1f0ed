"""TokenInfo as protocol.md section 5 has it, through the verb."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from time_machine import TimeMachineFixture

from access.choices import Outcome, PartnerKind
from access.models import Alarm, BehaviourLog, Organisation, PartnerToken
from access.services.partners import create_partner, revoke_partner
from access.services.tokens import newest_used_token
from protocol.sm2 import generate_key_pair, sign
from protocol.tokens import sign_text
from tests.cast import Caller, answer_of, make_caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def exchange(caller: Caller, held: str | None = None) -> str:
    answer = caller.get("TokenInfo", **caller.token_query(held))
    assert answer["code"] == 200, answer
    token: str = answer["token"]["token"]
    return token


def play(caller: Caller, token: str) -> tuple[int, str]:
    answer = answer_of(caller.request("GET", "GetCameraPlayURL", token=token))
    return answer["code"], answer["msg"]


def test_answer_has_the_keys_of_the_document_in_its_order(ministry: Caller) -> None:
    answer = ministry.get("TokenInfo", **ministry.token_query())
    assert list(answer) == ["code", "msg", "token", "message"]
    assert list(answer["token"]) == ["user", "deviceCode", "token"]
    assert answer["token"]["user"] == "ministry"
    assert answer["token"]["deviceCode"] == base64.b64encode(b"BJ-0001").decode()


def test_a_replaced_token_opens_for_as_long_as_its_successor_is_not_used(
    ministry: Caller, time_machine: TimeMachineFixture
) -> None:
    """Whoever never received the answer is not locked out."""
    first = PartnerToken.objects.get(partner=ministry.partner)
    assert exchange(ministry) != ministry.issued.token
    time_machine.move_to(first.expires_at - timedelta(seconds=1), tick=False)
    assert play(ministry, ministry.issued.token)[0] == 200


@pytest.mark.parametrize("use", ["call", "exchange"])
def test_a_replaced_token_ends_a_minute_after_its_successor_was_first_used(
    ministry: Caller, time_machine: TimeMachineFixture, use: str
) -> None:
    time_machine.move_to(NOON, tick=False)
    ministry.partner.tokens.update(issued_at=NOON, expires_at=NOON + timedelta(hours=2))
    newest = exchange(ministry)
    if use == "call":
        assert play(ministry, newest)[0] == 200
    else:
        newest = exchange(ministry, newest)
    time_machine.move_to(NOON + timedelta(seconds=59), tick=False)
    # Using the successor again does not prolong it.
    assert [play(ministry, token)[0] for token in (newest, ministry.issued.token)] == [200, 200]
    time_machine.move_to(NOON + timedelta(seconds=60), tick=False)
    assert play(ministry, ministry.issued.token) == (403, "令牌已被更换")
    assert play(ministry, newest)[0] == 200


def test_the_overlap_does_not_prolong_a_token(ministry: Caller, time_machine: TimeMachineFixture) -> None:
    first = PartnerToken.objects.get(partner=ministry.partner)
    time_machine.move_to(first.expires_at - timedelta(seconds=1), tick=False)
    assert play(ministry, exchange(ministry))[0] == 200
    time_machine.move_to(first.expires_at, tick=False)
    assert play(ministry, ministry.issued.token) == (403, "令牌已过期")


def test_a_replaced_token_stays_closed_when_its_successor_is_forgotten(ministry: Caller) -> None:
    """One of a longer lifetime, from before the partner's was shortened."""
    second = exchange(ministry)
    third = exchange(ministry, second)
    long_ago = datetime.now(UTC) - timedelta(days=40)
    PartnerToken.objects.filter(generation=3).update(first_used_at=long_ago)
    PartnerToken.objects.filter(generation=2).delete()
    assert play(ministry, ministry.issued.token) == (403, "令牌已被更换")
    assert play(ministry, third)[0] == 200


def test_no_tauth_is_asked_for(ministry: Caller) -> None:
    response = ministry.request("GET", "TokenInfo", ministry.token_query(), token="stale")
    assert answer_of(response)["code"] == 200


def test_a_lost_answer_is_repeated(ministry: Caller) -> None:
    assert exchange(ministry) == exchange(ministry)
    assert PartnerToken.objects.filter(partner=ministry.partner).count() == 2


def test_a_chain_of_exchanges_gives_a_new_token_each_time(ministry: Caller) -> None:
    second = exchange(ministry)
    third = exchange(ministry, second)
    assert len({ministry.issued.token, second, third}) == 3
    assert play(ministry, third)[0] == 200


@pytest.mark.parametrize("use", ["call", "exchange"])
def test_replay_after_the_successor_was_used_is_refused_with_an_alarm(ministry: Caller, use: str) -> None:
    captured = ministry.token_query()
    successor = exchange(ministry)
    current = successor
    if use == "call":
        assert play(ministry, successor)[0] == 200
    else:
        current = exchange(ministry, successor)
    answer = ministry.get("TokenInfo", **captured)
    assert (answer["code"], answer["msg"]) == (403, "令牌已被更换")
    alarm = Alarm.objects.get()
    assert "ministry" in alarm.title
    assert (alarm.organisation, alarm.times_seen) == (ministry.partner.organisation, 1)
    assert play(ministry, current)[0] == 200
    ministry.get("TokenInfo", **captured)
    alarm.refresh_from_db()
    assert alarm.times_seen == 2


def test_after_the_grace_time_the_old_token_is_not_exchanged(
    ministry: Caller, time_machine: TimeMachineFixture, settings: object
) -> None:
    time_machine.move_to(NOON, tick=False)
    ministry.partner.tokens.update(issued_at=NOON, expires_at=NOON + timedelta(hours=2))
    successor = exchange(ministry)
    time_machine.move_to(NOON + timedelta(seconds=599), tick=False)
    assert exchange(ministry) == successor
    time_machine.move_to(NOON + timedelta(seconds=600), tick=False)
    assert ministry.get("TokenInfo", **ministry.token_query())["code"] == 403
    assert Alarm.objects.count() == 1
    # Not locked out: what it holds is valid until it expires, and staff know.
    assert play(ministry, ministry.issued.token)[0] == 200


def test_lifetime_and_the_thirty_days_after_it(ministry: Caller, time_machine: TimeMachineFixture) -> None:
    first = PartnerToken.objects.get(partner=ministry.partner)
    assert first.expires_at - first.issued_at == timedelta(hours=2)
    time_machine.move_to(first.expires_at, tick=False)
    assert play(ministry, ministry.issued.token) == (403, "令牌已过期")
    time_machine.move_to(first.expires_at + timedelta(days=30), tick=False)
    assert ministry.get("TokenInfo", **ministry.token_query())["msg"] == "令牌已过期，且超过可更换期限"
    time_machine.move_to(first.expires_at + timedelta(days=30, seconds=-1), tick=False)
    assert play(ministry, exchange(ministry))[0] == 200


def test_lifetime_is_a_field_of_the_partner(ministry: Caller) -> None:
    ministry.partner.token_seconds = 60
    ministry.partner.save()
    exchange(ministry)
    newest = PartnerToken.objects.filter(partner=ministry.partner).latest("generation")
    assert newest.expires_at - newest.issued_at == timedelta(seconds=60)


def bad_signatures(caller: Caller, other: Caller) -> dict[str, str]:
    good = caller.token_query()["sign"]
    text = sign_text(caller.issued.device_code, "ministry", caller.issued.token)
    order = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123"
    return {
        "wrong key": sign(generate_key_pair().private_key, text),
        "other token": other.token_query()["sign"],
        "other identity": sign(caller.issued.private_key, text, signer_id=b"8765432187654321"),
        "without Z": sign(caller.issued.private_key, text, with_z=False),
        "s and r exchanged": good[64:] + good[:64],
        "r = 0": "0" * 64 + good[64:],
        "s = 0": good[:64] + "0" * 64,
        "r = n": order + good[64:],
        "s = n": good[:64] + order,
        "cut short": good[:-2],
        "too long": good + "00",
        "not hex": "签名",
        "DER junk": "3045022100" + "ff" * 60,
        "BASE64 junk": base64.b64encode(b"\x30\x06\x02\x01\x00\x02\x01\x00").decode(),
        "NUL of hex": "00",
    }


def test_forged_signatures_are_refused(ministry: Caller, gateway_partner: Caller) -> None:
    table = bad_signatures(ministry, gateway_partner)
    assert len(table) >= 10
    for name, signature in table.items():
        answer = ministry.get("TokenInfo", **{**ministry.token_query(), "sign": signature})
        assert (answer["code"], answer["msg"]) == (403, "签名 sign 验证失败"), name
    assert PartnerToken.objects.filter(partner=ministry.partner).count() == 1


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        ("deviceCode", "WFhYWA==", 403, "deviceCode 与令牌不符"),
        ("deviceCode", "", 400, "缺少参数 deviceCode"),
        ("user", "gateway-jinan", 403, "user 与令牌不符"),
        ("user", "", 400, "缺少参数 user"),
        ("token", "unknown", 403, "令牌无效"),
        ("token", "", 400, "缺少参数 token"),
        ("sign", "", 403, "缺少签名 sign"),
        ("sign", ["a", "b"], 400, "参数 sign 重复"),
    ],
)
def test_each_part_of_the_request_is_needed(
    ministry: Caller, gateway_partner: Caller, name: str, value: object, code: int, words: str
) -> None:
    answer = ministry.get("TokenInfo", **{**ministry.token_query(), name: value})
    assert (answer["code"], answer["msg"]) == (code, words)


def test_sign_may_be_left_out_where_the_partner_record_says_so(ministry: Caller) -> None:
    ministry.partner.sign_required = False
    ministry.partner.save()
    assert ministry.get("TokenInfo", **{**ministry.token_query(), "sign": ""})["code"] == 200
    assert ministry.get("TokenInfo", **{**ministry.token_query(), "sign": "00"})["code"] == 403


def test_signature_profile_of_the_partner_decides(ministry: Caller) -> None:
    partner, issued = ministry.partner, ministry.issued
    partner.sign_template = "deviceCode={deviceCode}& user = {user}& token= {token}"
    partner.sign_id, partner.sign_with_z = "", False
    partner.save()
    text = sign_text(issued.device_code, issued.user, issued.token, partner.sign_template)
    fitting = sign(issued.private_key, text, with_z=False)
    assert ministry.get("TokenInfo", **ministry.token_query())["code"] == 403
    assert ministry.get("TokenInfo", **{**ministry.token_query(), "sign": fitting})["code"] == 200


def test_a_plus_that_arrived_as_a_blank_is_put_back(province: Organisation) -> None:
    caller = make_caller(PartnerKind.MINISTRY, "部~~平台>>", "部+平台", province)
    assert "+" in caller.issued.device_code
    raw = bytes.fromhex(caller.token_query()["sign"])
    query = {**caller.token_query(), "sign": base64.b64encode(raw).decode()}
    blanks = {name: value.replace("+", " ") for name, value in query.items()}
    answer = caller.get("TokenInfo", **blanks)
    assert answer["code"] == 200
    assert answer["token"]["deviceCode"] == caller.issued.device_code


def test_inactive_and_revoked_partners_exchange_nothing(ministry: Caller) -> None:
    revoke_partner(partner=ministry.partner)
    assert ministry.get("TokenInfo", **ministry.token_query())["msg"] == "令牌无效：已吊销"
    ministry.partner.is_active = False
    ministry.partner.save()
    assert ministry.get("TokenInfo", **ministry.token_query())["msg"] == "接入方已停用"


def test_every_exchange_is_in_the_behaviour_log(ministry: Caller) -> None:
    BehaviourLog.objects.all().delete()
    exchange(ministry)
    ministry.get("TokenInfo", **{**ministry.token_query(), "sign": "00"})
    done, refused = BehaviourLog.objects.order_by("id")
    assert (done.verb, done.actor_name, done.outcome) == ("换取令牌", "ministry", Outcome.DONE)
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "签名 sign 验证失败")
    assert done.address == refused.address == "127.0.0.1"


def test_first_use_is_noted_once_and_tells_which_token_a_gateway_holds(
    gateway_partner: Caller, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    gateway_partner.partner.tokens.update(issued_at=NOON, expires_at=NOON + timedelta(hours=2))
    # Before its first request the one handed over offline is all it can hold.
    assert newest_used_token(gateway_partner.partner) == gateway_partner.issued.token
    second = exchange(gateway_partner)
    assert newest_used_token(gateway_partner.partner) == gateway_partner.issued.token
    for passed in (1, 2):
        time_machine.move_to(NOON + timedelta(seconds=passed), tick=False)
        gateway_partner.request("POST", "VideoInformation", token=second)
    assert newest_used_token(gateway_partner.partner) == second
    exchange(gateway_partner, second)
    used = PartnerToken.objects.get(partner=gateway_partner.partner, generation=2)
    assert used.first_used_at == NOON + timedelta(seconds=1)


def test_a_token_that_was_exchanged_has_been_used(gateway_partner: Caller) -> None:
    second = exchange(gateway_partner)
    exchange(gateway_partner, second)
    assert newest_used_token(gateway_partner.partner) == second


def test_tokens_out_of_every_use_are_forgotten(ministry: Caller) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=40)
    second = exchange(ministry)
    PartnerToken.objects.filter(generation=1).update(expires_at=long_ago)
    exchange(ministry, second)
    assert sorted(ministry.partner.tokens.values_list("generation", flat=True)) == [2, 3]


def test_no_live_token_is_in_database_or_log(ministry: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    tokens = [ministry.issued.token, exchange(ministry)]
    tokens.append(exchange(ministry, tokens[1]))
    ministry.get("TokenInfo", **{**ministry.token_query(tokens[2]), "sign": "00"})
    assert play(ministry, tokens[2])[0] == 200
    dump = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            dump += [row[0] for row in cursor.fetchall()]
    everything = "\n".join(dump) + caplog.text
    assert PartnerToken.objects.first().digest in everything  # type: ignore[union-attr]
    assert not [token for token in tokens if token in everything]
    assert ministry.issued.private_key not in everything


def test_a_partner_repr_shows_no_secret(ministry: Caller) -> None:
    shown = repr(ministry.issued)
    assert ministry.issued.token not in shown
    assert ministry.issued.private_key not in shown


def test_code_and_user_are_unique(ministry: Caller) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="平台编号"):
        create_partner(kind=PartnerKind.MINISTRY, code="BJ-0001", user="another")
