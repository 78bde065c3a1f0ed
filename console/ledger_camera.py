"""One camera of the ledger: its columns to correct, what the gate says of it, and its history in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from access.choices import Action
from access.models import User
from cameras.change_words import TITLES, fields_in_words, word_of
from cameras.columns import COLUMNS, Column, cells_of
from cameras.gate.findings import Finding
from cameras.models import Camera, CameraChange
from cameras.selectors import cameras_visible_to, pending_cameras
from cameras.services.gate import company_gates
from cameras.services.offices import company_in, names_of
from console.words import moment
from protocol.errors import NotFoundError

HISTORY_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class FormField:
    column: Column
    value: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """`fields`: title, before and after of each."""

    at: datetime
    when: str
    act: str
    source: str
    actor: str
    reason: str
    fields: Sequence[tuple[str, str, str]]


def kept_camera(user: User, camera_id: int) -> Camera:
    """A camera whose ledger the user keeps, pending ones too; NotFoundError else."""
    related = ("organisation__parent", "gateway", "owner")
    for cameras in (cameras_visible_to(user, Action.LEDGER), pending_cameras(user)):
        camera = cameras.select_related(*related).filter(pk=camera_id).first()
        if camera is not None:
            return camera
    raise NotFoundError("摄像机不存在")


def texts_of(camera: Camera) -> dict[str, str]:
    """As the cells of its row would be."""
    department, section = names_of(camera.organisation)
    gateway = camera.gateway.code if camera.gateway else ""
    values = {column.key: getattr(camera, column.key, "") for column in COLUMNS}
    return cells_of({**values, "department": department, "section": section, "gateway": gateway})


def form_fields(texts: Mapping[str, str], faults: Mapping[str, str] | None = None) -> list[FormField]:
    """`faults`: words by title."""
    told = faults or {}
    return [FormField(column, texts.get(column.key, ""), told.get(column.title, "")) for column in COLUMNS]


def findings_of(user: User, camera: Camera) -> Sequence[Finding]:
    base = pending_cameras(user) if camera.is_pending else cameras_visible_to(user, Action.LEDGER)
    gates = company_gates(base, [company_in(camera.organisation.path)])
    return next((gate.findings[camera.pk] for gate in gates if camera.pk in gate.findings), ())


def changes_of(camera: Camera, before: int | None) -> QuerySet[CameraChange]:
    """The latest first; `before` is the id where the page before ended."""
    changes = CameraChange.objects.filter(camera=camera).order_by("-pk")
    return changes.filter(pk__lt=before) if before else changes


def history_row(change: CameraChange) -> HistoryRow:
    return HistoryRow(
        at=change.at,
        when=moment(change.at),
        act=str(change.get_act_display()),
        source=str(change.get_source_display()),
        actor=change.actor_name or str(change.get_actor_kind_display()),
        reason=change.reason,
        fields=fields_in_words(change.fields),
    )


def told_fields(
    fields: Sequence[tuple[str, object, object]], names: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, str]]:
    """The same for fields that are only about to change; `names`: before and after of places."""
    told = []
    for name, before, after in fields:
        key = name.removesuffix("_id")
        if key in names:
            told.append((TITLES[key], names[key][0], names[key][1]))
        else:
            told.append((TITLES[key], word_of(key, before), word_of(key, after)))
    return told
