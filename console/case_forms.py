"""What somebody asks of a case: place, time, how far around it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from access.days import ZONE
from cameras.models import Camera
from cases.services.files import MOST_CAMERAS, MOST_MINUTES
from console.cards import main_road
from console.params import whole
from protocol.errors import MalformedError, NotFoundError, shorten
from protocol.fields import format_stake, parse_road, parse_stake

USUAL_MINUTES: Final = 30
USUAL_EACH: Final = 2
MOST_EACH: Final = 10
_LONGEST: Final = 100


@dataclass(frozen=True)
class Around:
    """Place and time of an event, minutes before and after it, cameras to each side of each carriageway."""

    road: str
    stake_m: int
    at: datetime
    before: int
    after: int
    each: int

    @property
    def stake(self) -> str:
        return format_stake(self.stake_m)

    @property
    def when(self) -> str:
        """As an input of type datetime-local has it."""
        return f"{self.at.astimezone(ZONE):%Y-%m-%dT%H:%M}"

    @property
    def stretch(self) -> tuple[timedelta, timedelta]:
        return timedelta(minutes=self.before), timedelta(minutes=self.after)

    @property
    def fields(self) -> list[tuple[str, object]]:
        """As the form that asks for them names them."""
        return [
            ("road", self.road),
            ("stake", self.stake),
            ("when", self.when),
            ("before", self.before),
            ("after", self.after),
            ("each", self.each),
        ]


def around_in(data: QueryDict, cameras: QuerySet[Camera]) -> Around | None:
    """None while there is no place; with `camera` and `at` it is that camera's. MalformedError, NotFoundError."""
    road, stake = _text(data, "road").upper(), _text(data, "stake").upper()
    if camera_id := _text(data, "camera"):
        number = whole(camera_id, "camera", low=1, high=2**63 - 1)
        camera = cameras.filter(pk=number).first()
        if camera is None:
            raise NotFoundError("摄像机不存在")
        road, stake = main_road(camera.road), camera.stake
    if not road and not stake:
        return None
    return Around(
        road=_road(road),
        stake_m=parse_stake(stake if stake.startswith("K") else f"K{stake}", "桩号"),
        at=_moment(data),
        before=minutes_in(data, "before"),
        after=minutes_in(data, "after"),
        each=_number(data, "each", low=1, high=MOST_EACH, usual=USUAL_EACH),
    )


def minutes_in(data: QueryDict, name: str) -> int:
    words = "之前的分钟数" if name == "before" else "之后的分钟数"
    text = _text(data, name)
    return whole(text, words, low=0, high=MOST_MINUTES) if text else USUAL_MINUTES


def chosen_cameras(data: QueryDict, cameras: QuerySet[Camera]) -> list[Camera]:
    """Those ticked; one that the user may not see is as if it were not there."""
    texts = data.getlist("cameras")
    if not 0 < len(texts) <= MOST_CAMERAS:
        raise MalformedError(f"请选择 1 至 {MOST_CAMERAS} 路摄像机")
    ids = {whole(text, "cameras", low=1, high=2**63 - 1) for text in texts}
    found = list(cameras.filter(pk__in=ids).select_related("organisation__parent").order_by("stake_m", "pk"))
    if len(found) != len(ids):
        raise NotFoundError("摄像机不存在")
    return found


def text_in(data: QueryDict, name: str, *, longest: int) -> str:
    """Line breaks stay; other control characters, which PostgreSQL cannot hold, become blanks."""
    text = data.get(name, "")
    if len(text) > longest:
        raise MalformedError(f"文字超过 {longest} 个字符")
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text).strip()


def _text(data: QueryDict, name: str) -> str:
    return text_in(data, name, longest=_LONGEST)


def _number(data: QueryDict, name: str, *, low: int, high: int, usual: int) -> int:
    text = _text(data, name)
    return whole(text, name, low=low, high=high) if text else usual


def _road(text: str) -> str:
    roads = parse_road(text, "路线")
    if len(roads) != 1:
        raise MalformedError("路线应为一条，例如 G42")
    return roads[0]


def _moment(data: QueryDict) -> datetime:
    """`at` in unix seconds, `when` as on a clock in Shanghai, or now."""
    if text := _text(data, "at"):
        return datetime.fromtimestamp(whole(text, "at", low=946_684_800, high=4_102_444_800), ZONE)
    if not (text := _text(data, "when")):
        return timezone.now().replace(second=0, microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or not 2000 <= moment.year <= 2100:
        raise MalformedError(f"时间“{shorten(text)}”应形如 2026-11-22T08:30")
    return moment.replace(tzinfo=ZONE)
