"""A sheet handed in by staff: previewed, kept on the server, and brought into the ledger as a whole or not at all."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import IO, Any, Final

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from access.actors import Actor
from access.models import User
from access.services.logs import record
from cameras.choices import ChangeSource, ImportState
from cameras.gate.findings import Finding
from cameras.gate.judge import judge_points, score_of
from cameras.models import Camera, LedgerImport
from cameras.services.gate import points_of_companies
from cameras.services.judging import NEW, WRONG, Judgement, Verdict, held_rows, judge_table
from cameras.services.offices import Offices
from cameras.services.records import Registrar, Row, apply_records
from cameras.services.tables import Table, read_table
from cameras.xlsx import SheetError
from protocol.cameras import CameraRecord
from protocol.errors import MalformedError, NotFoundError

# For this time a preview waits to be confirmed.
KEPT: Final = timedelta(hours=24)
# Previews that one person may have waiting.
_MOST_WAITING: Final = 5
_TABLE: Final = msgspec.msgpack.Decoder(Table)
_VERDICTS: Final = msgspec.msgpack.Decoder(list[Verdict])
_LEVEL: Final = 1


class ChangedMeanwhileError(MalformedError):
    """The ledger is another than that of the preview, in rows of the sheet; the preview has been renewed."""


def preview_import(*, user: User, file: IO[bytes], filename: str, size: int) -> LedgerImport:
    """Read and judge an uploaded sheet; nothing is written to the ledger. MalformedError in words."""
    # Django holds no file against its limit for bodies.
    if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
        raise MalformedError(f"文件 {size / 2**20:.0f} MB，最大 {most} MB")
    try:
        table = read_table(file)
    except SheetError as error:
        raise MalformedError(str(error)) from error
    _forget_old(user)
    made = LedgerImport(
        user=user, filename=_plain(filename), cells=zlib.compress(msgspec.msgpack.encode(table), _LEVEL)
    )
    _keep(made, table, judge_table(user, table))
    return made


def _plain(filename: str) -> str:
    name = "".join(char for char in filename if char.isprintable())
    return name.encode("utf-8", "replace").decode()[-200:]


def _keep(made: LedgerImport, table: Table, found: Judgement) -> None:
    """The outcome of judging, with what the gate says to it."""
    summary = _add_findings(found)
    made.judged_at = timezone.now()
    made.summary = {
        "counts": dict(found.counts),
        "new_offices": found.new_offices[:200],
        "unknown": table.unknown[:50],
        "noted": sum(bool(each.notes) for each in found.verdicts),
        "scores": summary,
    }
    made.verdicts = zlib.compress(msgspec.msgpack.encode(found.verdicts), _LEVEL)
    made.fingerprint = found.fingerprint()
    made.save()


def _add_findings(found: Judgement) -> list[dict[str, Any]]:
    """Findings of the gate become notes of their rows; the scores of their companies as they would be."""
    points = found.points()
    companies = {point.company for point in points}
    written = {row.pk for key in found.records if (row := found.held.get(key)) is not None}
    beside = [point for point in points_of_companies(companies) if point.key not in written]
    findings = judge_points([*points, *beside])
    for key, verdict in found.lines.items():
        verdict.notes += [finding.words for finding in findings.get(key, ())]
    return [_score_row(company, points, beside, findings) for company in sorted(companies)]


def _score_row(
    company: str, points: Sequence[Any], beside: Sequence[Any], findings: dict[object, list[Finding]]
) -> dict[str, Any]:
    members = [point.key for point in (*points, *beside) if point.company == company]
    score = score_of(len(members), [findings[key] for key in members if key in findings])
    return {
        "company": company,
        "cameras": score.cameras,
        "with_findings": score.with_findings,
        "score": round(score.score, 1),
    }


def find_import(user: User, import_id: int) -> LedgerImport:
    """One's own, unless its time is over."""
    since = timezone.now() - KEPT
    found = LedgerImport.objects.filter(pk=import_id, user=user, created_at__gt=since).first()
    if found is None:
        raise NotFoundError("没有这次导入，或已过期，请重新上传")
    return found


def verdicts_of(made: LedgerImport) -> list[Verdict]:
    """Of all rows but the unchanged ones, in the order of the sheet."""
    return _VERDICTS.decode(zlib.decompress(made.verdicts)) if made.verdicts else []


def discard_import(*, user: User, import_id: int) -> None:
    """NotFoundError for one that is not the user's; what was committed stays."""
    made = find_import(user, import_id)
    LedgerImport.objects.filter(pk=made.pk, state=ImportState.PREVIEWED).delete()


