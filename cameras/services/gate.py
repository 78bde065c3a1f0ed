"""The gate over what stands in the ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from django.core.cache import cache
from django.db.models import Count, Max, Q, QuerySet

from access.models import Organisation
from cameras.gate.findings import Finding, Kind, Point
from cameras.gate.judge import Score, judge_points, score_of
from cameras.models import Camera
from cameras.services.offices import company_in

_KEPT_SECONDS = 24 * 3600
_FIELDS = ("pk", "organisation__path", "name", "road", "stake", "stake_m", "orientation", "classify")


def points_of_companies(companies: Collection[str]) -> list[Point]:
    """The living cameras of these companies (`Office.company`)."""
    numbers = [int(company) for company in companies if company.isdigit()]
    if not numbers:
        return []
    nodes = Q(organisation__path__regex=rf"^/\d+/({'|'.join(map(str, numbers))})/") | Q(
        organisation__in=numbers, organisation__parent=None
    )
    return list(points_of(Camera.objects.filter(nodes, deleted_at=None)))


def points_of(cameras: QuerySet[Camera]) -> Iterator[Point]:
    rows = cameras.order_by().values_list(*_FIELDS, "longitude", "latitude", "area")
    for pk, path, name, road, stake, stake_m, orientation, classify, longitude, latitude, area in rows:
        yield Point(
            *(pk, company_in(path), name, road, stake, stake_m, orientation, classify, longitude, latitude, area)
        )


@dataclass(frozen=True)
class CompanyGate:
    """One company as far as somebody may see it."""

    company: str
    name: str
    score: Score
    findings: Mapping[int, Sequence[Finding]]


def company_gates(visible: QuerySet[Camera], companies: Collection[str] | None = None) -> list[CompanyGate]:
    """The gate over the cameras somebody sees, the worst company first; of `companies` alone, if any are named.

    Companies are judged whole and kept until one of their cameras changes, as neighbours count also where they are
    not seen.
    """
    seen: dict[str, set[int]] = defaultdict(set)
    for pk, path in visible.order_by().values_list("pk", "organisation__path"):
        company = company_in(path)
        if companies is None or company in companies:
            seen[company].add(pk)
    findings = _findings_of(list(seen))
    names = dict(Organisation.objects.filter(pk__in=map(int, seen)).values_list("pk", "name"))
    gates = []
    for company, ids in seen.items():
        own = {pk: each for pk, each in findings[company].items() if pk in ids}
        score = score_of(len(ids), own.values())
        gates.append(CompanyGate(company, names.get(int(company), ""), score, own))
    return sorted(gates, key=lambda gate: (gate.score.score, gate.name))


# By camera.
_Findings = dict[int, list[Finding]]


def _findings_of(companies: Sequence[str]) -> dict[str, _Findings]:
    states = _states()
    keys = {company: f"gate-{company}-{states.get(company, '')}" for company in companies}
    kept: dict[str, list[tuple[int, str, str]]] = cache.get_many(keys.values())
    found = {
        company: _from_kept(kept[key]) for company, key in keys.items() if key in kept
    }
    missing = [company for company in companies if company not in found]
    points = points_of_companies(missing)
    fresh: dict[str, _Findings] = {company: {} for company in missing}
    judged = judge_points(points)
    for point in points:
        if isinstance(point.key, int) and point.key in judged:
            fresh[point.company][point.key] = judged[point.key]
    to_keep = {
        keys[company]: [(pk, each.kind.value, each.words) for pk, many in found_here.items() for each in many]
        for company, found_here in fresh.items()
    }
    if to_keep:
        cache.set_many(to_keep, _KEPT_SECONDS)
    return found | fresh


def _from_kept(rows: Sequence[tuple[int, str, str]]) -> _Findings:
    found: _Findings = defaultdict(list)
    for pk, kind, words in rows:
        found[pk].append(Finding(Kind(kind), words))
    return found


def _states() -> dict[str, str]:
    """Of each company a word that is another one after any change to its cameras."""
    living = Camera.objects.filter(deleted_at=None).order_by()
    rows = living.values_list("organisation__path").annotate(Count("pk"), Max("updated_at"))
    counts: dict[str, list[object]] = defaultdict(list)
    for path, count, changed_at in sorted(rows):
        counts[company_in(path)] += [path, count, changed_at.timestamp()]
    return {company: blake2b(repr(state).encode(), digest_size=12).hexdigest() for company, state in counts.items()}
