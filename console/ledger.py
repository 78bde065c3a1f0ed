"""What the page 点位台账 shows: cameras page by page as filtered, and what the gate says of them."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict

from access.choices import Action
from access.models import Organisation, User
from access.selectors import organisations_visible_to
from cameras.gate.findings import LABELS, Finding, Kind
from cameras.models import Camera, Gateway
from cameras.selectors import cameras_found, cameras_visible_to, gateways_for
from cameras.services.gate import company_gates
from cameras.services.offices import company_in
from console.cards import CameraRow, in_states, row_of
from protocol.errors import MalformedError, NotFoundError, shorten

PAGE_ROWS: Final = 100
STATES: Final = {"online": "在线", "offline": "离线", "fault": "故障", "unknown": "未知"}
_ANY: Final = "any"
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of the page; all empty means every camera."""

    text: str = ""
    organisation: Organisation | None = None
    road: str = ""
    gateway: Gateway | None = None
    has_no_gateway: bool = False
    state: str = ""
    finding: str = ""

    @property
    def form(self) -> dict[str, str]:
        gateway = "none" if self.has_no_gateway else str(self.gateway.pk) if self.gateway else ""
        return {
            "q": self.text,
            "organisation": str(self.organisation.pk) if self.organisation else "",
            "road": self.road,
            "gateway": gateway,
            "state": self.state,
            "finding": self.finding,
        }

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.form.items() if value})


@dataclass(frozen=True, slots=True)
class LedgerRow:
    camera: CameraRow
    office: str
    kind: str
    gateway: str
    can_ptz: bool
    findings: Sequence[Finding]

    @property
    def words(self) -> str:
        return "\n".join(finding.words for finding in self.findings)


@dataclass(frozen=True, slots=True)
class LedgerView:
    rows: Sequence[LedgerRow]
    total: int
    after: str


def wanted_of(user: User, params: QueryDict) -> Wanted:
    """Filters out of a query; NotFoundError for an organisation or gateway that is not the user's."""
    state, finding = params.get("state", ""), params.get("finding", "")
    if state and state not in STATES:
        raise MalformedError(f"state 的值“{shorten(state)}”应为 {'、'.join(STATES)} 之一")
    if finding and finding != _ANY and finding not in list(Kind):
        raise MalformedError(f"finding 的值“{shorten(finding)}”无法识别")
    gateway = params.get("gateway", "")
    return Wanted(
        text=_words(params.get("q", "")),
        organisation=_organisation(user, params.get("organisation", "")),
        road=_words(params.get("road", "")).upper(),
        gateway=_gateway(user, gateway) if gateway != "none" else None,
        has_no_gateway=gateway == "none",
        state=state,
        finding=finding,
    )


def wanted_in(user: User, request: HttpRequest) -> Wanted:
    return wanted_of(user, request.GET)


def _words(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST]).strip()


def _organisation(user: User, text: str) -> Organisation | None:
    if not text:
        return None
    found = organisations_visible_to(user, Action.LEDGER).filter(pk=_id(text)).first()
    if found is None:
        raise NotFoundError("单位不存在")
    return found


def _gateway(user: User, text: str) -> Gateway | None:
    if not text:
        return None
    found = gateways_for(user).filter(pk=_id(text)).first()
    if found is None:
        raise NotFoundError("网关不存在")
    return found


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def cameras_wanted(user: User, wanted: Wanted) -> QuerySet[Camera]:
    """In driving order."""
    cameras = cameras_visible_to(user, Action.LEDGER)
    if wanted.organisation is not None:
        cameras = cameras.filter(organisation__path__startswith=wanted.organisation.path)
    if wanted.road:
        cameras = cameras.filter(road__startswith=wanted.road)
    if wanted.gateway is not None or wanted.has_no_gateway:
        cameras = cameras.filter(gateway=wanted.gateway)
    if wanted.state:
        cameras = cameras.filter(in_states([wanted.state]))
    if wanted.text:
        cameras = cameras_found(cameras, wanted.text)
    if wanted.finding:
        cameras = cameras.filter(pk__any_of=_with_finding(user, wanted.finding))
    return cameras.order_by("road", "stake_m", "orientation", "pk")


