"""What an upper platform does not hold yet: everywhere our state differs from what it acknowledged.

One statement looks at every camera once and says which of the four things are owed of it. A camera that is new, of
which no delivery is kept yet, is owed its registration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from ministry.choices import QUALITY_IN_DOUBT, STATUS_IN_DOUBT, Interface
from ministry.models import CameraDelivery, DeliveryTrouble, UpperPlatform
from ministry.selectors.analyses import owed_analyses

# The last condition repeats what `v` says of each, for cameras in step, which are nearly all, to be left out early.
# `is_hourly`: nothing changed, but it was not yet told in this clock hour (document 1.2, 1.3).
# A state in doubt waits since it was sent.
# Of a camera whose modification is in doubt no state is told: its department there may be the old or the new one;
# and of one that nobody ever judged no quality.
_OWED: Final = """
FROM cameras_camera c
LEFT JOIN ministry_cameradelivery d ON d.camera_id = c.id AND d.platform_id = %(platform)s
JOIN access_organisation o ON o.id = c.organisation_id
LEFT JOIN quality_cameraquality q ON q.camera_id = c.id
CROSS JOIN LATERAL (
    SELECT c.deleted_at IS NOT NULL OR c.is_pending OR NOT starts_with(o.path, %(path)s) AS is_gone
) g
CROSS JOIN LATERAL (SELECT d.version > 0 AND NOT d.is_in_doubt AND NOT g.is_gone AS is_certain) k
CROSS JOIN LATERAL (
    SELECT %(register)s::smallint, FALSE, GREATEST(c.version_at, d.reset_at), FALSE
    WHERE NOT g.is_gone AND (d.version IS NULL OR d.version < c.version)
    UNION ALL
    SELECT %(delete)s::smallint, FALSE, GREATEST(COALESCE(c.deleted_at, c.updated_at), d.reset_at), FALSE
    WHERE g.is_gone AND (d.version > 0 OR d.is_in_doubt)
    UNION ALL
    SELECT %(status)s::smallint, d.status IS NOT DISTINCT FROM c.status,
        GREATEST(c.status_at, d.registered_at, d.reset_at, CASE WHEN d.status = %(status_in_doubt)s THEN d.status_at END),
        d.status IS NOT NULL
    WHERE k.is_certain AND (d.status IS DISTINCT FROM c.status OR d.status_at < %(hour)s)
    UNION ALL
    SELECT %(quality)s::smallint, d.quality IS NOT DISTINCT FROM q.flags,
        GREATEST(q.changed_at, d.registered_at, d.reset_at, CASE WHEN d.quality = %(quality_in_doubt)s THEN d.quality_at END),
        d.quality IS NOT NULL
    WHERE k.is_certain AND q.flags IS NOT NULL AND (d.quality IS DISTINCT FROM q.flags OR d.quality_at < %(hour)s)
) v (interface, is_hourly, since, was_told)
LEFT JOIN ministry_deliverytrouble t ON t.delivery_id = d.id AND t.interface = v.interface
WHERE CASE
    WHEN g.is_gone THEN d.version > 0 OR d.is_in_doubt
    ELSE d.id IS NULL OR d.version < c.version OR d.status IS DISTINCT FROM c.status OR d.status_at < %(hour)s
        OR q.flags IS NOT NULL AND (d.quality IS DISTINCT FROM q.flags OR d.quality_at < %(hour)s)
END
"""
_SENDABLE: Final = f"""
SELECT rank, interface, department, strikes, array_agg(id ORDER BY id) FILTER (WHERE id IS NOT NULL), bool_or(id IS NULL)
FROM (
    SELECT v.interface, d.id, COALESCE(d.department, '') AS department, COALESCE(t.strikes, 0) AS strikes,
        CASE
            WHEN v.is_hourly THEN %(hourly)s
            WHEN v.was_told THEN %(changed)s
            WHEN v.interface = %(delete)s THEN %(gone)s
            WHEN v.interface = %(register)s THEN %(new)s
            WHEN v.interface = %(status)s THEN %(first_status)s
            ELSE %(first_quality)s
        END AS rank
    {_OWED}
        AND (d.claimed_until IS NULL OR d.claimed_until <= %(now)s)
        AND (
            t.id IS NULL OR t.retry_at <= %(now)s
            OR t.about <> CASE v.interface
                WHEN %(register)s THEN c.version::text WHEN %(status)s THEN c.status::text
                WHEN %(quality)s THEN q.flags ELSE ''
            END
        )
        AND v.interface = ANY(%(interfaces)s)
    ORDER BY rank, strikes, v.interface, department, d.id
    LIMIT %(limit)s
) owed
GROUP BY rank, strikes, interface, department
ORDER BY rank, strikes, interface, department
"""  # noqa: S608
_BACKLOG: Final = f"""
SELECT v.interface, count(*) FILTER (WHERE NOT v.is_hourly), count(*) FILTER (WHERE v.is_hourly),
    min(v.since) FILTER (WHERE NOT v.is_hourly AND t.parked_at IS NULL), count(t.parked_at)
{_OWED}
GROUP BY v.interface
"""  # noqa: S608
_PARKED: Final = f"""
SELECT t.id {_OWED} AND t.parked_at IS NOT NULL ORDER BY t.parked_at DESC, t.id LIMIT %(limit)s
"""  # noqa: S608
CAMERA_INTERFACES: Final = (Interface.REGISTER, Interface.DELETE, Interface.STATUS, Interface.QUALITY)


class Rank(IntEnum):
    """What goes first. Anything abnormal is told at once, the hourly repetition when nothing else waits."""

    CHANGED = 0
    GONE = 1
    NEW = 2
    FIRST_STATUS = 3
    FIRST_QUALITY = 4
    EVENT = 5
    HOURLY = 6


@dataclass(frozen=True, slots=True)
class Owed:
    """Things to tell that may travel together; `keys` are ids of deliveries, in ascending order."""

    rank: Rank
    interface: Interface
    department: str
    strikes: int
    keys: Sequence[int]
    # Some are new cameras, for which no delivery is kept yet.
    has_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at one interface; `oldest` leaves out what is parked, `hourly` is what this hour still owes."""

    waiting: int = 0
    hourly: int = 0
    oldest: datetime | None = None
    parked: int = 0


