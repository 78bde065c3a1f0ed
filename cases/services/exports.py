"""A case as a ZIP, written while it is sent: pictures, records, notes, a page to read and print, and a manifest.

`manifest.sm3` has a line for every other file, as sm3sum writes it. The SM3 of the manifest itself stays here
(`CaseExport`) and in the behaviour log: whoever changes a file and the manifest with it is found by that.
"""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.template.loader import render_to_string
from django.utils import timezone

from access.actors import Actor
from access.archives import Outlet, file_name
from access.csv_rows import csv_pieces
from access.days import ZONE
from access.models import User
from access.services.logs import record
from cases import tables
from cases.models import CaseCamera, CaseExport, CaseFile
from cases.selectors import CaseSlot, case_slots
from protocol.sm2 import new_sm3, sm3
from snapshots.services.archives import PictureReader

MANIFEST: Final = "manifest.sm3"
INDEX: Final = "index.html"
_LOST: Final = "图片缺失或暂时无法读取"


@dataclass(frozen=True)
class CaseArchive:
    """`pieces` are read once, as they are sent; at most one picture lies in memory."""

    filename: str
    pieces: Iterator[bytes]


@dataclass(frozen=True)
class Shown:
    """A picture as the page names it, or a gap."""

    clock: str
    taken: str
    path: str
    reason: str


@dataclass
class _Book:
    """The ZIP and what its manifest says so far."""

    archive: zipfile.ZipFile
    outlet: Outlet
    reader: PictureReader
    at: datetime
    lines: list[str] = field(default_factory=list)

    def add(self, name: str, pieces: Iterable[bytes], at: datetime | None = None) -> Iterator[bytes]:
        digest = new_sm3()
        # Stored: a JPEG does not become smaller, and whoever checks reads plain files.
        entry = zipfile.ZipInfo(name, (at or self.at).astimezone(ZONE).timetuple()[:6])
        with self.archive.open(entry, "w") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
                yield self.outlet.taken()
        yield self.outlet.taken()
        self.lines.append(f"{digest.digest().hex()}  {name}\n")


def export_case(*, case: CaseFile, user: User, actor: Actor) -> CaseArchive:
    """With the alarms that `user` sees. Leaves a row in the behaviour log now, and another with the SM3 of the manifest
    when it is written.
    """
    export = CaseExport.objects.create(case=case, by=actor.name[:64])
    _record(case, "导出卷宗", actor, {"导出": export.pk})
    entries = list(tables.entries_of(case))
    name = file_name(f"卷宗_{case.number}_{case.title}", fallback="卷宗")
    return CaseArchive(f"{name}.zip", _pack(case, entries, export, user, actor))


def _pack(
    case: CaseFile, entries: Sequence[CaseCamera], export: CaseExport, user: User, actor: Actor
) -> Iterator[bytes]:
    outlet, now = Outlet(), timezone.now()
    gaps: list[tables.Row] = []
    shown: dict[int, list[Shown]] = {}
    with zipfile.ZipFile(outlet, "w") as archive:
        book = _Book(archive, outlet, PictureReader(), now)
        for number, entry in enumerate(entries, 1):
            shown[entry.pk] = []
            yield from _pictures(book, number, entry, shown[entry.pk])
            gaps += [tables.gap_row(entry, one.clock, one.reason) for one in shown[entry.pk] if one.reason]
        pictures = len(book.lines)
        for name, rows in tables.tables_of(user, case, entries, gaps, now):
            yield from book.add(f"records/{name}.csv", csv_pieces(rows))
        told = tables.shown_tables(user, entries, now)
        yield from book.add(INDEX, _page(case, entries, shown, export, told))
        manifest = "".join(book.lines).encode()
        archive.writestr(zipfile.ZipInfo(MANIFEST, now.astimezone(ZONE).timetuple()[:6]), manifest)
        yield outlet.taken()
    # Before the last piece leaves: what has arrived whole is always known here.
    _seal(export, sm3(manifest).hex(), pictures, len(book.lines), actor)
    yield outlet.taken()


def _pictures(book: _Book, number: int, entry: CaseCamera, shown: list[Shown]) -> Iterator[bytes]:
    place = file_name(f"{number:02d}_{entry.road}_{entry.stake}_{entry.direction}", fallback=f"{number:02d}")
    for slot in case_slots([entry])[entry.pk]:
        clock = f"{slot.slot_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
        jpeg = book.reader.read(slot.names) if slot.names else None
        if jpeg is None:
            shown.append(Shown(clock, "", "", slot.reason or _LOST))
            continue
        path = f"pictures/{place}/{slot.slot_at.astimezone(ZONE):%Y%m%d_%H%M%S}.jpg"
        shown.append(Shown(clock, _taken(slot), path, ""))
        yield from book.add(path, [jpeg], slot.taken_at)


def _taken(slot: CaseSlot) -> str:
    return f"{slot.taken_at.astimezone(ZONE):%H:%M:%S}" if slot.taken_at else ""


def _page(
    case: CaseFile,
    entries: Sequence[CaseCamera],
    shown: dict[int, list[Shown]],
    export: CaseExport,
    told: dict[str, object],
) -> Iterator[bytes]:
    """Plain HTML that needs nothing but the files beside it, a camera at a time."""
    notes = case.notes.all()
    head = {"case": case, "entries": entries, "export": export, "now": timezone.now(), "notes": notes}
    yield render_to_string("cases/export_head.html", head).encode()
    for entry in entries:
        page = {"entry": entry, "shown": shown[entry.pk], "pictures": sum(not one.reason for one in shown[entry.pk])}
        yield render_to_string("cases/export_camera.html", page).encode()
    yield render_to_string("cases/export_foot.html", {**told, "manifest": MANIFEST}).encode()


def _seal(export: CaseExport, digest: str, pictures: int, files: int, actor: Actor) -> None:
    CaseExport.objects.filter(pk=export.pk).update(manifest_sm3=digest, pictures=pictures, files=files)
    detail = {"导出": export.pk, "清单 SM3": digest, "文件": files, "截图": pictures}
    _record(export.case, "卷宗导出完成", actor, detail)


def _record(case: CaseFile, verb: str, actor: Actor, detail: dict[str, object]) -> None:
    record(actor, verb, object_kind="case", object_id=case.pk, object_name=str(case), detail=detail)
