"""Our published schema of `data` (docs/analysis.md): one JSON object for each result, told apart by `subject`.

Keys that are not named here are allowed and ignored. Numbers may come as strings of digits.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

import msgspec

from access.days import ZONE
from analysis import choices
from analysis.choices import Subject
from protocol.errors import MalformedError, shorten
from protocol.fields import parse_timestamp

_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
# A clock ahead of ours by more than this makes a time nobody can use.
_MOST_AHEAD: Final = timedelta(days=1)


def _number(title: str, unit: str, low: float, high: float) -> msgspec.Meta:
    return msgspec.Meta(ge=low, le=high, title=title, extra={"unit": unit, "low": low, "high": high})


def _word(title: str, words: Any) -> msgspec.Meta:
    return msgspec.Meta(title=title, extra={"words": words})


def _text(title: str, longest: int) -> msgspec.Meta:
    return msgspec.Meta(max_length=longest, title=title, extra={"longest": longest})


Percent = Annotated[float, _number("占比", "%", 0, 100)]
SpeedKmh = Annotated[float, _number("平均速度", "km/h", 0, 300)]
Seconds = Annotated[int, _number("统计时长", "s", 1, 86400)]
Vehicles = Annotated[int, _number("车辆数", "辆", 0, 1_000_000)]


class Result(msgspec.Struct, kw_only=True, tag_field="subject"):
    """What every subject has; `level` and `figure` are the two that lists and reports are made of."""

    time: Annotated[str | int | float | None, msgspec.Meta(title="发生时间")] = None
    endTime: Annotated[str | int | float | None, msgspec.Meta(title="结束时间")] = None
    eventId: Annotated[str, _text("事件编号", 64)] | None = None
    state: Annotated[Literal["begun", "ongoing", "ended"], _word("事件状态", choices.EventState)] | None = (
        None
    )
    direction: Annotated[Literal[0, 1, 2], _word("方向", choices.Direction)] | None = None
    lane: Annotated[int, _number("车道", "", 1, 16)] | None = None
    confidence: Annotated[float, _number("置信度", "", 0, 1)] | None = None

    # Name of the field with the word, and of the one with the number.
    level_field: ClassVar[str] = ""
    figure_field: ClassVar[str] = ""

    @property
    def level(self) -> str:
        return str(getattr(self, self.level_field)) if self.level_field else ""

    @property
    def figure(self) -> float | None:
        value = getattr(self, self.figure_field)
        return None if value is None else float(value)


class Congestion(Result, kw_only=True, tag="congestion"):
    level_field = "congestionLevel"
    figure_field = "queueLength"

    congestionLevel: Annotated[
        Literal["free", "slow", "light", "moderate", "severe"], _word("拥堵等级", choices.CongestionLevel)
    ]
    queueLength: Annotated[float, _number("排队长度", "m", 0, 200_000)] | None = None
    meanSpeed: SpeedKmh | None = None


class Accident(Result, kw_only=True, tag="accident"):
    level_field = "accidentType"
    figure_field = "blockedLanes"

    accidentType: Annotated[
        Literal[
            "collision",
            "rollover",
            "fire",
            "breakdown",
            "stopped",
            "wrong_way",
            "debris",
            "pedestrian",
            "other",
        ],
        _word("事件类型", choices.AccidentType),
    ]
    severity: (
        Annotated[Literal["minor", "ordinary", "major", "critical"], _word("严重程度", choices.Severity)]
        | None
    ) = None
    blockedLanes: Annotated[int, _number("占用车道数", "条", 0, 16)] | None = None
    vehicles: Annotated[int, _number("涉及车辆", "辆", 0, 1000)] | None = None


class Speed(Result, kw_only=True, tag="speed"):
    figure_field = "meanSpeed"

    meanSpeed: SpeedKmh
    interval: Seconds | None = None
    vehicles: Vehicles | None = None


class Flow(Result, kw_only=True, tag="flow"):
    vehicles: Vehicles
    interval: Seconds
    cars: Annotated[int, _number("客车", "辆", 0, 1_000_000)] | None = None
    trucks: Annotated[int, _number("货车", "辆", 0, 1_000_000)] | None = None
    occupancy: Annotated[float, _number("时间占有率", "%", 0, 100)] | None = None
    meanSpeed: SpeedKmh | None = None

    @property
    def figure(self) -> float:
        """Vehicles an hour, so that intervals of any length compare."""
        return round(self.vehicles * 3600 / self.interval, 1)


class Weather(Result, kw_only=True, tag="weather"):
    level_field = "phenomenon"
    figure_field = "visibility"

    phenomenon: Annotated[
        Literal["clear", "fog", "rain", "snow", "hail", "wind", "sand"],
        _word("天气现象", choices.Phenomenon),
    ]
    visibility: Annotated[float, _number("能见度", "m", 0, 50_000)] | None = None
    temperature: Annotated[float, _number("气温", "℃", -60, 60)] | None = None
    humidity: Annotated[float, _number("相对湿度", "%", 0, 100)] | None = None
    windSpeed: Annotated[float, _number("风速", "m/s", 0, 100)] | None = None
    rainfall: Annotated[float, _number("降雨强度", "mm/h", 0, 500)] | None = None
    surface: (
        Annotated[Literal["dry", "wet", "water", "snow", "ice"], _word("路面状况", choices.Surface)] | None
    ) = None


AnyResult = Congestion | Accident | Speed | Flow | Weather
STRUCTS: Final[dict[Subject, type[Result]]] = {
    Subject(str(struct.__struct_config__.tag)): struct for struct in get_args(AnyResult)
}
# Unit of `figure`.
UNITS: Final = {
    Subject.CONGESTION: "m",
    Subject.ACCIDENT: "条车道",
    Subject.SPEED: "km/h",
    Subject.FLOW: "辆/h",
    Subject.WEATHER: "m",
}

_DECODER: Final[msgspec.json.Decoder[AnyResult]] = msgspec.json.Decoder(AnyResult, strict=False)
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_PLACE: Final = re.compile(r"`\$\.(\w+)")
_LOCAL_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?")


class UnrecognisedError(Exception):
    """`data` does not fit the schema; the reason in Chinese."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What the lists need of one result. `level` is a word of the schema or empty, `figure` in UNITS."""

    subject: Subject
    occurred_at: datetime
    level: str
    figure: float | None


