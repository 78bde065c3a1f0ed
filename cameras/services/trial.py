"""An invented province for trials and benchmarks: companies, offices, roads and their cameras, no video."""

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.utils import timezone

from access.models import Organisation
from access.services.organisations import ensure_root, place_department
from cameras.choices import CameraType, Classify, OnlineStatus, Orientation, StatusSource
from cameras.initials import initials_of
from cameras.models import Camera
from protocol.fields import format_stake

T = TypeVar("T")

_BATCH = 2000
_CAMERAS_AN_OFFICE = 160
_FIRST_WORDS = "岱汶沂泗洙泺漯沭潍胶莱琅嵫蒙峄鄄邾滕鄫郯莒聊濮曹巨梁徂"
_SECOND_WORDS = "阳川山河岭泉原海云峰溪湾陵丘亭浦港洲城源"
_SIDES = ("东区", "西区", "南区", "北区", "中心", "沿江", "山区", "机场")
# Shares in percent, about those of a real province.
_CLASSIFY = {
    Classify.ROADSIDE: 58,
    Classify.TUNNEL: 14,
    Classify.BRIDGE: 8,
    Classify.TOLL_PLAZA: 6,
    Classify.TOLL_STATION: 5,
    Classify.SERVICE_AREA: 5,
    Classify.ETC_GANTRY: 4,
}
_PLACE_WORDS = {
    Classify.TUNNEL: "隧道",
    Classify.BRIDGE: "大桥",
    Classify.TOLL_PLAZA: "收费站",
    Classify.TOLL_STATION: "收费站",
    Classify.SERVICE_AREA: "服务区",
    Classify.ETC_GANTRY: "门架",
}
_TYPES = {CameraType.FIXED: 56, CameraType.DOME: 34, CameraType.PANORAMIC: 6, CameraType.CAPTURE: 4}
_STATUSES = {OnlineStatus.ONLINE: 95, OnlineStatus.OFFLINE: 4, OnlineStatus.FAULT: 1}
_REASONS = {
    OnlineStatus.ONLINE: "",
    OnlineStatus.OFFLINE: "没有视频流",
    OnlineStatus.FAULT: "网关上报故障",
}


@dataclass(frozen=True)
class _Section:
    """The piece of road that one office looks after."""

    office: Organisation
    road: str
    road_name: str
    first_m: int
    longitude: float
    latitude: float
    bearing: float
    area: str


def fill_ledger(*, cameras: int, companies: int, seed: int, now: datetime | None = None) -> int:
    """Add `cameras` cameras at `companies` companies; how many were new.

    The same numbers give the same province again, and cameras that are there already are left alone.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    now = now or timezone.now()
    offices = max(companies, math.ceil(cameras / _CAMERAS_AN_OFFICE))
    before = Camera.objects.count()
    with transaction.atomic():
        sections = _sections(draw, companies, offices)
        share, rest = divmod(cameras, len(sections))
        batch: list[Camera] = []
        for index, section in enumerate(sections):
            for camera in _cameras(draw, section, share + (index < rest), now):
                batch.append(camera)
                if len(batch) == _BATCH:
                    _store(batch, now)
                    batch = []
        _store(batch, now)
    with connection.cursor() as cursor:
        # Until the database does so by itself it would plan for empty tables: ten times slower pages.
        cursor.execute("ANALYZE access_organisation, cameras_camera")
    return Camera.objects.count() - before


def _store(batch: list[Camera], now: datetime) -> None:
    """COPY: several times faster than INSERT for rows this wide."""
    keys = [camera.number_key for camera in batch]
    known = set(Camera.objects.filter(number_key__in=keys).values_list("number_key", flat=True))
    new = [camera for camera in batch if camera.number_key not in known]
    fields = [field for field in Camera._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY cameras_camera ({columns}) FROM STDIN") as copy:
            for camera in new:
                camera.created_at = camera.updated_at = camera.version_at = now
                copy.write_row([getattr(camera, field.attname) for field in fields])
        cursor.execute(
            "INSERT INTO cameras_statuschange (camera_id, at, status, source, reason)"
            " SELECT id, status_at, status, %s, status_reason FROM cameras_camera WHERE number_key = ANY(%s)",
            [StatusSource.REPORT.value, [camera.number_key for camera in new]],
        )


def _sections(draw: random.Random, companies: int, offices: int) -> list[_Section]:
    root = ensure_root()
    names = [first + second for second in _SECOND_WORDS for first in _FIRST_WORDS]
    draw.shuffle(names)
    sections = []
    for index in range(offices):
        number, place = index % companies, index // companies
        word = names[number % len(names)]
        suffix = "" if number < len(names) else str(number // len(names) + 1)
        office = place_department(
            within=root,
            department=f"{word}{suffix}高速公路有限公司",
            road_section=f"{word}{_SIDES[place % len(_SIDES)]}{_ordinal(place // len(_SIDES))}管理处",
        )
        is_national = draw.random() < 0.6
        sections.append(
            _Section(
                office=office,
                road=f"G{draw.randint(1, 99)}" if is_national else f"S{draw.randint(1, 99)}",
                road_name=f"{word[0]}{names[draw.randrange(len(names))][0]}高速",
                first_m=draw.randint(0, 1200) * 1000,
                longitude=draw.uniform(115.2, 121.8),
                latitude=draw.uniform(34.6, 37.8),
                bearing=draw.uniform(0, math.tau),
                area=f"37{draw.randint(1, 16):02d}{draw.randint(0, 9):02d}",
            )
        )
    return sections


def _ordinal(number: int) -> str:
    return f"第{number + 1}" if number else ""


def _cameras(draw: random.Random, section: _Section, count: int, now: datetime) -> Iterator[Camera]:
    stake_m = section.first_m
    place = ""
    for _ in range(count):
        stake_m += draw.randrange(200, 2000, 100)
        classify = _one_of(draw, _CLASSIFY)
        orientation = Orientation(draw.randrange(3))
        # Several cameras in a row look at the same bridge or tunnel.
        if not place or draw.random() < 0.4:
            place = draw.choice(_FIRST_WORDS) + draw.choice(_SECOND_WORDS)
        poi = f"{place}{_PLACE_WORDS[classify]}" if classify in _PLACE_WORDS else section.road_name
        stake = format_stake(stake_m)
        status = _one_of(draw, _STATUSES)
        since = now - timedelta(minutes=draw.randint(1, 60 * 24 * 30))
        degrees = (stake_m - section.first_m) / 100_000
        number = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        name = f"{section.road} {poi} {stake} {orientation.label}"
        yield Camera(
            number=number,
            number_key=number,
            organisation=section.office,
            name=name,
            initials=initials_of(name),
            longitude=round(section.longitude + degrees * math.cos(section.bearing), 6),
            latitude=round(section.latitude + degrees * math.sin(section.bearing), 6),
            road=section.road,
            classify=classify,
            orientation=orientation,
            camera_type=_one_of(draw, _TYPES),
            stake=stake,
            stake_m=stake_m,
            area=section.area,
            poi_name=poi,
            status=status,
            status_at=since,
            raw_status=status,
            raw_status_at=since,
            status_reason=_REASONS[status],
        )


def _one_of(draw: random.Random, shares: dict[T, int]) -> T:
    return draw.choices(list(shares), weights=list(shares.values()))[0]
