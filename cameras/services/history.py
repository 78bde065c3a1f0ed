"""The history of each camera: every service that changes the ledger tells here what it changed."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from access.actors import Actor
from access.models import Organisation, Partner
from cameras.change_words import fields_in_words
from cameras.choices import ChangeAct, ChangeSource
from cameras.models import Camera, CameraChange, Gateway

# Field -> value before; what `changed_fields` compares with.
Before = Mapping[str, object]
# What a history tells of; `stake_m` only follows the stake, `version` the rest.
TOLD_FIELDS: Final = (
    *("number", "name", "longitude", "latitude", "road", "classify", "orientation", "camera_type", "stake"),
    *("area", "poi_name", "others", "organisation_id", "gateway_id", "owner_id", "ptz_override", "is_pending"),
)
_TABLE: Final = CameraChange._meta.db_table
_COLUMNS: Final = "camera_id, at, act, source, actor_kind, actor_id, actor_name, fields, reason"
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Change:
    """`fields`: name, before and after of each; places as ids (`organisation_id`)."""

    camera_id: int
    act: ChangeAct
    fields: tuple[tuple[str, object, object], ...] = ()


def changed_fields(camera: Camera, before: Before) -> tuple[tuple[str, object, object], ...]:
    """Of the fields remembered in `before` those that have another value now."""
    return tuple(
        (name, value, now)
        for name, value in before.items()
        if name in TOLD_FIELDS and (now := getattr(camera, name)) != value
    )


def remember(camera: Camera) -> Before:
    return {name: getattr(camera, name) for name in TOLD_FIELDS}


def keep_changes(
    changes: Collection[Change], *, actor: Actor, source: ChangeSource, now: datetime, reason: str = ""
) -> None:
    """Inside the transaction that makes the changes; by COPY, as there may be 20,000."""
    if not changes:
        return
    names = _Names(changes)
    author = (actor.kind.value, actor.id, actor.name[:_LONGEST_NAME])
    # Read before COPY holds the connection.
    rows = [
        (
            *(change.camera_id, now, change.act.value, source.value, *author),
            *(json.dumps(names.told(change), ensure_ascii=False), reason),
        )
        for change in changes
    ]
    sql = f"COPY {_TABLE} ({_COLUMNS}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)


def newest_change(camera_id: int) -> int:
    """The id of it, 0 where there is none."""
    newest = CameraChange.objects.filter(camera=camera_id).order_by("-pk").values_list("pk", flat=True)
    return newest.first() or 0


def told_since(camera_id: int, change_id: int) -> dict[str, object]:
    """What changed after `change_id`, for the behaviour log: `K1+100 → K1+200` by what the field is called."""
    changes = CameraChange.objects.filter(camera=camera_id, pk__gt=change_id).order_by("pk")
    words = (field for change in changes for field in fields_in_words(change.fields))
    return {title: f"{before} → {after}" for title, before, after in words}


def keep_registrations(keys: Iterable[str], *, actor: Actor, source: ChangeSource, now: datetime) -> None:
    """The cameras of these lower-case numbers are new; COPY did not tell their ids."""
    author = (actor.kind.value, actor.id, actor.name[:_LONGEST_NAME])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_TABLE} ({_COLUMNS}) SELECT id, %s, %s, %s, %s, %s, %s, '[]', ''"  # noqa: S608
            f" FROM {Camera._meta.db_table} WHERE number_key = ANY(ARRAY(SELECT json_array_elements_text(%s::json)))",
            [now, ChangeAct.REGISTERED.value, source.value, *author, json.dumps(list(keys))],
        )


class _Names:
    """Places by what they are called today: one may have another name when the history is read."""

    def __init__(self, changes: Iterable[Change]) -> None:
        ids: dict[str, set[Any]] = {"organisation_id": set(), "gateway_id": set(), "owner_id": set()}
        for change in changes:
            for name, before, after in change.fields:
                if name in ids:
                    ids[name] |= {before, after}
        self._names = {name: _names_of(name, found - {None}) for name, found in ids.items()}

    def told(self, change: Change) -> list[tuple[str, object, object]]:
        return [self._field(*field) for field in change.fields]

    def _field(self, name: str, before: object, after: object) -> tuple[str, object, object]:
        known = self._names.get(name)
        if known is None:
            return name, before, after
        return name.removesuffix("_id"), known.get(before, ""), known.get(after, "")


def _names_of(field: str, ids: set[Any]) -> dict[object, str]:
    if not ids:
        return {}
    if field == "organisation_id":
        nodes = Organisation.objects.filter(pk__in=ids).select_related("parent")
        return {node.pk: place_name(node) for node in nodes}
    if field == "gateway_id":
        return dict(Gateway.objects.filter(pk__in=ids).values_list("pk", "code"))
    return {partner.pk: partner.name or partner.user for partner in Partner.objects.filter(pk__in=ids)}


def place_name(node: Organisation) -> str:
    """`山东高速 / 济南管理处`; below the province the name alone."""
    is_below_company = node.parent is not None and node.parent.parent_id is not None
    return f"{node.parent.name} / {node.name}" if node.parent and is_below_company else node.name
