"""点位台账: a sheet is uploaded, looked at, and brought in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.csv_rows import Cell, csv_response
from access.models import Organisation, User
from cameras.choices import ImportState
from cameras.services.imports import (
    ChangedMeanwhileError,
    commit_import,
    discard_import,
    find_import,
    preview_import,
    verdicts_of,
)
from cameras.services.judging import CHANGED, NEW, SAME, WRONG, Verdict
from console.frame import frame_of
from console.params import number_of, text_of
from console.permissions import Kind, requires
from protocol.errors import MalformedError, shorten

_PAGE_ROWS: Final = 100
_NOTED: Final = "noted"
_LABELS: Final = {WRONG: "有错", NEW: "新增", CHANGED: "修改", _NOTED: "有提示"}
_LAST_LINE: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str
    count: int


@require_POST
@requires(Action.LEDGER, kind=Kind.PAGE)
def upload(request: HttpRequest, user: User) -> HttpResponse:
    file = request.FILES.get("file")
    try:
        if file is None or not file.size:
            raise MalformedError("请选择一个有内容的 .xlsx 文件")
        made = preview_import(user=user, file=file, filename=file.name or "", size=file.size)
    except MalformedError as error:
        messages.error(request, f"没有导入：{error.message}")
        return redirect("console:ledger")
    return redirect("console:ledger_import", made.pk)


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def preview(request: HttpRequest, user: User, import_id: int) -> HttpResponse:
    made = find_import(user, import_id)
    verdicts = verdicts_of(made)
    tabs = _tabs(made.summary)
    chosen = text_of(request, "kind", longest=10) or next((tab.key for tab in tabs if tab.count), NEW)
    if chosen not in _LABELS:
        raise MalformedError(f"kind 的值“{shorten(chosen)}”应为 {'、'.join(_LABELS)} 之一")
    after = number_of(request, "after", low=0, high=_LAST_LINE, default=0)
    rows = [each for each in verdicts if each.line > after and _is_of(each, chosen)]
    counts = made.summary["counts"]
    names = dict(_company_names(made.summary["scores"]))
    context = {
        **frame_of(user, "ledger"),
        "made": made,
        "is_waiting": made.state == ImportState.PREVIEWED,
        "tabs": tabs,
        "chosen": chosen,
        "rows": rows[:_PAGE_ROWS],
        "older": rows[_PAGE_ROWS - 1].line if len(rows) > _PAGE_ROWS else None,
        "same": counts.get(SAME, 0),
        "wrong": counts.get(WRONG, 0),
        "writing": counts.get(NEW, 0) + counts.get(CHANGED, 0),
        "scores": [{**row, "name": names.get(row["company"], row["company"])} for row in made.summary["scores"]],
    }
    return render(request, "console/ledger_import.html", context)


def _tabs(summary: dict[str, object]) -> list[Tab]:
    counts = summary["counts"]
    assert isinstance(counts, dict)  # noqa: S101 - what `preview_import` keeps
    numbers = {**counts, _NOTED: summary["noted"]}
    return [Tab(key, label, int(str(numbers.get(key, 0)))) for key, label in _LABELS.items()]


def _is_of(verdict: Verdict, kind: str) -> bool:
    return bool(verdict.notes) if kind == _NOTED else verdict.kind == kind


def _company_names(scores: list[dict[str, object]]) -> list[tuple[str, str]]:
    ids = [int(str(row["company"])) for row in scores if str(row["company"]).isdigit()]
    return [(str(pk), name) for pk, name in Organisation.objects.filter(pk__in=ids).values_list("pk", "name")]


@require_POST
@requires(Action.LEDGER, kind=Kind.PAGE)
def commit(request: HttpRequest, user: User, import_id: int) -> HttpResponse:
    skips_wrong = request.POST.get("skips_wrong") == "1"
    try:
        made = commit_import(
            user=user, import_id=import_id, skips_wrong=skips_wrong, actor=actor_of_user(request)
        )
    except ChangedMeanwhileError as error:
        messages.warning(request, error.message)
    except MalformedError as error:
        messages.error(request, error.message)
    else:
        counts = made.summary["counts"]
        messages.success(request, f"已导入：新增 {counts.get(NEW, 0)} 路，修改 {counts.get(CHANGED, 0)} 路")
    return redirect("console:ledger_import", import_id)


@require_POST
@requires(Action.LEDGER, kind=Kind.PAGE)
def discard(request: HttpRequest, user: User, import_id: int) -> HttpResponse:
    discard_import(user=user, import_id=import_id)
    messages.success(request, "已放弃这次导入，台账没有变化")
    return redirect("console:ledger")


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def faults(request: HttpRequest, user: User, import_id: int) -> HttpResponseBase:
    """Every fault and note with its cell, to hand to whoever filled in the sheet."""
    made = find_import(user, import_id)
    return csv_response(f"导入核对_{made.filename.removesuffix('.xlsx')}.csv", _fault_rows(verdicts_of(made)))


def _fault_rows(verdicts: list[Verdict]) -> Iterator[list[Cell]]:
    yield ["行", "单元格", "类别", "列", "单元格内容", "说明", "名称"]
    for each in verdicts:
        for cell, title, text, words in each.faults:
            yield [each.line, cell, "错误", title, text, words, each.name]
        for note in each.notes:
            yield [each.line, "", "提示", "", "", note, each.name]
