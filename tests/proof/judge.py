"""What has to be so at the end, and what must never have been so; each function names what is wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q

from analysis.models import AnalysisResult
from cameras.models import Camera
from ministry.models import AnalysisDelivery, CameraDelivery
from quality.models import CameraQuality
from tests.proof.journal import Acknowledgement

Json = dict[str, Any]


@dataclass
class Truth:
    """Our ledger, by lower-case number."""

    cameras: dict[str, Json] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    qualities: dict[str, str] = field(default_factory=dict)
    analyses: list[tuple[str, str]] = field(default_factory=list)


def read_truth() -> Truth:
    """What the ministry has to hold. Results of a camera that is gone cannot be told any more."""
    truth = Truth()
    live = Camera.objects.filter(deleted_at=None, is_pending=False)
    for camera in live.select_related("organisation__parent"):
        truth.cameras[camera.number_key] = _as_reported(camera)
        truth.statuses[camera.number_key] = camera.status
    for row in CameraQuality.objects.filter(camera__in=live).select_related("camera"):
        truth.qualities[row.camera.number_key] = row.flags
    results = AnalysisResult.objects.filter(camera__in=live)
    truth.analyses = list(results.values_list("camera__number_key", "data"))
    return truth


def _as_reported(camera: Camera) -> Json:
    """Document 1.1 a, read here once more."""
    office = camera.organisation
    assert office.parent is not None
    return {
        "department": office.parent.name,
        "cameraNum": camera.number,
        "cameraName": camera.name,
        "longAndLati": f"{camera.longitude}/{camera.latitude}",
        "road": camera.road,
        "classify": camera.classify,
        "cameraOrientation": camera.orientation,
        "pileNum": camera.stake,
        "area": camera.area,
        "roadSec": office.name,
        "cameraType": camera.camera_type,
        "gatewayNum": "",
        "poiName": camera.poi_name,
        "others": camera.others,
    }


def differences(truth: Truth, state: Mapping[str, Any]) -> list[str]:
    """Between our ledger and `/state` of the ministry, field by field."""
    held = {camera["cameraNum"].lower(): camera for camera in state["cameras"]}
    found = [f"{key}: not at the ministry" for key in truth.cameras.keys() - held.keys()]
    found += [f"{key}: only at the ministry" for key in held.keys() - truth.cameras.keys()]
    for key in truth.cameras.keys() & held.keys():
        ours, theirs = truth.cameras[key], held[key]
        found += [
            f"{key}: {name} is {ours.get(name)!r}, at the ministry {theirs.get(name)!r}"
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name) or type(ours.get(name)) is not type(theirs.get(name))
        ]
    for what, ours_told, theirs_told in (
        ("status", truth.statuses, state["statuses"]),
        ("quality", truth.qualities, state["qualities"]),
    ):
        told = {number.lower(): value for number, value in theirs_told.items()}
        found += [
            f"{key}: {what} is {ours_told.get(key)!r}, at the ministry {told.get(key)!r}"
            for key in sorted(ours_told.keys() | told.keys())
            if ours_told.get(key) != told.get(key)
        ]
    arrived = {(item["cameraNum"].lower(), item["data"]) for item in state["analysis"]}
    found += [
        f"{key}: result {data!r} never arrived" for key, data in truth.analyses if (key, data) not in arrived
    ]
    return sorted(found)


def ahead_of_truth(
    acknowledgements: Iterable[Acknowledgement], history: Mapping[str, Sequence[Json]]
) -> list[str]:
    """Acknowledgements of something that the ministry did not hold when they were written down."""
    found = []
    for said in acknowledgements:
        held = held_at(history.get(said.camera, ()), said.at)
        value = {"version": held.mark, "gone": held.mark, "status": held.status, "quality": held.quality}[
            said.what
        ]
        if value != said.value:
            found.append(
                f"{said.camera}: {said.what} {said.value!r} acknowledged at {said.at}, held was {value!r}"
            )
    return found


@dataclass
class Held:
    """What the ministry held of a camera; the mark is `others` of its record, None: no such camera."""

    mark: str | None = None
    status: str | None = None
    quality: str | None = None


def held_at(events: Sequence[Json], at: float) -> Held:
    """After the events up to that time; a deletion takes status and quality along."""
    held = Held()
    for event in events:
        if event["at"] > at:
            break
        if event["what"] == "status":
            held.status = str(event["value"])
        elif event["what"] == "quality":
            held.quality = event["value"]
        elif event["value"] is None:
            held = Held()
        else:
            held.mark = event["value"]["others"]
    return held


def overlapping(told: Mapping[str, Any]) -> list[str]:
    """Cameras that were in two requests at once, from `/overlaps`."""
    return [
        f"{overlap['camera']}: in {overlap['second']['verb']} at {overlap['at']}, "
        f"in {overlap['first']['verb']} since {overlap['first']['began_at']}"
        for overlap in told["overlaps"]
    ]


def too_rare(counts: Mapping[str, int], least: int) -> list[str]:
    return [f"{kind}: {count} times, wanted {least}" for kind, count in counts.items() if count < least]


def pending() -> Counter[str]:
    """What the platform itself has not seen acknowledged yet."""
    live = Q(camera__deleted_at=None, camera__is_pending=False)
    rows = CameraDelivery.objects.filter(live)
    told = rows.filter(version=F("camera__version")).values("camera")
    cameras = Camera.objects.filter(deleted_at=None, is_pending=False)
    judged = rows.filter(camera__quality__isnull=False)
    counts = {
        "registrations": cameras.exclude(pk__in=told).count(),
        "deletions": CameraDelivery.objects.exclude(live).filter(version__gt=0).count(),
        "statuses": rows.filter(Q(status=None) | ~Q(status=F("camera__status"))).count(),
        "qualities": judged.filter(Q(quality=None) | ~Q(quality=F("camera__quality__flags"))).count(),
        "analyses": AnalysisDelivery.objects.filter(reported_at=None, camera__in=cameras).count(),
    }
    return Counter({what: count for what, count in counts.items() if count})
