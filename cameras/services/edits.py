"""One change to many cameras of the ledger, and single cameras by their form; all of it tells its history."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actors import Actor
from access.choices import Action
from access.models import Organisation, User
from access.selectors import organisations_visible_to
from access.services.logs import record
from cameras.choices import CameraType, ChangeAct, ChangeSource, Classify, Orientation
from cameras.columns import BY_KEY, COLUMNS
from cameras.models import Camera, Gateway
from cameras.selectors import cameras_visible_to, gateways_for
from cameras.services.bulk import update_cameras
from cameras.services.history import (
    Change,
    changed_fields,
    keep_changes,
    newest_change,
    place_name,
    remember,
    told_since,
)
from cameras.services.imports import ChangedMeanwhileError, StaffRegistrar, lock_unchanged
from cameras.services.judging import SAME, Judgement, Verdict, judge_table
from cameras.services.ledger import COPIED_FIELDS, locked_cameras, raise_version
from cameras.services.records import apply_records
from cameras.services.tables import Line, Table
from protocol.errors import MalformedError, NotFoundError

MOST_CAMERAS: Final = 50_000
# What one value may mean for many cameras; -1 or empty takes a value away where there may be none.
_CHOICES: Final = {"classify": Classify, "orientation": Orientation, "camera_type": CameraType}
_PTZ: Final = {"auto": None, "yes": True, "no": False}
_PTZ_WORDS: Final = {"auto": "按类型", "yes": "可控", "no": "不可控"}
_REPORTED: Final = frozenset((*COPIED_FIELDS, "organisation_id"))


@dataclass(frozen=True)
class Edit:
    """Attribute -> value, and in words what is to be set."""

    values: Mapping[str, Any]
    words: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class EditPreview:
    """How many cameras are meant, how many would change, and some of these with their fields before and after."""

    cameras: int
    changing: int
    examples: Sequence[tuple[Camera, tuple[tuple[str, object, object], ...]]] = field(default_factory=list)


def edit_of(user: User, given: Mapping[str, str]) -> Edit:
    """What a form says, checked: MalformedError in words. Empty texts change nothing."""
    values: dict[str, Any] = {}
    words: list[tuple[str, str]] = []
    for name, text in given.items():
        if text:
            attribute, value, said = _set(user, name, text)
            values[attribute] = value
            words.append((said[0], said[1]))
    if not values:
        raise MalformedError("请至少选一项要修改的内容")
    return Edit(values, words)


def _set(user: User, name: str, text: str) -> tuple[str, Any, tuple[str, str]]:
    if name == "organisation":
        node = _organisation(user, text)
        return "organisation_id", node.pk, ("单位", place_name(node))
    if name == "gateway":
        gateway = None if text == "none" else _gateway(user, text)
        return "gateway_id", gateway.pk if gateway else None, ("网关", str(gateway) if gateway else "无")
    if name == "ptz":
        if text not in _PTZ:
            raise MalformedError("云台应为 按类型、可控、不可控 之一")
        return "ptz_override", _PTZ[text], ("云台", _PTZ_WORDS[text])
    if name in _CHOICES or name in ("road", "area"):
        column = BY_KEY[name]
        value = column.parse(text, column.title)
        label = _CHOICES[name](value).label if name in _CHOICES else value
        return name, value, (column.title, str(label))
    raise MalformedError("没有这一项")


def _organisation(user: User, text: str) -> Organisation:
    nodes = organisations_visible_to(user, Action.LEDGER).select_related("parent")
    node = nodes.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 19 else None
    if node is None:
        raise NotFoundError("单位不存在")
    return node


def _gateway(user: User, text: str) -> Gateway:
    found = gateways_for(user).filter(pk=int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    gateway = found.first() if found is not None else None
    if gateway is None:
        raise NotFoundError("网关不存在")
    return gateway


def preview_edit(user: User, ids: Collection[int], edit: Edit) -> EditPreview:
    """Nothing is written."""
    cameras = cameras_visible_to(user, Action.LEDGER).filter(pk__any_of=list(ids)).order_by("road", "stake_m", "pk")
    changing, total = [], 0
    for camera in cameras.iterator(chunk_size=2000):
        total += 1
        fields = tuple(
            (name, before, value) for name, value in edit.values.items() if (before := getattr(camera, name)) != value
        )
        if fields:
            changing.append((camera, fields))
    return EditPreview(total, len(changing), changing[:10])


def edit_cameras(*, user: User, ids: Collection[int], edit: Edit, actor: Actor) -> int:
    """Set the same values on these cameras; how many changed. NotFoundError unless all are the user's to keep."""
    if len(ids) > MOST_CAMERAS:
        raise MalformedError(f"一次最多修改 {MOST_CAMERAS:,} 路")
    with transaction.atomic():
        now = timezone.now()
        own = cameras_visible_to(user, Action.LEDGER).filter(pk__any_of=list(ids)).order_by()
        if own.count() != len(set(ids)):
            raise NotFoundError("有的摄像机已不在台账里，请重新选择")
        changed, history = [], []
        for camera in locked_cameras(pk__any_of=list(ids), deleted_at=None):
            before = remember(camera)
            for name, value in edit.values.items():
                setattr(camera, name, value)
            told = changed_fields(camera, before)
            if not told:
                continue
            # Gateway and PTZ are the province's own business: they are not reported upward.
            if reported := {name for name, *_ in told} & _REPORTED:
                raise_version(camera, reported, now)
            changed.append(camera)
            history.append(Change(camera.pk, ChangeAct.MODIFIED, told))
        update_cameras(changed, (*edit.values, "version", "version_at", "is_moved"), now=now)
        keep_changes(history, actor=actor, source=ChangeSource.BULK, now=now)
        if changed:
            record(
                actor,
                "批量修改点位",
                object_kind="camera",
                object_name=f"{len(changed)} 路摄像机",
                detail=dict(edit.words),
            )
    return len(changed)


# One camera --------------------------------------------------------------------------------------


def save_form(*, user: User, texts: Mapping[str, str], actor: Actor) -> Verdict:
    """One camera by the texts of its columns, judged as a row of a sheet; its verdict says what became of it.

    ChangedMeanwhileError when somebody else wrote it at the same moment.
    """
    line = Line(1, {column.key: texts.get(column.key, "") for column in COLUMNS})
    if not line.texts["number"]:
        line.texts["number"], line.is_numbered = str(uuid.uuid4()), True
    table = Table({column.key: column.title for column in COLUMNS}, [line])
    try:
        with transaction.atomic():
            found = judge_table(user, table)
            if found.records:
                _write_form(user, found, actor)
    except (ChangedMeanwhileError, IntegrityError):
        raise ChangedMeanwhileError("这路摄像机刚刚被别人改过，请刷新后再改") from None
    return found.verdicts[0] if found.verdicts else Verdict(1, SAME, line.texts["number"], line.texts["name"])


def _write_form(user: User, found: Judgement, actor: Actor) -> None:
    registrar = StaffRegistrar(user, found, ChangeSource.FORM)
    registrar.place(found.records.values())
    lock_unchanged(found)
    ((key, item),) = found.records.items()
    held = found.held.get(key)
    newest = newest_change(held.pk) if held else 0
    if any(not verdict.ok for verdict in apply_records(registrar, found.records, actor=actor).values()):
        raise ChangedMeanwhileError("")
    record(
        actor,
        "修改摄像机" if held else "新增摄像机",
        object_kind="camera",
        object_id=held.pk if held else item.camera_num,
        object_name=item.camera_name,
        detail=told_since(held.pk, newest) if held else {},
    )
