"""A small province that loses its cameras."""

from collections.abc import Iterable
from datetime import datetime

from access.models import Organisation
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, Gateway, StatusChange
from tests.ptz.ledger import make_camera


def cameras_at(
    office: Organisation, numbers: Iterable[int], gateway: Gateway | None, at: datetime, **fields: object
) -> list[Camera]:
    """Online since `at`."""
    return [make_camera(office, number, gateway, status_at=at, raw_status_at=at, **fields) for number in numbers]


def turn(cameras: Iterable[Camera], status: OnlineStatus, at: datetime) -> None:
    """As `set_status` leaves it behind the blip filter."""
    ids = [camera.pk for camera in cameras]
    Camera.objects.filter(pk__in=ids).update(
        status=status, status_at=at, raw_status=status, raw_status_at=at, has_stream=status == OnlineStatus.ONLINE
    )
    StatusChange.objects.bulk_create(
        StatusChange(camera_id=pk, at=at, status=status, source=StatusSource.STREAM) for pk in ids
    )


def lose(cameras: Iterable[Camera], at: datetime) -> None:
    turn(cameras, OnlineStatus.OFFLINE, at)


def regain(cameras: Iterable[Camera], at: datetime) -> None:
    turn(cameras, OnlineStatus.ONLINE, at)