def _with_finding(user: User, kind: str) -> list[int]:
    return [
        pk
        for gate in company_gates(cameras_visible_to(user, Action.LEDGER))
        for pk, findings in gate.findings.items()
        if kind == _ANY or any(finding.kind == kind for finding in findings)
    ]


def ledger_view(user: User, wanted: Wanted, after: str) -> LedgerView:
    """A page of rows; `after` is the place where the page before ended."""
    cameras = cameras_wanted(user, wanted)
    found = list(
        _after(cameras, after).select_related("organisation__parent", "gateway")[: PAGE_ROWS + 1]
    )
    shown = found[:PAGE_ROWS]
    return LedgerView(
        rows=ledger_rows(user, shown),
        total=cameras.count(),
        after=_place(shown[-1]) if len(found) > PAGE_ROWS else "",
    )


def ledger_rows(user: User, cameras: Iterable[Camera], base: QuerySet[Camera] | None = None) -> list[LedgerRow]:
    """`base`: the cameras over which the gate looks, those of the ledger unless given."""
    listed = list(cameras)
    companies = {company_in(camera.organisation.path) for camera in listed}
    visible = base if base is not None else cameras_visible_to(user, Action.LEDGER)
    findings = {pk: each for gate in company_gates(visible, companies) for pk, each in gate.findings.items()}
    return [_row(camera, findings.get(camera.pk, ())) for camera in listed]


def _row(camera: Camera, findings: Sequence[Finding]) -> LedgerRow:
    office = camera.organisation
    is_below_company = office.parent is not None and office.parent.parent_id is not None
    return LedgerRow(
        camera=row_of(camera),
        office=f"{office.parent.name} / {office.name}" if office.parent and is_below_company else office.name,
        kind=str(camera.get_camera_type_display()),
        gateway=str(camera.gateway or ""),
        can_ptz=camera.can_ptz,
        findings=findings,
    )


def _place(camera: Camera) -> str:
    return f"{camera.road}|{camera.stake_m}|{camera.orientation}|{camera.pk}"


def _after(cameras: QuerySet[Camera], place: str) -> QuerySet[Camera]:
    if not place:
        return cameras
    road, *rest = place.split("|")
    try:
        stake_m, orientation, pk = (int(part) for part in rest)
    except ValueError:
        raise MalformedError(f"after 的值“{shorten(place)}”无法识别") from None
    if max(abs(stake_m), abs(orientation)) > 2**31 - 1 or abs(pk) > 2**63 - 1 or "\0" in road:
        raise MalformedError(f"after 的值“{shorten(place)}”无法识别")
    return cameras.filter(
        Q(road__gt=road)
        | Q(road=road, stake_m__gt=stake_m)
        | Q(road=road, stake_m=stake_m, orientation__gt=orientation)
        | Q(road=road, stake_m=stake_m, orientation=orientation, pk__gt=pk)
    )


def ids_digest(ids: Collection[int]) -> str:
    """What a confirmation repeats, so that nothing is changed but what was shown."""
    return hashlib.sha256(",".join(map(str, sorted(ids))).encode()).hexdigest()


def finding_choices() -> list[tuple[str, str]]:
    return [(_ANY, "任何问题"), *((kind.value, label) for kind, label in LABELS.items())]


# The gate ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GateRow:
    """One company: its score, and how many cameras have which finding."""

    company: str
    name: str
    cameras: int
    with_findings: int
    score: str
    is_weak: bool
    cells: Sequence[tuple[str, int]]


# Under this score a company is marked.
_WEAK_SCORE: Final = 90.0


def gate_rows(user: User) -> list[GateRow]:
    return [
        GateRow(
            company=gate.company,
            name=gate.name,
            cameras=gate.score.cameras,
            with_findings=gate.score.with_findings,
            # Rounded down: only what is whole is 100.
            score=f"{int(gate.score.score * 10) / 10:.1f}",
            is_weak=gate.score.score < _WEAK_SCORE,
            cells=_cells(gate.score.by_kind),
        )
        for gate in company_gates(cameras_visible_to(user, Action.LEDGER))
    ]


def _cells(by_kind: Mapping[Kind, int]) -> list[tuple[str, int]]:
    return [(kind.value, by_kind.get(kind, 0)) for kind in Kind]


def gate_titles() -> list[str]:
    return list(LABELS.values())
