"""Reads of incidents: what is away now in one statement, and incidents with the actor first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from access.choices import Action, OrganisationKind
from access.models import Alarm, User
from access.selectors import concerned
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway
from cameras.selectors import cameras_visible_to
from cameras.visibility import alarms_within, visible_condition, visible_conditions
from incidents.choices import IncidentKind
from incidents.folding import Away, Place
from incidents.models import Incident, IncidentCamera
from streaming.choices import VideoType

FLAPPING_OVER: Final = timedelta(hours=1)

# Cameras of which something was heard; of others nobody misses anything.
_LIVE: Final = """
WITH live AS (
    SELECT c.id, c.organisation_id AS office, split_part(o.path, '/', 2)::bigint AS province,
           CASE WHEN o.kind = %(office)s THEN coalesce(o.parent_id, o.id) ELSE o.id END AS company,
           btrim(split_part(c.road, '&', 1)) AS road,
           c.gateway_id AS gateway, p.media_server_id AS server, c.status, c.status_at,
           LEAST(c.status_at, c.raw_status_at) AS away_at
    FROM cameras_camera c
    JOIN access_organisation o ON o.id = c.organisation_id
    LEFT JOIN streaming_pushsession p ON p.camera_id = c.id AND p.video_type = %(low)s
    WHERE c.deleted_at IS NULL AND NOT c.is_pending AND c.status_at IS NOT NULL
)
"""
# The columns of folding.Place.
_PLACE: Final = "province, company, office, road, gateway, server"

# Times that a camera came back, each of which it had gone away before. It is away since its stream was lost, as its tile
# says it: its status follows when the blip filter is over.
_AWAY: Final = (
    f"""{_LIVE}
, flaps AS (
    SELECT s.camera_id, count(*) AS times, min(s.at) AS since
    FROM live JOIN cameras_statuschange s ON s.camera_id = live.id AND s.at >= %(flapping_from)s
    WHERE live.status_at >= %(flapping_from)s AND s.status = %(online)s
    GROUP BY s.camera_id HAVING count(*) >= %(least)s
)
SELECT live.id, CASE WHEN status <> %(online)s THEN away_at ELSE since END, coalesce(times, 0),
       status <> %(online)s, {_PLACE}
