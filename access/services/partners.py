"""Making partners and handing out what they need offline: first token, key pair, OAuth secret."""

from dataclasses import dataclass, field

from django.db import transaction
from oauth2_provider.generators import generate_client_secret

from access.actors import SYSTEM, Actor
from access.choices import KIND_SCOPES, PartnerKind
from access.models import Application, Organisation, Partner
from access.services.logs import record
from access.services.organisations import ensure_root
from access.services.tokens import issue_token, revoke_tokens
from access.signals import tokens_revoked
from protocol.sm2 import generate_key_pair


@dataclass(frozen=True, slots=True)
class IssuedPartner:
    """What a partner is handed offline, once: neither token nor private key can be shown again.

    `device_code` is the BASE64 as sent, `private_key` 64 hex digits, `public_key` 128.
    """

    partner_id: int
    user: str
    device_code: str
    token: str = field(repr=False)
    private_key: str = field(repr=False)
    public_key: str


@dataclass(frozen=True, slots=True)
class OAuthSecret:
    client_id: str
    client_secret: str = field(repr=False)


@transaction.atomic
def create_partner(
    *,
    kind: PartnerKind,
    code: str,
    user: str,
    name: str = "",
    organisation: Organisation | None = None,
    has_scopes: bool = True,
    actor: Actor = SYSTEM,
) -> IssuedPartner:
    """A partner with the scopes of its kind, or with none yet, its OAuth client and its first token.

    Without `organisation` its scope is the whole province. ValidationError when code or user is taken.
    """
    keys = generate_key_pair()
    partner = Partner(
        application=_new_application(name or user),
        kind=kind,
        name=name or user,
        code=code,
        user=user,
        organisation=organisation or ensure_root(),
        scopes=list(KIND_SCOPES[kind]) if has_scopes else [],
        public_key=keys.public_key,
    )
    partner.full_clean(exclude=["application", "scopes"])
    partner.application.save()
    partner.save()
    _record(actor, "建立接入方", partner)
    return _handed(partner, issue_token(partner), keys.private_key)


@transaction.atomic
def reissue_partner(*, partner: Partner, actor: Actor = SYSTEM) -> IssuedPartner:
    """A new first token and key pair for a partner that lost its own; all it held ends at once."""
    held = Partner.objects.select_for_update().get(pk=partner.pk)
    keys = generate_key_pair()
    revoke_tokens(held)
    tokens_revoked.send(Partner, partner_id=held.pk)
    held.public_key = keys.public_key
    held.save(update_fields=["public_key"])
    _record(actor, "重新发放首个令牌", held)
    return _handed(held, issue_token(held), keys.private_key)


@transaction.atomic
def revoke_partner(*, partner: Partner, actor: Actor = SYSTEM) -> int:
    """Ends all tokens of the partner; how many. It comes back only by `reissue_partner` or OAuth."""
    held = Partner.objects.select_for_update().get(pk=partner.pk)
    ended = revoke_tokens(held)
    tokens_revoked.send(Partner, partner_id=held.pk)
    _record(actor, "吊销令牌", held, reason=f"{ended} 个")
    return ended


@transaction.atomic
def issue_oauth_secret(*, partner: Partner, actor: Actor = SYSTEM) -> OAuthSecret:
    """A new secret for client_credentials; the one before is void, tokens already granted stay."""
    application = Application.objects.select_for_update().get(pk=partner.application_id)
    secret = generate_client_secret()
    application.client_secret = secret
    application.save(update_fields=["client_secret"])
    _record(actor, "生成 OAuth 密钥", partner)
    return OAuthSecret(application.client_id, secret)


def _new_application(name: str) -> Application:
    # The library hashes the generated secret when it is saved; nobody ever sees this one.
    return Application(
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )


def _handed(partner: Partner, token: str, private_key: str) -> IssuedPartner:
    return IssuedPartner(
        partner.pk, partner.user, partner.device_code, token, private_key, partner.public_key
    )


def _record(actor: Actor, verb: str, partner: Partner, *, reason: str = "") -> None:
    record(
        actor,
        verb,
        object_kind="partner",
        object_id=partner.pk,
        object_name=str(partner),
        reason=reason,
    )
