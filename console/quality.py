"""What the page 图像质量 shows: cameras with something wrong, flag by flag, and the pictures to judge by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from access.choices import Action
from access.models import Organisation, User
from access.words import duration
from cameras.models import Camera
from cameras.selectors import cameras_visible_to
from console.cards import CameraRow, row_of
from console.pictures import Picture, newest_pictures, picture_path
from console.places import Place, place_of
from console.words import moment
from quality.choices import QualityFlag, QualitySource
from quality.models import CameraDiagnosis, CameraQuality, QualityFeedback
from quality.selectors import abnormal_states, diagnoses_of, flag_counts, words_on
from snapshots.selectors import pictures_at
from snapshots.slots import unix_slot

PAGE_ROWS: Final = 50
_PLAIN_SHIFT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the visible cameras: one flag or any but offline, an organisation, a road, from where on."""

    flag: QualityFlag | None
    organisation: Organisation | None
    road: str
    before: Place | None


@dataclass(frozen=True, slots=True)
class Column:
    flag: QualityFlag
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One abnormality of one camera: since when and through whom it is known, what told it, what staff said."""

    flag: QualityFlag
    label: str
    state: str
    since: str
    lasts: str
    source: str
    sureness: str
    sensitivity: str
    told: Picture | None
    told_time: str
    word: str
    is_confirmed: bool
    may_judge: bool


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` has a mark or nothing for each of the nine flags."""

    camera: CameraRow
    office: str
    newest: Picture | None
    newest_time: str
    cells: list[Mark | None]


@dataclass(frozen=True, slots=True)
class QualityView:
    """`total` is of the flag that was asked for; `older` the place of the next page."""

    columns: list[Column]
    rows: list[Row]
    cameras: int
    older: str


def quality_view(user: User, wanted: Wanted) -> QualityView:
    cameras = _cameras(user, wanted)
    counts = flag_counts(cameras)
    states = abnormal_states(cameras, wanted.flag)
    total = states.count()
    if wanted.before is not None:
        at, pk = wanted.before
        states = states.filter(Q(changed_at__lt=at) | Q(changed_at=at, camera__lt=pk))
    found = list(states[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    older = ""
    if len(found) > PAGE_ROWS and shown[-1].changed_at is not None:
        older = place_of(shown[-1].changed_at, shown[-1].camera_id)
    return QualityView(
        columns=[Column(flag, str(flag.label), counts[flag]) for flag in QualityFlag],
        rows=_rows(user, shown),
        cameras=total,
        older=older,
    )


def _cameras(user: User, wanted: Wanted) -> QuerySet[Camera]:
    cameras = cameras_visible_to(user, Action.SNAPSHOT)
    if wanted.organisation is not None:
        cameras = cameras.filter(organisation__path__startswith=wanted.organisation.path)
    if wanted.road:
        # `G42&S38` lies on both of them.
        cameras = cameras.filter(road__iregex=rf"(^|&)\s*{wanted.road}\s*(&|$)")
    return cameras


def _rows(user: User, states: list[CameraQuality]) -> list[Row]:
    diagnoses = diagnoses_of(state.camera_id for state in states)
    newest = newest_pictures(state.camera for state in states)
    told = {
        (state.camera_id, flag): _told_slot(state, flag, diagnoses.get(state.camera_id))
        for state in states
        for flag in state.abnormal
    }
    desk = _Desk(
        diagnoses=diagnoses,
        words=words_on(states),
        told=told,
        pictures=pictures_at((pk, slot) for (pk, _), slot in told.items()),
        judged=_judged_by(user, states),
        now=timezone.now(),
    )
    return [desk.row(state, newest.get(state.camera_id)) for state in states]


def _judged_by(user: User, states: list[CameraQuality]) -> set[int]:
    cameras = cameras_visible_to(user, Action.LEDGER).filter(pk__in=[state.camera_id for state in states])
    return set(cameras.values_list("pk", flat=True))


def _told_slot(state: CameraQuality, flag: QualityFlag, diagnosis: CameraDiagnosis | None) -> int:
    """The slot whose picture decided; of what a gateway says the one in which it said so."""
    is_ours = state.sources[flag] == QualitySource.DIAGNOSIS and diagnosis is not None
    own: int | None = diagnosis.told_slots[flag] if is_ours and diagnosis is not None else None
    return own if own is not None else unix_slot(datetime.fromtimestamp(state.since[flag], UTC))


@dataclass(frozen=True, slots=True)
class _Desk:
    """All that was read for the rows of one page."""

    diagnoses: dict[int, CameraDiagnosis]
    words: dict[tuple[int, int], QualityFeedback]
    told: dict[tuple[int, QualityFlag], int]
    pictures: dict[tuple[int, int], datetime]
    judged: set[int]
    now: datetime

    def row(self, state: CameraQuality, newest: Picture | None) -> Row:
        may_judge = state.camera_id in self.judged
        abnormal = set(state.abnormal)
        return Row(
            camera=row_of(state.camera),
            office=state.camera.organisation.name,
            newest=newest,
            newest_time=moment(datetime.fromtimestamp(newest["at"], UTC)) if newest else "",
            cells=[self._mark(state, flag, may_judge) if flag in abnormal else None for flag in QualityFlag],
        )

    def _mark(self, state: CameraQuality, flag: QualityFlag, may_judge: bool) -> Mark:
        since = datetime.fromtimestamp(state.since[flag], UTC)
        diagnosis = self.diagnoses.get(state.camera_id)
        word = self.words.get((state.camera_id, flag))
        slot = self.told[state.camera_id, flag]
        taken_at = self.pictures.get((state.camera_id, slot))
        is_offline = flag == QualityFlag.OFFLINE
        return Mark(
            flag=flag,
            label=str(flag.label),
            state="offline" if is_offline else "quality",
            since=moment(since),
            lasts=duration(self.now - since),
            source=str(QualitySource(state.sources[flag]).label),
            sureness=_sureness(state, flag, diagnosis),
            sensitivity=_sensitivity(diagnosis, flag),
            told=Picture(url=picture_path(state.camera_id, slot), at=taken_at.timestamp())
            if taken_at
            else None,
            told_time=moment(taken_at) if taken_at else "",
            word=_word(word),
            is_confirmed=word is not None and word.is_real,
            may_judge=may_judge and not is_offline,
        )


def _sureness(state: CameraQuality, flag: QualityFlag, diagnosis: CameraDiagnosis | None) -> str:
    if diagnosis is None or state.sources[flag] != QualitySource.DIAGNOSIS:
        return ""
    confidence = diagnosis.confidence[flag]
    return "" if confidence is None else f"把握 {confidence:.0%}"


def _sensitivity(diagnosis: CameraDiagnosis | None, flag: QualityFlag) -> str:
    shift = diagnosis.sensitivity[flag] if diagnosis is not None else 0.0
    if abs(shift) < _PLAIN_SHIFT:
        return "标准"
    return f"{'已调高' if shift > 0 else '已调低'} {abs(shift):.1f}"


def _word(word: QualityFeedback | None) -> str:
    if word is None:
        return ""
    return f"{word.actor_name} {moment(word.at)} {'确认属实' if word.is_real else '判为误报，其后又报'}"


def organisations_in(rows: Iterable[Organisation]) -> list[tuple[int, str]]:
    """Choices of the filter: id and name, offices set in below their company."""
    listed = sorted(rows, key=lambda node: node.path)
    return [(node.pk, "　" * (node.kind > 0) + "　" * (node.kind > 1) + node.name) for node in listed]
