"""Analysis results as the page 智能分析 shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.choices import CLEAR_LEVELS, Subject
from analysis.models import AnalysisResult
from analysis.schema import UNITS, facts_of
from analysis.selectors import SubjectFigures
from console.cards import CameraRow, row_of
from console.pictures import Picture, newest_pictures
from ministry.models import AnalysisDelivery
from ministry.selectors import deliveries_of

# What the figure of a subject is, and which of its extremes matters.
_TITLES = {
    Subject.CONGESTION: ("最长排队", "high"),
    Subject.ACCIDENT: ("最多占用", "high"),
    Subject.SPEED: ("平均", "mean"),
    Subject.FLOW: ("平均", "mean"),
    Subject.WEATHER: ("最低能见度", "low"),
}


# What is told of a road that is not congested.
CLEAR_WORDS = "路况畅通"


@dataclass(frozen=True)
class Told:
    """What one upper platform was told of a result."""

    platform: str
    at: datetime | None
    error: str

    @property
    def state(self) -> str:
        return "done" if self.at else "failed" if self.error else "waiting"


@dataclass(frozen=True)
class Finding:
    """One row of the page."""

    result: AnalysisResult
    camera: CameraRow
    office: str
    facts: list[tuple[str, str]]
    picture: Picture | None
    told: list[Told]

    @property
    def is_clear(self) -> bool:
        return self.result.subject == Subject.CONGESTION and self.result.level in CLEAR_LEVELS

    @property
    def subject(self) -> str:
        if self.is_clear:
            return CLEAR_WORDS
        return str(self.result.get_subject_display()) or "未识别"

    @property
    def is_late(self) -> bool:
        """Received so long after the event that both times matter."""
        return abs((self.result.received_at - self.result.occurred_at).total_seconds()) > 60


@dataclass(frozen=True)
class Tile:
    """One subject over the time asked for."""

    subject: Subject
    count: int
    clear: int
    title: str
    figure: str
    unit: str


def findings_of(results: Sequence[AnalysisResult]) -> list[Finding]:
    """`camera__organisation` should be loaded."""
    cameras = {result.camera_id: result.camera for result in results}
    pictures = newest_pictures(cameras.values())
    told = deliveries_of(results)
    return [
        Finding(
            result=result,
            camera=row_of(result.camera),
            office=result.camera.organisation.name,
            facts=facts_of(result.data),
            picture=pictures.get(result.camera_id),
            told=[_told(row) for row in told.get(result.pk, [])],
        )
        for result in results
    ]


def _told(row: AnalysisDelivery) -> Told:
    return Told(row.platform.name, row.reported_at, row.last_error)


def tiles_of(figures: Sequence[SubjectFigures]) -> list[Tile]:
    return [_tile(each) for each in figures]


def _tile(figures: SubjectFigures) -> Tile:
    title, which = _TITLES[figures.subject]
    value: float | None = getattr(figures, which)
    return Tile(
        subject=figures.subject,
        count=figures.count,
        clear=figures.clear,
        title=title,
        figure="–" if value is None else f"{value:.1f}".removesuffix(".0"),
        unit="" if value is None else UNITS[figures.subject],
    )
