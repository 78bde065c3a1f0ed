"""Browsers in which somebody is signed in, and who may look after them."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from access import screens
from access.actors import Actor
from access.choices import DUTIES
from access.models import StaffRole, StaffSession, User
from access.services.logs import record
from access.signals import signed_out


def sessions_of(people: QuerySet[User]) -> QuerySet[StaffSession]:
    """Where they are signed in, who touched the platform last first; what is idle for too long is over."""
    found = StaffSession.objects.filter(_in_use(), user__in=people.filter(is_active=True))
    return found.select_related("user").order_by("-seen_at", "session_key")


def signed_in_among(user_ids: Iterable[int]) -> set[int]:
    """Those of them who are signed in anywhere."""
    found = StaffSession.objects.filter(_in_use(), user__in=list(user_ids)).order_by()
    return {pk for pk in found.values_list("user_id", flat=True).distinct() if pk is not None}


def _in_use() -> Q:
    now = timezone.now()
    touched = Q(seen_at=None) | Q(seen_at__gte=now - timedelta(seconds=settings.CONSOLE_IDLE_SECONDS))
    hanging = Q(user__screen_networks__len__gt=0, signed_in_at__gte=now - screens.span())
    of_people = Q(user__screen_networks__len=0) & touched
    return (of_people | hanging) & Q(expire_date__gt=now)


def may_lose_factor(people: QuerySet[User], *, by: User) -> QuerySet[User]:
    """Those of them whose second factor `by` may take away: not one's own, which would need no code then, and not
    those of 三员, who look after each other (`manage.py remove_second_factor`).
    """
    administrators = StaffRole.objects.filter(role__in=DUTIES).values("user")
    return people.exclude(pk=by.pk).exclude(pk__in=administrators)


def find_session(sessions: QuerySet[StaffSession], handle: str) -> StaffSession | None:
    return next((each for each in sessions if each.handle == handle), None)


def end_session(*, session: StaffSession, actor: Actor) -> None:
    """The next request of that browser is nobody's."""
    session.delete()
    user = session.user
    if user is not None:
        record_end(user, actor, f"登录于 {session.address or '未知地址'}")
        signed_out.send(StaffSession, user_id=user.pk)


def record_end(user: User, actor: Actor, reason: str) -> None:
    record(
        actor,
        "结束登录会话",
        object_kind="user",
        object_id=user.pk,
        object_name=user.username,
        reason=reason,
    )


def forget_sessions_of(user: User) -> int:
    """All of them; who ended them is for the caller to say."""
    ended, _ = StaffSession.objects.filter(user=user).delete()
    signed_out.send(StaffSession, user_id=user.pk)
    return ended


@receiver(post_save, sender=User)
def _end_with_the_account(sender: object, instance: User, **_: object) -> None:
    # Switched on again later, an old browser must not be signed in with it.
    if not instance.is_active:
        forget_sessions_of(instance)
