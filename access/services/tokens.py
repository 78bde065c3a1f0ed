"""The token ring of appendix 2 (protocol.md section 5), and the tokens partners present."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from oauth2_provider.models import AccessToken

from access.actors import partner_actor
from access.choices import Outcome, Severity
from access.models import Organisation, Partner, PartnerToken
from access.selectors import find_token, newest_token
from access.services.alarms import raise_alarm
from access.services.limits import count_one
from access.services.logs import record
from access.statements import fetch_one
from protocol.errors import ForbiddenError
from protocol.sm2 import verify
from protocol.tokens import derive_token, is_derived, sign_text, token_digest

logger = logging.getLogger(__name__)

_VERB = "换取令牌"
_REPLACED = "令牌已被更换"
_PARTNER_FIELDS = [field.attname for field in Partner._meta.concrete_fields]
_ORGANISATION_FIELDS = [field.attname for field in Organisation._meta.concrete_fields]
_ORGANISATION_OF_PARTNER = Partner._meta.get_field("organisation")
_OWNER_COLUMNS = ", ".join(
    [f'p."{name}" AS p_{name}' for name in _PARTNER_FIELDS]
    + [f'o."{name}" AS o_{name}' for name in _ORGANISATION_FIELDS]
)
_OWNER_FROM = "JOIN access_organisation o ON o.id = p.organisation_id"
# Its successor, not the newest: one that was never received has replaced nothing.
_REPLACED_AT = """
SELECT n.first_used_at FROM access_partnertoken n
WHERE n.partner_id = t.partner_id AND n.generation > t.generation ORDER BY n.generation LIMIT 1
"""
# Looked up by SHA-256 and unique index, and kept in no cache: a revoked token is refused in the very
# next request (threats.md 7). Which of the two is asked for shows in the token itself.
_OF_RING = f"""
SELECT t.id AS token_id, t.expires_at, t.revoked_at, t.first_used_at, ({_REPLACED_AT}) AS replaced_at,
  NULL AS scope, {_OWNER_COLUMNS}
FROM access_partnertoken t JOIN access_partner p ON p.id = t.partner_id {_OWNER_FROM} WHERE t.digest = %s
"""  # noqa: S608 - column names of our own models
_OF_OAUTH = f"""
SELECT NULL AS token_id, a.expires, NULL, NULL, NULL, a.scope, {_OWNER_COLUMNS}
FROM oauth2_provider_accesstoken a JOIN access_partner p ON p.application_id = a.application_id {_OWNER_FROM}
WHERE a.token_checksum = %s
"""  # noqa: S608 - column names of our own models
_OWN_COLUMNS = 6 + len(_PARTNER_FIELDS) + len(_ORGANISATION_FIELDS)


@dataclass(frozen=True, slots=True)
class TokenStatement:
    """The read that finds a token, one for each kind of token."""

    ring: bytes
    oauth: bytes


_ALONE = TokenStatement(_OF_RING.encode(), _OF_OAUTH.encode())


def beside_token(sql: str) -> TokenStatement:
    """The token's statement with the row of `sql`, which may use `presented.p_id` and `presented.o_path`."""
    head, tail = "SELECT * FROM (", f") presented LEFT JOIN LATERAL ({sql}) companion ON true"
    return TokenStatement(*(f"{head}{presented}{tail}".encode() for presented in (_OF_RING, _OF_OAUTH)))


