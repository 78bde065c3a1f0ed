"""What each row of a sheet would do to the ledger: new, changed, unchanged or wrong, and in which cell."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from access.choices import Action
from access.models import User
from cameras.columns import COLUMNS, cells_of, shown
from cameras.gate.findings import Point
from cameras.models import Camera
from cameras.selectors import cameras_visible_to, gateways_for, pending_cameras
from cameras.services.ledger import COPIED_FIELDS, reported_values
from cameras.services.offices import Office, Offices, names_of_row
from cameras.services.tables import Line, Table
from protocol import codes, fields
from protocol.cameras import CameraRecord
from protocol.errors import MalformedError

NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"
WRONG: Final = "wrong"


class Verdict(msgspec.Struct):
    """Of one row. `faults`: cell, title, text, words; `changes`: title, before, after."""

    line: int
    kind: str
    number: str
    name: str
    faults: list[tuple[str, str, str, str]] = []
    changes: list[tuple[str, str, str]] = []
    notes: list[str] = []


class Held(NamedTuple):
    """A camera of the ledger as far as a row can change it."""

    pk: int
    number: str
    number_key: str
    deleted_at: datetime | None
    is_pending: bool
    owner: str | None
    organisation_id: int
    organisation: str
    kind: int
    parent: str | None
    gateway_id: int | None
    gateway: str | None
    reported: tuple[Any, ...]

    def values(self) -> dict[str, Any]:
        """By column key."""
        department, section = names_of_row(self.organisation, self.kind, self.parent)
        return {
            **dict(zip(COPIED_FIELDS, self.reported, strict=True)),
            "number": self.number,
            "department": department,
            "section": section,
            "gateway": self.gateway or "",
        }


_PLAIN: Final = (
    *("pk", "number", "number_key", "deleted_at", "is_pending", "owner__name", "organisation_id"),
    *("organisation__name", "organisation__kind", "organisation__parent__name", "gateway_id", "gateway__code"),
)


def held_rows(keys: Iterable[str]) -> dict[str, Held]:
    """The cameras of these numbers as the ledger has them now, deleted ones too."""
    rows = Camera.objects.filter(number_key__any_of=list(keys)).order_by()
    width = len(_PLAIN)
    held = (Held._make((*row[:width], row[width:])) for row in rows.values_list(*_PLAIN, *COPIED_FIELDS))
    return {row.number_key: row for row in held}


@dataclass
class Judgement:
    """`records`, `offices` and `gateways`: by lower-case number, of the rows that would be written."""

    verdicts: list[Verdict] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    held: dict[str, Held] = field(default_factory=dict)
    records: dict[str, CameraRecord] = field(default_factory=dict)
    offices: dict[str, Office] = field(default_factory=dict)
    gateways: dict[str, int | None] = field(default_factory=dict)
    lines: dict[str, Verdict] = field(default_factory=dict)

    @property
    def new_offices(self) -> list[str]:
        return sorted({office.words for office in self.offices.values() if office.pk is None})

    def fingerprint(self) -> str:
        """Notes are left out: they also speak of other cameras."""
        told = [(each.line, each.kind, each.number, each.faults, each.changes) for each in self.verdicts]
        return hashlib.sha256(msgspec.json.encode([told, sorted(self.counts.items())])).hexdigest()

    def points(self) -> list[Point]:
        """What would be written, for the gate."""
        return [
            point_of(key, self.offices[key].company, record) for key, record in self.records.items()
        ]


def point_of(key: object, company: str, record: CameraRecord) -> Point:
    return Point(
        key=key,
        company=company,
        name=record.camera_name,
        road=record.road,
        stake=record.stake,
        stake_m=record.stake_m,
        orientation=int(record.orientation),
        classify=int(record.classify),
        longitude=record.longitude,
        latitude=record.latitude,
        area=record.area,
    )


def judge_table(user: User, table: Table) -> Judgement:
    """Every row as `user` may write it; nothing is written."""
    keys = [key for line in table.lines if (key := _key(line))]
    judge = _Judge(user, table, held_rows(keys))
    found = Judgement(held=judge.held)
    for line in table.lines:
        verdict = judge.verdict(line, found)
        found.counts[verdict.kind] += 1
        if verdict.kind != SAME:
            found.verdicts.append(verdict)
    return found


def _key(line: Line) -> str:
    return line.texts.get("number", "").strip().lower()


class _Judge:
    def __init__(self, user: User, table: Table, held: dict[str, Held]) -> None:
        self.held = held
        self._table = table
        self._offices = Offices(user)
        self._gateways = dict(gateways_for(user).values_list("code", "pk"))
        own = (cameras_visible_to(user, Action.LEDGER), pending_cameras(user))
        self._own = {
            pk for rows in own for pk in rows.filter(number_key__any_of=list(held)).order_by().values_list("pk", flat=True)
        }
        self._lines: dict[str, list[int]] = defaultdict(list)
        for line in table.lines:
            self._lines[_key(line)].append(line.number)

    def verdict(self, line: Line, found: Judgement) -> Verdict:
        key = _key(line)
        held = self.held.get(key)
        living = held if held is not None and held.deleted_at is None else None
        reading = _Reading(line, self._table, living)
        if living is not None and living.pk in self._own and len(self._lines[key]) == 1 and reading.is_as_held():
            return Verdict(line.number, SAME, living.number, "")
        self._check_number(key, living, reading)
        reading.read_all()
        office = self._office(reading, living)
        gateway_id = self._gateway(reading, living)
        shown_number = "" if line.is_numbered else line.texts.get("number", "")
        verdict = Verdict(line.number, WRONG, shown_number, str(reading.values.get("name", "")))
        if reading.faults or office is None:
            verdict.faults = reading.faults
            return verdict
        record = record_of_values(reading.values)
        verdict.changes = reading.changes() if living else []
        if living is None:
            verdict.kind = NEW
        elif self._differs(living, record, office, gateway_id):
            verdict.kind = CHANGED
        else:
            verdict.kind = SAME
            return verdict
        verdict.notes = _notes(held, living, office)
        found.records[key], found.offices[key], found.gateways[key] = record, office, gateway_id
        found.lines[key] = verdict
        return verdict

    def _check_number(self, key: str, living: Held | None, reading: "_Reading") -> None:
        others = [number for number in self._lines[key] if number != reading.line.number]
        if not key and not reading.faults:
            reading.fault("number", "不能为空")
        if key and others:
            reading.fault("number", f"与第 {others[0]} 行的编号相同")
        if living is not None and living.pk not in self._own:
            reading.fault("number", "已由其他单位登记，不能修改")
            # What another company's camera is called is none of the reader's business.
            reading.forget()

    def _differs(self, living: Held, record: CameraRecord, office: Office, gateway_id: int | None) -> bool:
        return (
            living.reported != reported_values(record)
            or living.organisation_id != office.pk
            or living.gateway_id != gateway_id
        )

    def _office(self, reading: "_Reading", living: Held | None) -> Office | None:
        if "department" not in reading.values or "section" not in reading.values:
            return None
        department, section = reading.values["department"], reading.values["section"]
        try:
            return self._offices.find(department, section, living.organisation_id if living else None)
        except MalformedError as error:
            reading.fault("department", error.message)
            return None

    def _gateway(self, reading: "_Reading", living: Held | None) -> int | None:
        code = reading.values.get("gateway", "")
        if living is not None and code == (living.gateway or ""):
            return living.gateway_id
        if code and code not in self._gateways:
            reading.fault("gateway", "没有登记，或不在您维护的范围内")
        return self._gateways.get(code)


class _Reading:
    """The cells of one row; what stands there as the ledger has it is taken as it is."""

    def __init__(self, line: Line, table: Table, held: Held | None) -> None:
        self.line, self._table = line, table
        self._held_values: Mapping[str, Any] = held.values() if held else {}
        self._held_cells = cells_of(self._held_values) if held else {}
        self.values: dict[str, Any] = {}
        self.faults: list[tuple[str, str, str, str]] = []
        for key, words in line.faults:
            self.fault(key, words)

    def fault(self, key: str, words: str) -> None:
        title = next(column.title for column in COLUMNS if column.key == key)
        self.faults.append((self._table.cell(self.line.number, key), title, self.line.texts.get(key, ""), words))

    def is_as_held(self) -> bool:
        """Every cell says what the ledger has: nearly all rows of a sheet that was exported."""
        texts, held = self.line.texts, self._held_cells
        return not self.faults and all(
            texts.get(key, "") == held[key] for key in self._table.columns if key != "number"
        )

    def forget(self) -> None:
        self._held_values, self._held_cells = {}, {}

    def read_all(self) -> None:
        missing = []
        bad = {key for key, _ in self.line.faults}
        for column in COLUMNS:
            key = column.key
            if key in bad:
                continue
            if key not in self._table.columns and key != "number":
                if key in self._held_values:
                    self.values[key] = self._held_values[key]
                elif column.is_required:
                    missing.append(column.title)
                else:
                    self.values[key] = ""
                continue
            self._read(column)
        if missing:
            self.fault("number", f"台账里没有这个编号；新点位还须有 {'、'.join(missing)} 列")

    def _read(self, column: Any) -> None:
        text = self.line.texts.get(column.key, "")
        if self._held_cells.get(column.key) == text:
            self.values[column.key] = self._held_values[column.key]
        elif not text.strip():
            if column.is_required:
                self.fault(column.key, "不能为空")
            else:
                self.values[column.key] = ""
        else:
            try:
                self.values[column.key] = column.parse(text, column.title)
            except MalformedError as error:
                self.fault(column.key, _without_value(error.message))

    def changes(self) -> list[tuple[str, str, str]]:
        return [
            (column.title, self._held_cells[column.key], now)
            for column in COLUMNS
            if column.key != "number"
            and (now := shown(column.key, self.values[column.key])) != self._held_cells[column.key]
        ]


def _without_value(message: str) -> str:
    """The page shows title and value in columns of their own."""
    return message.rpartition("”")[2] or message


def record_of_values(values: Mapping[str, Any]) -> CameraRecord:
    return CameraRecord(
        department=values["department"],
        camera_num=values["number"],
        camera_name=values["name"],
        longitude=values["longitude"],
        latitude=values["latitude"],
        road=values["road"],
        classify=codes.Classify(values["classify"]),
        orientation=codes.Orientation(values["orientation"]),
        camera_type=codes.CameraType(values["camera_type"]),
        stake=values["stake"],
        stake_m=fields.parse_stake(values["stake"]),
        area=values["area"],
        road_section=values["section"],
        gateway_num=values["gateway"],
        poi_name=values["poi_name"],
        others=values["others"],
    )


def _notes(held: Held | None, living: Held | None, office: Office) -> list[str]:
    notes = []
    if office.pk is None:
        notes.append(f"将新建单位“{office.words}”")
    if held is not None and living is None:
        notes.append("编号以前删除过，将恢复为新点位")
    if living is not None and living.is_pending:
        notes.append("网关提交的点位，尚在待审核")
    if living is not None and living.owner is not None:
        notes.append(f"由“{living.owner or '网关'}”上报登记：它再次上报时以上报的为准")
    return notes