@dataclass(frozen=True, slots=True)
class Spec:
    """One field as it is published."""

    name: str
    title: str
    unit: str
    words: dict[object, str]
    is_required: bool
    low: float | None = None
    high: float | None = None

    def say(self, value: object) -> str:
        if self.words:
            return self.words.get(value, str(value))
        number = f"{value:.8g}" if isinstance(value, float) else str(value)
        return f"{number} {self.unit}" if self.unit else number

    @property
    def wanted(self) -> str:
        if self.words:
            return "应为 " + "、".join(str(word) for word in self.words) + " 之一"
        if self.low is not None:
            return f"应为 {self.low:g} 至 {self.high:g} 的数" + (f"（{self.unit}）" if self.unit else "")
        return "类型或长度不符"


def parse_result(data: str) -> Result:
    """`data` as one of the five subjects; UnrecognisedError with field and reason."""
    if not data.strip():
        raise UnrecognisedError("内容为空")
    try:
        return _DECODER.decode(data)
    except msgspec.ValidationError as error:
        raise UnrecognisedError(_reason(data, str(error))) from None
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise UnrecognisedError("不是 JSON") from None


def understand(data: str, received_at: datetime) -> Understood:
    """What lists and reports need of `data`; UnrecognisedError when it does not fit the schema."""
    result = parse_result(data)
    occurred_at = _moment(result.time, "time", received_at)
    _moment(result.endTime, "endTime", received_at)
    return Understood(
        Subject(str(result.__struct_config__.tag)), occurred_at or received_at, result.level, result.figure
    )


def facts_of(data: str) -> list[tuple[str, str]]:
    """Title and value in words of every field that is there, for people; empty when it does not fit."""
    try:
        result = parse_result(data)
    except UnrecognisedError:
        return []
    named = ((spec, getattr(result, spec.name)) for spec in specs(type(result)))
    # The time has a column of its own.
    return [
        (spec.title, spec.say(value)) for spec, value in named if value is not None and spec.name != "time"
    ]


def specs(struct: type[Result]) -> list[Spec]:
    """The fields of one subject as they are published, its own first."""
    own = [_spec(field) for field in msgspec.structs.fields(struct)]
    common = {field.name for field in msgspec.structs.fields(Result)}
    return sorted(own, key=lambda spec: spec.name in common)


def _spec(field: msgspec.structs.FieldInfo) -> Spec:
    meta = _meta(field.type)
    extra = meta.extra or {}
    words = extra.get("words")
    return Spec(
        name=field.name,
        title=meta.title or "",
        unit=str(extra.get("unit", "")),
        words={choice.value: str(choice.label) for choice in words} if words else {},
        is_required=field.required,
        low=extra.get("low"),
        high=extra.get("high"),
    )


def _meta(kind: Any) -> msgspec.Meta:
    """The Meta of `Annotated[...]`, or of the one in `Annotated[...] | None`."""
    for part in (kind, *get_args(kind)):
        for found in getattr(part, "__metadata__", ()):
            if isinstance(found, msgspec.Meta):
                return found
    return msgspec.Meta()


def _reason(data: str, said: str) -> str:
    """msgspec names the field in English; whoever mends it needs field, value and what was wanted."""
    place = _PLACE.search(said)
    try:
        given = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return f"{place[1]} 的数值超出范围" if place else "不是 JSON"
    if not isinstance(given, dict):
        return f"应为一个 JSON 对象，收到“{shorten(given)}”"
    if missing := _MISSING.search(said):
        return f"缺少 {missing[1]}"
    name = place[1] if place else "subject"
    value = shorten(given.get(name))
    subject = given.get("subject")
    if name == "subject" or subject not in Subject.values:
        return f"subject 的值“{shorten(subject)}”应为 {'、'.join(Subject.values)} 之一"
    spec = next(spec for spec in specs(STRUCTS[Subject(subject)]) if spec.name == name)
    return f"{name} 的值“{value}”{spec.wanted}"


def _moment(value: str | int | float | None, field: str, received_at: datetime) -> datetime | None:
    """Unix seconds or milliseconds, or `2026-11-22 12:00:00` (Beijing unless an offset is given)."""
    if value is None:
        return None
    try:
        if isinstance(value, str) and _LOCAL_TIME.fullmatch(value.strip()):
            moment = datetime.fromisoformat(value.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
        else:
            number = int(value) if isinstance(value, float) else value
            moment = datetime.fromtimestamp(parse_timestamp(number, field), UTC)
    except (MalformedError, ValueError, OverflowError):
        raise UnrecognisedError(
            f"{field} 的值“{shorten(value)}”应为 unix 秒或形如 2026-11-22 12:00:00"
        ) from None
    if not _OLDEST <= moment <= received_at + _MOST_AHEAD:
        raise UnrecognisedError(f"{field} 的值“{shorten(value)}”不是可信的时间")
    return moment
