"""Reads of analysis results, the actor first."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Avg, Count, Max, Min, Q, QuerySet

from access.models import User
from analysis.choices import CLEAR_LEVELS, Subject
from analysis.models import AnalysisResult
from cameras.selectors import cameras_visible_to


@dataclass(frozen=True)
class Wanted:
    """Which results are looked for; `subject` may be UNRECOGNISED or CLEAR, no subject means all of them."""

    begin: datetime
    end: datetime
    subject: str = ""
    road: str = ""
    # Words of the camera's name, office or number.
    words: tuple[str, ...] = field(default=())


UNRECOGNISED = "unrecognised"
# Told as congestion of a road that has none; the subject itself means the events.
CLEAR = "clear"
_CLEAR = Q(subject=Subject.CONGESTION, level__in=CLEAR_LEVELS)


@dataclass(frozen=True)
class SubjectFigures:
    """One subject over a stretch of time; figures in the unit of the subject. `clear` are those that are no event."""

    subject: Subject
    count: int
    mean: float | None
    low: float | None
    high: float | None
    clear: int


def results_visible_to(user: User, wanted: Wanted) -> QuerySet[AnalysisResult]:
    """Results of cameras the user may watch, the newest first."""
    cameras = cameras_visible_to(user)
    if wanted.road:
        cameras = cameras.filter(Q(road=wanted.road) | Q(road__startswith=f"{wanted.road}&"))
    for word in wanted.words:
        cameras = cameras.filter(
            Q(name__icontains=word)
            | Q(number_key__startswith=word.lower())
            | Q(stake__istartswith=word)
            | Q(organisation__name__icontains=word)
        )
    results = AnalysisResult.objects.filter(
        occurred_at__gte=wanted.begin, occurred_at__lt=wanted.end, camera__in=cameras.order_by()
    )
    if wanted.subject == CLEAR:
        results = results.filter(_CLEAR)
    elif wanted.subject:
        results = results.filter(subject="" if wanted.subject == UNRECOGNISED else wanted.subject).exclude(_CLEAR)
    return results.order_by("-occurred_at", "-id")


def older_than(results: QuerySet[AnalysisResult], moment: datetime, pk: int) -> QuerySet[AnalysisResult]:
    """What comes after the row (`moment`, `pk`) in a list that begins with the newest."""
    return results.filter(Q(occurred_at__lt=moment) | Q(occurred_at=moment, pk__lt=pk))


def figures_by_subject(results: QuerySet[AnalysisResult]) -> list[SubjectFigures]:
    """All five subjects in the document's order, also those without a result."""
    rows = results.order_by().values_list("subject")
    found = {
        subject: figures
        for subject, *figures in rows.annotate(
            count=Count("id", filter=~_CLEAR),
            mean=Avg("figure", filter=~_CLEAR),
            low=Min("figure", filter=~_CLEAR),
            high=Max("figure", filter=~_CLEAR),
            clear=Count("id", filter=_CLEAR),
        )
    }
    return [
        SubjectFigures(subject, *found.get(subject.value, (0, None, None, None, 0))) for subject in Subject
    ]