def current_hour(now: datetime | None = None) -> datetime:
    return (now or timezone.now()).replace(minute=0, second=0, microsecond=0)


def sendable(platform: UpperPlatform, interfaces: list[Interface], limit: int) -> list[Owed]:
    """What may be sent now of these interfaces, the most urgent first; of at most `limit` cameras."""
    given = _given(platform) | {"interfaces": [int(interface) for interface in interfaces], "limit": limit}
    return [
        Owed(Rank(rank), Interface(interface), department, strikes, keys or (), has_unknown)
        for rank, interface, department, strikes, keys, has_unknown in _rows(_SENDABLE, given)
    ]


def backlog_by_interface(platform: UpperPlatform) -> dict[Interface, Backlog]:
    """All five interfaces, also those where nothing waits."""
    found = {interface: Backlog() for interface in (*CAMERA_INTERFACES, Interface.ANALYSE)}
    for interface, *figures in _rows(_BACKLOG, _given(platform)):
        found[Interface(interface)] = Backlog(*figures)
    events = owed_analyses(platform).aggregate(
        count=Count("pk"), oldest=Min("received_at", filter=Q(parked_at=None)), parked=Count("parked_at")
    )
    found[Interface.ANALYSE] = Backlog(events["count"], 0, events["oldest"], events["parked"])
    return found


def parked_troubles(platform: UpperPlatform, limit: int) -> QuerySet[DeliveryTrouble]:
    """Of what is still owed; a trouble may outlive that for which it was noted."""
    given = _given(platform) | {"limit": limit}
    return DeliveryTrouble.objects.filter(pk__in=[key for (key,) in _rows(_PARKED, given)])


def hourly_progress(platform: UpperPlatform, interface: Interface) -> tuple[int, int]:
    """Of the cameras whose state is told every clock hour: how many, and how many were told in this one."""
    is_status = interface == Interface.STATUS
    column = "status" if is_status else "quality"
    in_doubt: int | str = STATUS_IN_DOUBT if is_status else QUALITY_IN_DOUBT
    told = CameraDelivery.objects.filter(
        platform=platform, version__gt=0, is_in_doubt=False, **{f"{column}__isnull": False}
    )
    if interface == Interface.QUALITY:
        # One that nobody judges any more is not told again.
        told = told.filter(camera__quality__flags__isnull=False)
    figures = told.aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(**{f"{column}_at__gte": current_hour()}) & ~Q(**{column: in_doubt})),
    )
    return figures["total"], figures["done"]


def are_registrations_under_way(platform: UpperPlatform, claimed_until: datetime) -> bool:
    """Whether a registration that is claimed at least until then has no answer yet."""
    rows = CameraDelivery.objects.filter(
        platform=platform, is_in_doubt=True, claimed_until__gte=claimed_until
    )
    return rows.exists()


def _given(platform: UpperPlatform) -> dict[str, Any]:
    now = timezone.now()
    return {
        "platform": platform.pk,
        "path": platform.organisation.path,
        "now": now,
        "hour": current_hour(now),
        "register": Interface.REGISTER,
        "delete": Interface.DELETE,
        "status": Interface.STATUS,
        "quality": Interface.QUALITY,
        "status_in_doubt": STATUS_IN_DOUBT,
        "quality_in_doubt": QUALITY_IN_DOUBT,
    } | {rank.name.lower(): rank for rank in Rank}


def _rows(statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return list(cursor.fetchall())
