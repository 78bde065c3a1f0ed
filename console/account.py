"""What the pages of one's own account, and of the sign-ins one looks after, show."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    UserAttributeSimilarityValidator,
    get_default_password_validators,
)
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from access import screens
from access.models import PasswordRecord, SecondFactor, StaffSession, User
from access.staff_sessions import sessions_of

_BROWSERS: Final = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS: Final = (
    *(("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad")),
    *(("Mac OS X", "macOS"), ("Linux", "Linux")),
)
# Whose own words are not ours.
_LIBRARY: Final = (CommonPasswordValidator, UserAttributeSimilarityValidator)
_SIMILAR: Final = "不能是常见的密码，也不能与姓名、邮箱相近"


@dataclass(frozen=True, slots=True)
class SessionRow:
    session: StaffSession
    browser: str
    is_this: bool

    @property
    def until(self) -> datetime | None:
        """When a big screen has to be signed in again."""
        at = self.session.signed_in_at
        return at + screens.span() if at else None


@dataclass(frozen=True, slots=True)
class PersonRow:
    user: User
    has_factor: bool
    may_lose_factor: bool
    password_at: datetime | None
    sessions: int


@dataclass(frozen=True, slots=True)
class PasswordState:
    """`until` is None where passwords do not grow old."""

    set_at: datetime
    until: datetime | None


def session_rows(sessions: QuerySet[StaffSession], this_key: str | None) -> list[SessionRow]:
    return [SessionRow(each, browser_of(each.agent), each.session_key == this_key) for each in sessions]


def password_rules() -> list[str]:
    """What a new password has to be, Django's own rules in our words."""
    own = (rule for rule in get_default_password_validators() if not isinstance(rule, _LIBRARY))
    return [*(rule.get_help_text() for rule in own), _SIMILAR]


def password_state(user: User) -> PasswordState:
    newest = PasswordRecord.objects.filter(user=user).first()
    set_at = newest.set_at if newest else user.date_joined
    days = settings.PASSWORD_DAYS
    return PasswordState(set_at, set_at + timedelta(days=days) if days else None)


def factor_of(user: User) -> SecondFactor | None:
    """The one in use."""
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).first()


def person_rows(people: QuerySet[User], may_lose_factor: QuerySet[User]) -> list[PersonRow]:
    newest = PasswordRecord.objects.filter(user=OuterRef("pk")).order_by("-id").values("set_at")[:1]
    with_facts = people.filter(is_active=True).annotate(
        password_at=Subquery(newest),
        has_factor=Count("second_factor", filter=~Q(second_factor__confirmed_at=None)),
        may_lose_factor=Exists(may_lose_factor.order_by().filter(pk=OuterRef("pk"))),
    )
    open_in: dict[int, int] = {}
    for user_id in sessions_of(people).values_list("user_id", flat=True):
        if user_id is not None:
            open_in[user_id] = open_in.get(user_id, 0) + 1
    return [
        PersonRow(
            user,
            has_factor=bool(user.has_factor),
            may_lose_factor=user.may_lose_factor,
            password_at=user.password_at,
            sessions=open_in.get(user.pk, 0),
        )
        for user in with_facts
    ]


def browser_of(agent: str) -> str:
    """`Chrome 139 · Windows`; what is not known by name stands as it is."""
    name = next(
        (f"{label} {_version(agent, mark)}".strip() for mark, label in _BROWSERS if mark in agent), ""
    )
    system = next((label for mark, label in _SYSTEMS if mark in agent), "")
    return " · ".join(filter(None, [name, system])) or agent[:60] or "未知"


def _version(agent: str, mark: str) -> str:
    found = re.search(rf"{re.escape(mark)}(\d+)", agent)
    return found[1] if found and mark != "Safari/" else ""