FROM live LEFT JOIN flaps ON flaps.camera_id = live.id
WHERE status <> %(online)s OR times IS NOT NULL
"""  # noqa: S608  constants alone
)
_CENSUS: Final = f"{_LIVE} SELECT count(*), {_PLACE} FROM live GROUP BY {_PLACE}"  # noqa: S608  constants alone


def cameras_away(now: datetime, flapping: Collection[int]) -> list[Away]:
    """All that are away or flap now; those of `flapping` (camera ids) do so until half as often as others."""
    parameters = {**_parameters(), "flapping_from": now - FLAPPING_OVER, "least": max(1, settings.FLAPPING_TIMES // 2)}
    with connection.cursor() as cursor:
        cursor.execute(_AWAY, parameters)
        rows = cursor.fetchall()
    found = []
    for pk, since, times, is_away, *place in rows:
        is_flapping = times >= settings.FLAPPING_TIMES or (times > 0 and pk in flapping)
        if is_away or is_flapping:
            found.append(Away(pk, Place(*place), since, is_flapping))
    return found


def census() -> dict[Place, int]:
    """How many cameras there are at each place, online or not."""
    with connection.cursor() as cursor:
        cursor.execute(_CENSUS, _parameters())
        return {Place(*place): count for count, *place in cursor.fetchall()}


def silent_gateways() -> set[int]:
    """Gateways that did not answer the last order, nor said a word of a camera since it went away."""
    lost = Camera.objects.filter(gateway=OuterRef("pk"), deleted_at=None).exclude(status=OnlineStatus.ONLINE)
    told_since = lost.filter(reported_since__gte=F("status_at"))
    silent = Gateway.objects.filter(is_active=True).exclude(last_error="").exclude(base_url="")
    return set(silent.filter(~Exists(told_since)).values_list("pk", flat=True))


def _parameters() -> dict[str, Any]:
    return {
        "office": OrganisationKind.OFFICE.value,
        "low": VideoType.LOW.value,
        "online": OnlineStatus.ONLINE.value,
    }


def incidents_concerning(user: User) -> QuerySet[Incident]:
    """Those of the user's organisations and those of the platform; those of a single camera only where the user may
    watch it.
    """
    return _concerning(user, Exists(members_watched(user).filter(incident=OuterRef("pk"))))


def incidents_visible_to(user: User) -> QuerySet[Incident]:
    """The same, and those of gateways that serve other companies too and take cameras along that the user watches."""
    reaching = Exists(members_watched(user).filter(incident=OuterRef("pk")))
    return _concerning(user, reaching) | Incident.objects.filter(reaching, kind=IncidentKind.GATEWAY)


def _concerning(user: User, reaching: Exists) -> QuerySet[Incident]:
    return Incident.objects.filter(concerned(user, Q()), ~Q(kind=IncidentKind.CAMERA) | reaching)


def alarms_told_to(user: User) -> QuerySet[Alarm]:
    """Those that concern the user, and those of the incidents above; `services.telling` puts their words right."""
    shown, watched = visible_conditions(
        user, Action.WATCH, ("camera_id", "organisation__path"), ("camera", "camera__organisation__path")
    )
    members = IncidentCamera.objects.filter(watched, incident__alarm=OuterRef("pk"))
    reaching = Alarm.objects.filter(Exists(members.filter(incident__kind=IncidentKind.GATEWAY)))
    return alarms_within(user, shown) | reaching


def members_watched(user: User) -> QuerySet[IncidentCamera]:
    """Cameras in any incident, also those that were deleted since."""
    watched = visible_condition(user, Action.WATCH, camera="camera", path="camera__organisation__path")
    return IncidentCamera.objects.filter(watched)


def running_incidents(user: User, cameras: QuerySet[Camera]) -> list[tuple[Incident, int]]:
    """What goes on now and takes several cameras along, those first that take most: each with how many of `cameras`
    it holds. Of what holds none of them nothing is told.
    """
    running = Incident.objects.filter(ended_at=None).exclude(kind=IncidentKind.CAMERA)
    # Every screen asks every two seconds, and nearly always nothing goes on.
    if not running.exists():
        return []
    away = IncidentCamera.objects.filter(left_at=None, incident__in=running.order_by(), camera__in=cameras.order_by())
    counts = dict(away.order_by().values_list("incident").annotate(Count("pk")))
    found = incidents_visible_to(user).filter(pk__in=counts, ended_at=None)
    return sorted(((one, counts[one.pk]) for one in found), key=lambda pair: (-pair[1], pair[0].pk))


def members_visible_to(user: User, incident: Incident) -> QuerySet[IncidentCamera]:
    """Those who are away first, in driving order, then who came back last; cameras of others are not told of."""
    cameras = cameras_visible_to(user, Action.WATCH).order_by()
    members = IncidentCamera.objects.filter(incident=incident, camera__in=cameras).select_related("camera__organisation")
    latest = F("left_at").desc(nulls_first=True)
    return members.order_by(latest, "camera__road", "camera__stake_m", "camera__orientation", "pk")


@dataclass(frozen=True, slots=True)
class Affected:
    """One incident as far as it reached into one office and road."""

    incident_id: int
    organisation_id: int
    road: str


def affected_between(cameras: QuerySet[Camera], begin: datetime, end: datetime) -> list[Affected]:
    """Incidents that began in the time, once for each office and road of `cameras` they reached."""
    rows = (
        IncidentCamera.objects.filter(
            incident__began_at__gte=begin,
            incident__began_at__lt=end,
            incident__merged_into=None,
            camera__in=cameras.order_by(),
        )
        .order_by()
        .values_list("incident_id", "camera__organisation_id", "camera__road")
        .distinct()
    )
    return [Affected(*row) for row in rows]
