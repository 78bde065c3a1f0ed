"""Enrolling an authenticator app, asking for its codes, taking it away."""

import base64
import secrets
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.models import SecondFactor, User
from access.services.logs import record
from access.totp import new_secret, step_of
from protocol.sm2 import sm3

RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class Passed:
    """A code that was right; `recovery_left` is set when it was a recovery code."""

    recovery_left: int | None = None


def begin_enrolment(user: User) -> SecondFactor:
    """The factor to scan: the same one until it was confirmed."""
    factor, _ = SecondFactor.objects.get_or_create(user=user, defaults={"secret": new_secret()})
    return factor


@transaction.atomic
def confirm_enrolment(*, user: User, code: str, actor: Actor) -> list[str] | None:
    """The recovery codes, which are told only this once; None when the code is wrong or there is nothing to confirm."""
    factor = _locked(user)
    if factor is None or factor.confirmed_at is not None:
        return None
    step = step_of(factor.secret, _compact(code), after=factor.last_step)
    if step is None:
        return None
    factor.confirmed_at, factor.last_step = timezone.now(), step
    codes = _new_recovery(factor)
    _record(actor, "启用动态口令", user)
    return codes


@transaction.atomic
def pass_second_factor(*, user: User, code: str) -> Passed | None:
    """Takes a code of the app or a recovery code; each opens only once, also for two who give it at once."""
    factor = _locked(user)
    if factor is None or factor.confirmed_at is None:
        return None
    given = _compact(code)
    step = step_of(factor.secret, given, after=factor.last_step)
    if step is not None:
        factor.last_step = step
        factor.save(update_fields=["last_step"])
        return Passed()
    digest = _digest(given)
    if digest not in factor.recovery_digests:
        return None
    factor.recovery_digests.remove(digest)
    factor.save(update_fields=["recovery_digests"])
    return Passed(recovery_left=len(factor.recovery_digests))


@transaction.atomic
def renew_recovery(*, user: User, actor: Actor) -> list[str]:
    """New recovery codes in place of those there are; none where no factor is in use."""
    factor = _locked(user)
    if factor is None or factor.confirmed_at is None:
        return []
    codes = _new_recovery(factor)
    _record(actor, "更换恢复码", user)
    return codes


@transaction.atomic
def remove_second_factor(*, user: User, actor: Actor) -> bool:
    """For a lost telephone; whoever needs one enrols anew at the next sign-in."""
    removed, _ = SecondFactor.objects.filter(user=user).delete()
    if removed:
        _record(actor, "停用动态口令", user)
    return bool(removed)


def _locked(user: User) -> SecondFactor | None:
    return SecondFactor.objects.select_for_update().filter(user=user).first()


def _new_recovery(factor: SecondFactor) -> list[str]:
    plain = [
        base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)
    ]
    factor.recovery_digests = [_digest(code) for code in plain]
    factor.save(update_fields=["confirmed_at", "last_step", "recovery_digests"])
    return ["-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in plain]


def _compact(code: str) -> str:
    """As it was typed, without the blanks and dashes between groups."""
    return "".join(char for char in code.lower() if char.isalnum())[:40]


def _digest(code: str) -> str:
    return sm3(code.encode()).hex()


def _record(actor: Actor, verb: str, user: User) -> None:
    record(actor, verb, object_kind="user", object_id=user.pk, object_name=user.username)