@dataclass(frozen=True, slots=True)
class Companion:
    """A row that the token's own statement reads on the way: a verb called every second asks only once.

    `statement` comes from `beside_token`, `params` are those of the text given to it.
    """

    statement: TokenStatement
    params: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PartnerAuth:
    """Who presented a valid token, and what it opens."""

    partner: Partner
    scopes: frozenset[str]
    # What the companion found; its first column is None where it found nothing.
    companion: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`token` of a TokenInfo answer."""

    partner: Partner
    user: str
    device_code: str
    token: str


class ExchangeRefusedError(ForbiddenError):
    """A failed TokenInfo; `partner` is known once the token was, and decides the style of the answer."""

    def __init__(
        self, message: str, *, partner: Partner | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.partner = partner


class _ReplayError(ExchangeRefusedError):
    """A token whose successor was used already, or was not fetched within the grace time."""


def authenticate(token: str, companion: Companion | None = None) -> PartnerAuth:
    """Whose token this is, from the ring or from OAuth; ForbiddenError saying why it opens nothing."""
    statement = companion.statement if companion else _ALONE
    sql = statement.ring if is_derived(token) else statement.oauth
    row = fetch_one(sql, (token_digest(token), *(companion.params if companion else ())))
    if row is None:
        raise ForbiddenError("令牌无效")
    token_id, expires_at, revoked_at, first_used_at, replaced_at, granted, *owner = row[:_OWN_COLUMNS]
    partner = Partner.from_db("default", _PARTNER_FIELDS, owner[: len(_PARTNER_FIELDS)])
    organisation = Organisation.from_db("default", _ORGANISATION_FIELDS, owner[len(_PARTNER_FIELDS) :])
    # What an assignment does, without asking the database routers each time.
    _ORGANISATION_OF_PARTNER.set_cached_value(partner, organisation)
    now = timezone.now()
    if revoked_at is not None:
        raise ForbiddenError("令牌无效：已吊销")
    if not partner.is_active:
        raise ForbiddenError("令牌无效：接入方已停用")
    if expires_at <= now:
        raise ForbiddenError("令牌已过期")
    if replaced_at is not None and replaced_at + timedelta(seconds=settings.TOKEN_OVERLAP_SECONDS) <= now:
        raise ForbiddenError(_REPLACED)
    if token_id is not None and first_used_at is None:
        _mark_used(token_id, now)
    scopes = frozenset(partner.scopes)
    if granted is not None:
        scopes &= frozenset(granted.split())
    return PartnerAuth(partner, scopes, row[_OWN_COLUMNS:] if companion else None)


def outside_networks(address: str | None) -> str:
    return f"来源地址 {address or '未知'} 不在允许的网段内"


def _mark_used(token_id: int, now: datetime) -> None:
    PartnerToken.objects.filter(pk=token_id, first_used_at=None).update(first_used_at=now)


def issue_token(partner: Partner) -> str:
    """Writes the next generation of the ring; the caller holds the partner's row."""
    now = timezone.now()
    generation = (partner.tokens.aggregate(newest=Max("generation"))["newest"] or 0) + 1
    token = _derive(partner, generation)
    PartnerToken.objects.create(
        partner=partner,
        generation=generation,
        digest=token_digest(token),
        issued_at=now,
        expires_at=now + timedelta(seconds=partner.token_seconds),
    )
    return token


def newest_used_token(partner: Partner) -> str | None:
    """The token we present to a gateway: the newest it has used, derived again.

    Before its first request that is the one handed over offline. None: all are revoked, or the server
    key was changed since.
    """
    live = partner.tokens.filter(revoked_at=None).order_by("-generation")
    held = live.exclude(first_used_at=None).first() or live.last()
    if held is None:
        return None
    token = _derive(partner, held.generation)
    return token if token_digest(token) == held.digest else None


def exchange_token(
    *, device_code: str, user: str, token: str, sign: str | None, address: str | None
) -> IssuedToken:
    """The next token for the one held now; the same again for a repeated request (lost answer).

    ExchangeRefusedError otherwise: logged, and limited per address. A valid exchange is never limited.
    """
    partner: Partner | None = None
    try:
        held = find_token(token)
        if held is None:
            raise ExchangeRefusedError("令牌无效")
        partner = held.partner
        if not partner.may_call_from(address):
            raise ForbiddenError(outside_networks(address))
        _check_claims(held, device_code=device_code, user=user, token=token, sign=sign)
        issued = _exchange(held.pk, partner.pk)
    except ForbiddenError as error:
        _note_failure(partner, address, error)
        raise ExchangeRefusedError(error.message, partner=partner, retry_after=error.retry_after) from None
    _record(partner, address, Outcome.DONE)
    return IssuedToken(partner, partner.user, partner.device_code, issued)


def revoke_tokens(partner: Partner) -> int:
    """Ends every token of the partner, of both kinds, with immediate effect; how many there were."""
    ended = partner.tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
    granted, _ = AccessToken.objects.filter(application=partner.application_id).delete()
    return int(ended + granted)


