"""The gate over what stands in the ledger."""

from collections.abc import Collection, Iterator

from django.db.models import Q, QuerySet

from cameras.gate.findings import Point
from cameras.models import Camera
from cameras.services.offices import company_in

_FIELDS = ("pk", "organisation__path", "name", "road", "stake", "stake_m", "orientation", "classify")


def points_of_companies(companies: Collection[str]) -> list[Point]:
    """The living cameras of these companies (`Office.company`)."""
    numbers = [int(company) for company in companies if company.isdigit()]
    if not numbers:
        return []
    nodes = Q(organisation__path__regex=rf"^/\d+/({'|'.join(map(str, numbers))})/") | Q(
        organisation__in=numbers, organisation__parent=None
    )
    return list(points_of(Camera.objects.filter(nodes, deleted_at=None)))


def points_of(cameras: QuerySet[Camera]) -> Iterator[Point]:
    rows = cameras.order_by().values_list(*_FIELDS, "longitude", "latitude", "area")
    for pk, path, name, road, stake, stake_m, orientation, classify, longitude, latitude, area in rows:
        yield Point(
            *(pk, company_in(path), name, road, stake, stake_m, orientation, classify, longitude, latitude, area)
        )
