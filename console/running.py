"""What the wall says while many cameras are away for one cause: an incident in one line, with a way to its alarm."""

from typing import Final, TypedDict

from django.db.models import QuerySet
from django.urls import reverse

from access.choices import Severity
from access.models import User
from cameras.models import Camera
from console.cards import unix
from incidents.models import Incident
from incidents.selectors import running_incidents
from incidents.services.words import severity_of, what_of

# Told of one by one; of more only that there are more.
_MOST_TOLD: Final = 3


class RunningIncident(TypedDict):
    """`cameras` are those that the person may watch; `since` is unix seconds."""

    id: int
    name: str
    what: str
    cameras: int
    since: float | None
    is_grave: bool
    url: str


class Running(TypedDict):
    """`more` are those beyond the ones told of."""

    incidents: list[RunningIncident]
    more: int


def running_of(user: User, cameras: QuerySet[Camera]) -> Running:
    found = running_incidents(user, cameras)
    told = [_told(incident, count) for incident, count in found[:_MOST_TOLD]]
    return Running(incidents=told, more=len(found) - len(told))


def _told(incident: Incident, count: int) -> RunningIncident:
    return RunningIncident(
        id=incident.pk,
        name=incident.name,
        what=what_of(incident),
        cameras=count,
        since=unix(incident.began_at),
        is_grave=severity_of(incident) == Severity.CRITICAL,
        url=_url(incident),
    )


def _url(incident: Incident) -> str:
    """Its alarm; where that has been deleted, its cameras."""
    if incident.alarm_id is None:
        return reverse("console:incident", args=[incident.pk])
    return f"{reverse('console:alarms')}?alarm={incident.alarm_id}"
