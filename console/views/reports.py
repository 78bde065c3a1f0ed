"""统计报表: a day, a week or a month, ranked by company or road, to look at, print and take away."""

from calendar import monthrange
from datetime import date, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.actors import actor_of_user
from access.choices import Action
from access.csv_rows import csv_response
from access.days import day_of
from access.models import User
from access.services.logs import record
from console.frame import frame_of
from console.online import Grouping, Span, Wanted, organisation_of
from console.params import day_in, id_of, text_of
from console.permissions import Kind, requires
from console.report_tables import rank_table, sheets_of
from console.reports import period_before, report_of
from console.workbook import workbook_response
from protocol.errors import MalformedError, NotFoundError, shorten
from rates.timing import next_count

_GROUPINGS = {Grouping.COMPANY: "按单位", Grouping.ROAD: "按路线"}
_SPANS = {Span.DAY: "日报", Span.WEEK: "周报", Span.MONTH: "月报"}


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def reports(request: HttpRequest, user: User) -> HttpResponse:
    today = day_of(timezone.now())
    wanted = _wanted(request, user, today)
    before = period_before(wanted)
    context = {
        **frame_of(user, "reports"),
        "report": report_of(user, wanted, before),
        "wanted": wanted,
        "before": before,
        "title": _SPANS[wanted.span],
        "grouping": _GROUPINGS[wanted.by],
        "days": _words(wanted),
        "is_running": wanted.last == today,
        "next_count": next_count(timezone.now()),
        "is_one_day": wanted.span == Span.DAY,
        "printed_at": timezone.now(),
        "query": _query(wanted),
        "groupings": [(label, _query(wanted, by=by), by == wanted.by) for by, label in _GROUPINGS.items()],
        "spans": [(label, _query(wanted, span=span), span == wanted.span) for span, label in _SPANS.items()],
        "earlier": _query(wanted, on=before.last),
        "later": _query(wanted, on=wanted.last + timedelta(days=1)) if wanted.last < today else "",
        "whole": _query(wanted, org="") if wanted.organisation else "",
    }
    return render(request, "console/reports.html", context)


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def table(request: HttpRequest, user: User, kind: str) -> HttpResponseBase:
    """The ranking as CSV, or all of it as a workbook."""
    if kind not in ("csv", "xlsx"):
        raise NotFoundError("没有这种格式的报表")
    wanted = _wanted(request, user, day_of(timezone.now()))
    report = report_of(user, wanted, period_before(wanted))
    title = f"{_SPANS[wanted.span]}_{_GROUPINGS[wanted.by]}"
    days = f"{wanted.first:%Y%m%d}-{wanted.last:%Y%m%d}"
    record(actor_of_user(request), "导出统计报表", object_name=f"{title} {days} {kind}")
    if kind == "csv":
        return csv_response(f"{title}_{days}.csv", rank_table(report))
    return workbook_response(f"{title}_{days}.xlsx", sheets_of(report, _GROUPINGS[wanted.by]))


def _wanted(request: HttpRequest, user: User, today: date) -> Wanted:
    by = text_of(request, "by", longest=10) or Grouping.COMPANY
    span = text_of(request, "span", longest=10) or Span.DAY
    if by not in _GROUPINGS:
        raise MalformedError(f"by 的值“{shorten(by)}”应为 {'、'.join(_GROUPINGS)} 之一")
    if span not in _SPANS:
        raise MalformedError(f"span 的值“{shorten(span)}”应为 {'、'.join(_SPANS)} 之一")
    on_text = text_of(request, "on", longest=20)
    # Of a day that is not over a ranking says little: without a date the last full day, week or month.
    on = min(day_in(on_text, "on"), today) if on_text else _usual(Span(span), today)
    first, last = _days(Span(span), on)
    return Wanted(
        by=Grouping(by),
        span=Span(span),
        first=first,
        last=min(last, today),
        organisation=organisation_of(user, id_of(request, "org")),
    )


def _usual(span: Span, today: date) -> date:
    """A day of the last whole period."""
    return _days(span, today)[0] - timedelta(days=1)


def _days(span: Span, on: date) -> tuple[date, date]:
    """Weeks begin on Monday."""
    if span == Span.DAY:
        return on, on
    if span == Span.WEEK:
        monday = on - timedelta(days=on.weekday())
        return monday, monday + timedelta(days=6)
    return on.replace(day=1), on.replace(day=monthrange(on.year, on.month)[1])


def _words(wanted: Wanted) -> str:
    return f"{wanted.first}" if wanted.span == Span.DAY else f"{wanted.first} 至 {wanted.last}"


def _query(wanted: Wanted, **changed: object) -> str:
    """The address of the page with something changed."""
    kept = {
        "by": wanted.by,
        "span": wanted.span,
        "on": wanted.first,
        "org": wanted.organisation.pk if wanted.organisation else "",
        **changed,
    }
    return urlencode({name: str(value) for name, value in kept.items() if value})
