"""Cameras into and out of incidents, of which there may be 20,000 at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from incidents.folding import Away
from incidents.models import IncidentCamera

# One statement whose time goes into the rows themselves: as model instances they take three times as long.
_JOIN: Final = """
INSERT INTO incidents_incidentcamera (incident_id, camera_id, since, is_flapping, is_moved)
SELECT incident, camera, since, flapping, false
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::boolean[]) AS v (incident, camera, since, flapping)
"""


class Member(NamedTuple):
    """A row of IncidentCamera that is not over."""

    pk: int
    incident_id: int
    is_flapping: bool


def members_now() -> dict[int, Member]:
    """By camera."""
    columns = IncidentCamera.objects.filter(left_at=None).values_list("camera_id", "pk", "incident_id", "is_flapping")
    return {camera_id: Member(pk, incident, flaps) for camera_id, pk, incident, flaps in columns.iterator(5000)}


def join(cameras: Sequence[tuple[int, Away]]) -> None:
    """Each into the incident of that id."""
    if not cameras:
        return
    parameters: list[Any] = [
        [incident_id for incident_id, _ in cameras],
        [camera.camera_id for _, camera in cameras],
        [camera.since for _, camera in cameras],
        [camera.is_flapping for _, camera in cameras],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, parameters)


def leave(members: list[int], now: datetime, *, is_moved: bool) -> None:
    """These rows end, as their cameras came back or another incident took them over."""
    if members:
        IncidentCamera.objects.filter(pk__any_of=members).update(left_at=now, is_moved=is_moved)


def note_flapping(members: list[int], *, is_flapping: bool) -> None:
    if members:
        IncidentCamera.objects.filter(pk__any_of=members).update(is_flapping=is_flapping)
