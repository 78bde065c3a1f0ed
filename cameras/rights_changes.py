"""What changed of the rights on one camera: roles, exceptions, groups, and where it belongs.

From the rows themselves, which stay when a right ends; the behaviour log says by whom.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from access.choices import CAMERA_ACTIONS, Role
from access.models import BehaviourLog, Organisation, StaffRole
from access.models.staff import LimitedInTime
from access.selectors import actions_of
from access.words import span_in_words
from cameras.models import Camera, CameraChange, CameraException, GroupChange, GroupMember

MOST_CHANGES: Final = 200
_VERBS: Final = ("授予角色", "收回角色", "新增权限例外", "撤销权限例外")
# A right and its row of the log are written in one transaction.
_TOGETHER: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class RightsChange:
    """`by` is empty where a right began or ran out by itself, or nobody kept who it was; `thing` is by what the log
    finds it, `subject` its object there.
    """

    at: datetime
    kind: str
    words: str
    thing: str
    subject: tuple[str, str] = ("", "")
    by: str = ""


def rights_changes(camera: Camera, since: datetime) -> list[RightsChange]:
    """The latest MOST_CHANGES from `since` to now, the newest first; `organisation` should be loaded.

    The number of queries does not depend on anything.
    """
    now = timezone.now()
    above = [int(part) for part in camera.organisation.path.strip("/").split("/")]
    parts = (
        *(_roles(above, since, now), _changed_roles(above, since), _exceptions(camera, since, now)),
        *(_groups(camera, since), _moves(camera, since), _moved_organisations(above, since)),
    )
    found = sorted((change for part in parts for change in part), key=lambda change: change.at, reverse=True)
    return _with_authors(found[:MOST_CHANGES], since)


def _opening_roles() -> list[Role]:
    return [role for role in Role if actions_of(role) & set(CAMERA_ACTIONS)]


def _roles(above: list[int], since: datetime, now: datetime) -> Iterator[RightsChange]:
    touched = Q(granted_at__gte=since) | Q(valid_until__gte=since, valid_until__lte=now)
    rows = StaffRole.objects.filter(touched, role__in=_opening_roles(), organisation__in=above)
    for row in rows.select_related("user", "organisation"):
        right = f"{row.organisation.name}的{row.get_role_display()}"
        name, subject = row.user.display_name, ("user", str(row.user_id))
        if row.granted_at and row.granted_at >= since:
            span = _span(row, now)
            words = f"授予{name}：{right}{f'，{span}' if span else ''}"
            yield RightsChange(row.granted_at, "角色", words, row.user.username, subject)
        if row.valid_until and since <= row.valid_until <= now:
            yield RightsChange(row.valid_until, "角色", f"{name}不再是{right}", row.user.username, subject)


def _span(row: LimitedInTime, now: datetime) -> str:
    """An end that has come is a change of its own."""
    is_over = row.valid_until is not None and row.valid_until <= now
    return span_in_words(row.valid_from, None if is_over else row.valid_until)


def _changed_roles(above: list[int], since: datetime) -> Iterator[RightsChange]:
    """The row has only the span of now."""
    places = Organisation.objects.filter(pk__in=above).values_list("name", flat=True)
    which = [f"{role.label} · {place}" for role in _opening_roles() for place in places]
    rows = BehaviourLog.objects.filter(verb="修改角色期限", at__gte=since, reason__in=which)
    for row in rows:
        words = f"修改{row.object_name}的期限：{row.reason}"
        yield RightsChange(row.at, "角色", words, row.object_name, by=row.actor_name)


def _exceptions(camera: Camera, since: datetime, now: datetime) -> Iterator[RightsChange]:
    groups = GroupMember.objects.filter(camera=camera).values("group")
    former = GroupChange.objects.filter(camera=camera, at__gte=since).values("group_id")
    on_it = Q(camera=camera) | Q(group__in=groups) | Q(group__in=former)
    touched = Q(granted_at__gte=since) | Q(valid_until__gte=since, valid_until__lte=now)
    rows = CameraException.objects.filter(on_it, touched)
    for row in rows.select_related("user", "partner", "role_at", "camera", "group"):
        on = f"（组“{row.group}”）" if row.group else ""
        what = f"{'禁止' if row.is_denied else '允许'}{row.subject_name}{row.get_action_display()}{on}"
        subject, thing = _subject_of(row), row.subject_name
        if row.granted_at and row.granted_at >= since:
            span = _span(row, now)
            words = "，".join(filter(None, [f"新增例外：{what}", span, row.reason]))
            yield RightsChange(row.granted_at, "例外", words, thing, subject)
        if row.valid_until and since <= row.valid_until <= now:
            yield RightsChange(row.valid_until, "例外", f"例外结束：{what}", thing, subject)


def _subject_of(row: CameraException) -> tuple[str, str]:
    """As the log names it."""
    if row.user_id:
        return "user", str(row.user_id)
    return ("partner", str(row.partner_id)) if row.partner_id else ("role", row.role)


def _groups(camera: Camera, since: datetime) -> Iterator[RightsChange]:
    for row in GroupChange.objects.filter(camera=camera, at__gte=since).order_by("-id")[:MOST_CHANGES]:
        words = f"{'加入' if row.is_entry else '移出'}组“{row.group_name}”"
        yield RightsChange(row.at, "摄像机组", words, row.group_name, by=row.actor_name)


def _moves(camera: Camera, since: datetime) -> Iterator[RightsChange]:
    for row in CameraChange.objects.filter(camera=camera, at__gte=since).order_by("-id"):
        for name, before, after in row.fields:
            if name == "organisation":
                words = f"单位由“{before}”改为“{after}”"
                yield RightsChange(row.at, "所属单位", words, camera.number, by=row.actor_name)


def _moved_organisations(above: list[int], since: datetime) -> Iterator[RightsChange]:
    ids = [str(pk) for pk in above]
    rows = BehaviourLog.objects.filter(object_kind="organisation", object_id__in=ids, verb="移动单位", at__gte=since)
    for row in rows:
        words = f"{row.object_name}的上级由“{row.detail.get('之前', '')}”改为“{row.detail.get('之后', '')}”"
        yield RightsChange(row.at, "所属单位", words, row.object_name, by=row.actor_name)


def _with_authors(changes: list[RightsChange], since: datetime) -> list[RightsChange]:
    ids = {change.subject[1] for change in changes if change.subject[1]}
    logs = BehaviourLog.objects.filter(verb__in=_VERBS, object_id__in=ids, at__gte=since - _TOGETHER).order_by()
    acts = list(logs.values_list("object_kind", "object_id", "at", "actor_name"))

    def author(change: RightsChange) -> str:
        near = [(abs(at - change.at), name) for *subject, at, name in acts if tuple(subject) == change.subject]
        apart, name = min(near, default=(_TOGETHER, ""))
        return name if apart < _TOGETHER else ""

    return [replace(change, by=change.by or author(change)) for change in changes]
