"""What those are told of an incident of others that takes their own cameras along: of these alone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q

from access.days import ZONE
from access.models import Alarm, User
from cameras.visibility import alarms_visible_to
from incidents.choices import IncidentKind
from incidents.models import Incident
from incidents.selectors import incidents_concerning, members_watched
from incidents.services.words import what_of

_AWAY: Final = Q(left_at=None)


@dataclass(frozen=True, slots=True)
class OwnPart:
    """Cameras that the user watches: away now, and all it ever took."""

    away: int
    ever: int


def worded_for(user: User, alarms: Iterable[Alarm]) -> list[Alarm]:
    """To be shown, never to be saved: titles and messages of incidents of others tell the user's own part."""
    shown = list(alarms)
    crossing = Incident.objects.filter(alarm__in=[alarm.pk for alarm in shown], kind=IncidentKind.GATEWAY)
    incidents = {incident.alarm_id: incident for incident in crossing if incident.alarm_id}
    for pk in _own(user, incidents):
        del incidents[pk]
    if not incidents:
        return shown
    parts = _parts(user, {incident.pk for incident in incidents.values()})
    for alarm in shown:
        if (incident := incidents.get(alarm.pk)) is not None:
            part = parts.get(incident.pk, OwnPart(0, 0))
            count = part.ever if alarm.closed_at else part.away
            what = what_of(incident) if count else "已恢复"
            began = f"{incident.began_at.astimezone(ZONE):%m-%d %H:%M:%S} 起"
            alarm.title = f"{incident.name}：{count or part.ever:,} 路{what}"
            alarm.message = f"{began}，只计您有权查看的 {part.ever:,} 路"
    return shown


def own_part(user: User, incident: Incident) -> OwnPart | None:
    """None where all of it concerns the user."""
    if incident.kind != IncidentKind.GATEWAY or incidents_concerning(user).filter(pk=incident.pk).exists():
        return None
    return _parts(user, {incident.pk}).get(incident.pk, OwnPart(0, 0))


def _own(user: User, alarm_ids: Collection[int]) -> list[int]:
    if not alarm_ids:
        return []
    return list(alarms_visible_to(user).filter(pk__in=alarm_ids).order_by().values_list("pk", flat=True))


def _parts(user: User, incident_ids: set[int]) -> dict[int, OwnPart]:
    members = members_watched(user).filter(incident__in=incident_ids).order_by().values("incident")
    counted = members.annotate(
        away=Count("camera", filter=_AWAY, distinct=True), ever=Count("camera", distinct=True)
    ).values_list("incident", "away", "ever")
    return {pk: OwnPart(away, ever) for pk, away, ever in counted}
