"""操作审计: who did what, by person, verb, thing, address, outcome and time; read only, and as CSV."""

import ipaddress
from datetime import date, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.actors import actor_of_user
from access.choices import Action, Outcome
from access.csv_rows import csv_response
from access.days import day_of
from access.models import User
from access.services.logs import record
from console.acts import AuditWanted, acts_page
from console.audit import audit_table, chain_state, verbs_logged
from console.frame import frame_of
from console.params import day_in, text_of
from console.permissions import Kind, requires
from protocol.errors import MalformedError, shorten

PAGE_ROWS = 50
_USUAL_DAYS = 7
_LONGEST = 80


@require_GET
@requires(Action.AUDIT, kind=Kind.PAGE, otherwise=Action.OPERATOR_LOG)
def audit(request: HttpRequest, user: User) -> HttpResponse:
    today = day_of(timezone.now())
    wanted, before = _wanted(request, today), text_of(request, "before", longest=60)
    acts, older = acts_page(user, wanted, before, PAGE_ROWS)
    query = _query(wanted)
    context = {
        **frame_of(user, "audit"),
        "wanted": wanted,
        "acts": acts,
        "before": before,
        "query": query,
        "older": f"{query}&{urlencode({'before': older})}" if older else "",
        "outcomes": Outcome.choices,
        "verbs": verbs_logged(),
        "today": today,
        "chain": chain_state(),
        "keep_days": settings.LOG_KEEP_DAYS,
    }
    return render(request, "console/audit.html", context)


@require_GET
@requires(Action.AUDIT, kind=Kind.PAGE, otherwise=Action.OPERATOR_LOG)
def table(request: HttpRequest, user: User) -> HttpResponseBase:
    wanted = _wanted(request, day_of(timezone.now()))
    days = f"{wanted.first:%Y%m%d}-{wanted.last:%Y%m%d}"
    record(actor_of_user(request), "导出操作审计", object_name=days, detail=_words(wanted))
    return csv_response(f"操作审计_{days}.csv", audit_table(user, wanted))


def _wanted(request: HttpRequest, today: date) -> AuditWanted:
    last = _day(request, "to") or today
    first = _day(request, "from") or last - timedelta(days=_USUAL_DAYS - 1)
    if first > last:
        raise MalformedError("开始日期晚于结束日期")
    return AuditWanted(
        first=first,
        last=last,
        who=text_of(request, "who", longest=_LONGEST),
        verb=text_of(request, "verb", longest=_LONGEST),
        thing=text_of(request, "thing", longest=_LONGEST),
        address=_address(text_of(request, "address", longest=_LONGEST)),
        outcome=_outcome(text_of(request, "outcome", longest=20)),
    )


def _day(request: HttpRequest, name: str) -> date | None:
    text = text_of(request, name, longest=20)
    return day_in(text, name) if text else None


def _address(text: str) -> str | None:
    if not text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise MalformedError(f"“{shorten(text)}”不是 IP 地址") from None


def _outcome(text: str) -> Outcome | None:
    if text and text not in Outcome.values:
        raise MalformedError(f"outcome 的值“{shorten(text)}”应为 {'、'.join(Outcome.values)} 之一")
    return Outcome(text) if text else None


def _words(wanted: AuditWanted) -> dict[str, object]:
    """What was looked for, as the form calls it."""
    asked = {
        "自": wanted.first,
        "至": wanted.last,
        "操作者": wanted.who,
        "操作": wanted.verb,
        "对象": wanted.thing,
        "来源地址": wanted.address,
        "结果": wanted.outcome.label if wanted.outcome else "",
    }
    return {name: str(value) for name, value in asked.items() if value}


def _query(wanted: AuditWanted) -> str:
    asked = {
        "from": wanted.first,
        "to": wanted.last,
        "who": wanted.who,
        "verb": wanted.verb,
        "thing": wanted.thing,
        "address": wanted.address,
        "outcome": wanted.outcome,
    }
    return urlencode({name: str(value) for name, value in asked.items() if value})
