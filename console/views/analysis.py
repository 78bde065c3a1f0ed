"""智能分析: events and figures of the five subjects."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.choices import Action
from access.days import ZONE
from access.models import User
from analysis.choices import Subject
from analysis.selectors import CLEAR, UNRECOGNISED, Wanted, figures_by_subject, older_than, results_visible_to
from console.findings import CLEAR_WORDS, findings_of, tiles_of
from console.frame import frame_of
from console.params import text_of
from console.permissions import Kind, requires
from console.places import place_in, place_of
from protocol.errors import MalformedError, shorten

PAGE_ROWS = 50
_FORM_TIME = "%Y-%m-%dT%H:%M"
_SUBJECTS: list[tuple[str, str]] = [*Subject.choices, (CLEAR, CLEAR_WORDS), (UNRECOGNISED, "未识别")]


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def analysis(request: HttpRequest, user: User) -> HttpResponse:
    """Results of the user's cameras, the newest first; without a time range those of the last day."""
    wanted, form = _wanted(request)
    results = results_visible_to(user, wanted)
    before = text_of(request, "before", longest=60)
    shown = older_than(results, *place_in(before)) if before else results
    rows = list(shown.select_related("camera__organisation")[: PAGE_ROWS + 1])
    query = {name: value for name, value in form.items() if value}
    context = {
        **frame_of(user, "analysis"),
        "form": form,
        "subjects": _SUBJECTS,
        "tiles": tiles_of(figures_by_subject(results)),
        "findings": findings_of(rows[:PAGE_ROWS]),
        "clear_query": urlencode({**query, "subject": CLEAR}),
        "first_url": f"?{urlencode(query)}" if before else "",
    }
    if len(rows) > PAGE_ROWS:
        last = rows[PAGE_ROWS - 1]
        place = place_of(last.occurred_at, last.pk)
        context["older_url"] = f"?{urlencode({**query, 'before': place})}"
    return render(request, "console/analysis.html", context)


def _wanted(request: HttpRequest) -> tuple[Wanted, dict[str, str]]:
    """What is looked for, and the same as the form shows it."""
    now = timezone.now()
    end = _time(request, "to") or now + timedelta(minutes=1)
    begin = _time(request, "from") or end - timedelta(days=1)
    subject = text_of(request, "subject", longest=20)
    if subject and subject not in dict(_SUBJECTS):
        raise MalformedError(f"subject 的值“{shorten(subject)}”不是五个主题之一")
    road = text_of(request, "road", longest=20).upper()
    words = text_of(request, "q", longest=100)
    form = {
        "from": begin.astimezone(ZONE).strftime(_FORM_TIME),
        "to": end.astimezone(ZONE).strftime(_FORM_TIME) if request.GET.get("to") else "",
        "subject": subject,
        "road": road,
        "q": words,
    }
    return Wanted(begin, end, subject, road, tuple(words.split())), form


def _time(request: HttpRequest, name: str) -> datetime | None:
    """What `<input type=datetime-local>` sends: minutes of Beijing time."""
    text = text_of(request, name, longest=30)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=ZONE)
    except ValueError:
        moment = None
    # At the ends of the calendar there is no day before or after.
    if moment is None or not 2000 <= moment.year <= 2100:
        raise MalformedError(f"{name} 的值“{shorten(text)}”应形如 2026-11-22T12:00")
    return moment