def _derive(partner: Partner, generation: int) -> str:
    return derive_token(settings.TOKEN_SERVER_KEY.encode(), str(partner.token_family), generation)


def _check_claims(held: PartnerToken, *, device_code: str, user: str, token: str, sign: str | None) -> None:
    """Everything that needs no lock; the elliptic curve comes last, as it costs most (threats.md 12)."""
    partner = held.partner
    if not partner.is_active:
        raise ForbiddenError("接入方已停用")
    if held.revoked_at is not None:
        raise ForbiddenError("令牌无效：已吊销")
    if device_code.replace(" ", "+") != partner.device_code:
        raise ForbiddenError("deviceCode 与令牌不符")
    if not partner.is_named(user):
        raise ForbiddenError("user 与令牌不符")
    if held.expires_at + timedelta(days=settings.TOKEN_EXCHANGE_DAYS) <= timezone.now():
        raise ForbiddenError("令牌已过期，且超过可更换期限")
    if sign is None:
        if partner.sign_required:
            raise ForbiddenError("缺少签名 sign")
        return
    text = sign_text(partner.device_code, partner.user, token, partner.sign_template)
    if not verify(
        partner.public_key, text, sign, signer_id=partner.sign_id.encode(), with_z=partner.sign_with_z
    ):
        raise ForbiddenError("签名 sign 验证失败")


@transaction.atomic
def _exchange(token_id: int, partner_id: int) -> str:
    """The partner's row is the lock: of parallel exchanges one issues, the others repeat its answer."""
    partner = Partner.objects.select_for_update().get(pk=partner_id)
    held = PartnerToken.objects.get(pk=token_id)
    newest = newest_token(partner)
    if held.revoked_at is not None or newest is None or not partner.is_active:
        raise ForbiddenError("令牌无效：已吊销")
    now = timezone.now()
    if held.pk == newest.pk:
        # Whoever exchanges a token has received it: its predecessor is now out of use.
        _mark_used(held.pk, now)
        _forget_old_tokens(partner, now)
        return issue_token(partner)
    in_grace = newest.issued_at + timedelta(seconds=settings.TOKEN_GRACE_SECONDS) > now
    if held.generation != newest.generation - 1 or newest.first_used_at is not None or not in_grace:
        raise _ReplayError(_REPLACED)
    return _repeat(partner, newest)


def _repeat(partner: Partner, newest: PartnerToken) -> str:
    token = _derive(partner, newest.generation)
    if token_digest(token) != newest.digest:
        # The server key was changed in between: what was answered then is lost for good.
        newest.digest = token_digest(token)
        newest.save(update_fields=["digest"])
    return token


def _forget_old_tokens(partner: Partner, now: datetime) -> None:
    useless = now - timedelta(days=settings.TOKEN_EXCHANGE_DAYS + 1)
    partner.tokens.filter(expires_at__lt=useless).delete()


def _note_failure(partner: Partner | None, address: str | None, error: ForbiddenError) -> None:
    """Leaves a row and, for a replay, an alarm; only the refusal over the limit (threats.md 12).

    Of a token that was never ours a log line is enough: there is no partner to tell about it.
    """
    wait = count_one("token", address or "", limit=settings.TOKEN_FAILURES_PER_MINUTE)
    if wait is not None:
        raise ExchangeRefusedError("失败次数过多，请稍后再试", partner=partner, retry_after=wait)
    logger.warning("TokenInfo refused: partner %s from %s: %s", partner and partner.code, address, error)
    if partner is None:
        return
    _record(partner, address, Outcome.REFUSED, error.message)
    if isinstance(error, _ReplayError):
        raise_alarm(
            key=f"token-replay:{partner.pk}",
            title=f"接入方 {partner.user} 的旧令牌被再次使用",
            message=f"来源 {address or '未知'}。可能是截获的请求被重放，也可能是对方未收到新令牌；"
            "如对方已无法更换，请为其重新发放令牌",
            severity=Severity.WARNING,
            organisation=partner.organisation,
        )


def _record(partner: Partner, address: str | None, outcome: Outcome, reason: str = "") -> None:
    record(
        partner_actor(partner, address),
        _VERB,
        object_kind="partner",
        object_id=partner.pk,
        object_name=str(partner),
        outcome=outcome,
        reason=reason,
    )
