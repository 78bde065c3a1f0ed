"""在线统计: the online rate by company, road and gateway, the worst cameras, and all of it as CSV."""

from calendar import monthrange
from datetime import date, timedelta
from typing import TypeVar
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
from console.online import Grouping, Span, Wanted, days_of, online_view, organisation_of
from console.online_table import camera_table, rate_table
from console.params import day_in, id_of, text_of
from console.permissions import Kind, requires
from protocol.errors import MalformedError, shorten
from rates.timing import next_count

_GROUPINGS = {Grouping.COMPANY: "按单位", Grouping.ROAD: "按路线", Grouping.GATEWAY: "按网关"}
_SPANS = {Span.DAY: "一天", Span.WEEK: "七天", Span.MONTH: "一月"}
_CAMERAS = "camera"
Word = TypeVar("Word", Grouping, Span)


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def online(request: HttpRequest, user: User) -> HttpResponse:
    today = day_of(timezone.now())
    wanted = _wanted(request, user, today)
    view = online_view(user, wanted, is_now=wanted.last == today)
    context = {
        **frame_of(user, "online"),
        "view": view,
        "wanted": wanted,
        "is_today": wanted.last == today,
        "next_count": next_count(timezone.now()),
        "days": f"{wanted.first}" if wanted.span == Span.DAY else f"{wanted.first} 至 {wanted.last}",
        "query": _query(wanted),
        "groupings": [(label, _query(wanted, by=by), by == wanted.by) for by, label in _GROUPINGS.items()],
        "spans": [(label, _query(wanted, span=span), span == wanted.span) for span, label in _SPANS.items()],
        "earlier": _query(wanted, on=wanted.first - timedelta(days=1)),
        "later": _query(wanted, on=min(today, _end_after(wanted))) if wanted.last < today else "",
        "whole": _query(wanted, org="") if wanted.organisation else "",
        "below": _query(wanted, org=""),
        "of_cameras": _query(wanted, by=_CAMERAS),
    }
    return render(request, "console/online.html", context)


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def table(request: HttpRequest, user: User) -> HttpResponseBase:
    """The table of the page, or with `by=camera` a row for each camera."""
    today = day_of(timezone.now())
    is_of_cameras = request.GET.get("by") == _CAMERAS
    wanted = _wanted(request, user, today)
    if is_of_cameras:
        title, rows = "按摄像机", camera_table(user, days_of(user, wanted))
    else:
        title, rows = _GROUPINGS[wanted.by], rate_table(online_view(user, wanted, is_now=wanted.last == today))
    days = f"{wanted.first:%Y%m%d}-{wanted.last:%Y%m%d}"
    record(actor_of_user(request), "导出在线统计", object_name=f"{title} {days}")
    return csv_response(f"在线统计_{title}_{days}.csv", rows)


def _wanted(request: HttpRequest, user: User, today: date) -> Wanted:
    by = text_of(request, "by", longest=10) or Grouping.COMPANY
    span = text_of(request, "span", longest=10) or Span.DAY
    on_text = text_of(request, "on", longest=20)
    on = min(day_in(on_text, "on"), today) if on_text else today
    first, last = _days(_one_of(Span, "span", span), on)
    return Wanted(
        by=Grouping.COMPANY if by == _CAMERAS else _one_of(Grouping, "by", by),
        span=Span(span),
        first=first,
        last=min(last, today),
        organisation=organisation_of(user, id_of(request, "org")),
    )


def _one_of(kind: type[Word], name: str, text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise MalformedError(f"{name} 的值“{shorten(text)}”应为 {'、'.join(kind)} 之一") from None


def _days(span: Span, on: date) -> tuple[date, date]:
    if span == Span.DAY:
        return on, on
    if span == Span.WEEK:
        return on - timedelta(days=6), on
    return on.replace(day=1), on.replace(day=monthrange(on.year, on.month)[1])


def _end_after(wanted: Wanted) -> date:
    """A day by which the span that follows is named."""
    following = wanted.last + timedelta(days=1)
    return following + timedelta(days=6) if wanted.span == Span.WEEK else following


def _query(wanted: Wanted, **changed: object) -> str:
    """The address of the page with something changed; what is as usual is left out."""
    kept = {
        "by": wanted.by,
        "span": wanted.span,
        "on": wanted.last,
        "org": wanted.organisation.pk if wanted.organisation else "",
        **changed,
    }
    return urlencode({name: str(value) for name, value in kept.items() if value})