def commit_import(*, user: User, import_id: int, skips_wrong: bool, actor: Actor) -> LedgerImport:
    """Bring the rows of a preview into the ledger in one transaction.

    ChangedMeanwhileError when the ledger says something else of these rows by now; MalformedError while rows are
    wrong and not to be passed over. Committed already: nothing happens.
    """
    made = find_import(user, import_id)
    try:
        with transaction.atomic():
            made = LedgerImport.objects.select_for_update().get(pk=made.pk)
            if made.state == ImportState.PREVIEWED:
                _commit(made, skips_wrong=skips_wrong, actor=actor)
    except LedgerImport.DoesNotExist:
        raise NotFoundError("没有这次导入，或已过期，请重新上传") from None
    except (ChangedMeanwhileError, IntegrityError):
        # IntegrityError: somebody registered one of the new numbers at this moment.
        table = _TABLE.decode(zlib.decompress(made.cells))
        _keep(made, table, judge_table(user, table))
        raise ChangedMeanwhileError("预览之后台账有变化，已按现在的台账重新核对，请再看一遍后确认") from None
    return made


def _commit(made: LedgerImport, *, skips_wrong: bool, actor: Actor) -> None:
    user = made.user
    found = judge_table(user, _TABLE.decode(zlib.decompress(made.cells)))
    if found.fingerprint() != made.fingerprint:
        raise ChangedMeanwhileError("")
    wrong = found.counts[WRONG]
    if wrong and not skips_wrong:
        raise MalformedError(f"有 {wrong} 行有错：改正后重新上传，或选择跳过它们")
    registrar = StaffRegistrar(user, found, ChangeSource.IMPORT)
    # Places by name, then cameras by id: the order in which every writer of the ledger locks.
    registrar.place(found.records.values())
    lock_unchanged(found)
    verdicts = apply_records(registrar, found.records, actor=actor)
    if any(not verdict.ok for verdict in verdicts.values()):
        raise ChangedMeanwhileError("")
    made.state, made.committed_at, made.cells = ImportState.COMMITTED, timezone.now(), b""
    made.save()
    record(
        actor,
        "导入台账",
        object_kind="ledger_import",
        object_id=made.pk,
        object_name=made.filename,
        detail={
            "新增": found.counts[NEW],
            "修改": len(found.records) - found.counts[NEW],
            "跳过有错": wrong,
            "新建单位": found.new_offices[:100],
        },
    )


def lock_unchanged(found: Judgement) -> None:
    """Lock the cameras that would be written; ChangedMeanwhileError where one is no longer as it was judged."""
    keys = list(found.records)
    locked = Camera.objects.select_for_update().filter(number_key__any_of=keys).order_by("pk")
    list(locked.values_list("pk", flat=True))
    now = held_rows(keys)
    if any(now.get(key) != found.held.get(key) for key in keys):
        raise ChangedMeanwhileError("")


class StaffRegistrar(Registrar):
    """Staff who write what was judged to be theirs; owners and reviews are those of the cameras before."""

    owner = None

    def __init__(self, user: User, found: Judgement, source: ChangeSource) -> None:
        self.source = source
        self._user, self._found = user, found
        self._offices: dict[str, int] = {}

    def may_touch_row(self, row: Row) -> bool:
        return row.number_key in self._found.records

    def may_touch_camera(self, camera: Camera) -> bool:
        return camera.number_key in self._found.records

    def place(self, items: Iterable[CameraRecord]) -> None:
        if self._offices:
            return
        offices = Offices(self._user) if self._found.new_offices else None
        made: dict[str, int] = {}
        for item in sorted(items, key=lambda each: (each.department, each.road_section)):
            key = item.camera_num.lower()
            office = self._found.offices[key]
            if office.pk is None and office.within is not None and offices is not None:
                if office.words not in made:
                    made[office.words] = offices.make((item.department, item.road_section), office.within)
                self._offices[key] = made[office.words]
            elif office.pk is not None:
                self._offices[key] = office.pk

    def office_id(self, item: CameraRecord) -> int:
        return self._offices[item.camera_num.lower()]

    def gateway_id(self, item: CameraRecord, held: int | None) -> int | None:
        return self._found.gateways[item.camera_num.lower()]

    def must_be_reviewed(self, item: CameraRecord) -> bool:
        # Who keeps the ledger is who would review it.
        return False


def _forget_old(user: User) -> None:
    """Previews whose time is over, of anybody; and of one person all but the latest."""
    since = timezone.now() - KEPT
    waiting = Q(state=ImportState.PREVIEWED)
    LedgerImport.objects.filter(waiting, created_at__lt=since).delete()
    LedgerImport.objects.filter(created_at__lt=since).exclude(verdicts=b"").update(verdicts=b"", cells=b"")
    kept = LedgerImport.objects.filter(waiting, user=user).order_by("-pk").values_list("pk", flat=True)
    LedgerImport.objects.filter(pk__in=list(kept[_MOST_WAITING - 1 :])).delete()
