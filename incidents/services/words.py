"""What an incident is called and how it is told, in the words of its alarm."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from access.choices import Severity
from access.days import ZONE
from access.models import Organisation
from access.words import duration
from cameras.models import Camera, Gateway
from incidents.choices import IncidentKind
from incidents.folding import Group, parts_of
from incidents.models import Incident
from streaming.models import MediaServer

_LONGEST_NAME: Final = 80
# However few cameras they take along.
_GRAVE: Final = {IncidentKind.MEDIA, IncidentKind.PROVINCE}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a group is called, to whom it belongs, and what else is known of its cause."""

    name: str
    organisation_id: int | None
    hint: str = ""


def subjects_of(groups: Collection[Group], companies: Mapping[Group, Sequence[int]]) -> dict[Group, Subject]:
    """In a query for each kind; `companies` are those whose cameras the groups hold, who has most of them first."""
    ids = {kind: {parts_of(subject)[0] for other, subject in groups if other == kind} for kind in IncidentKind}
    offices = ids[IncidentKind.COMPANY] | ids[IncidentKind.ROAD] | ids[IncidentKind.SECTION]
    names = dict(Organisation.objects.filter(pk__in=offices).values_list("pk", "name"))
    gateways = Gateway.objects.in_bulk(ids[IncidentKind.GATEWAY])
    servers = MediaServer.objects.in_bulk(ids[IncidentKind.MEDIA])
    cameras = Camera.objects.in_bulk(ids[IncidentKind.CAMERA])
    found: dict[Group, Subject] = {}
    for group in groups:
        kind, subject = group
        number, road = parts_of(subject)
        if kind == IncidentKind.MEDIA:
            found[group] = _of_server(servers.get(number))
        elif kind == IncidentKind.PROVINCE:
            found[group] = Subject("全省", number, f"{len(companies[group])} 家单位同时中断")
        elif kind == IncidentKind.GATEWAY:
            # A gateway of several companies is nobody's alone; most of it is one's.
            found[group] = _of_gateway(gateways.get(number), companies[group][0])
        elif kind == IncidentKind.CAMERA:
            found[group] = _of_camera(cameras.get(number))
        else:
            found[group] = Subject(f"{names.get(number, '')} {road}".strip(), number)
    return found


def title_of(incident: Incident) -> str:
    if incident.kind == IncidentKind.CAMERA:
        return f"{incident.name}：{'频繁掉线' if incident.flapping else '离线'}"
    return f"{incident.name}：{incident.cameras:,} 路{what_of(incident)}"


def what_of(incident: Incident) -> str:
    if not incident.flapping:
        return "离线"
    return "频繁掉线" if incident.flapping == incident.cameras else "离线或频繁掉线"


def message_of(incident: Incident, hint: str) -> str:
    began = f"{incident.began_at.astimezone(ZONE):%m-%d %H:%M:%S} 起"
    if incident.kind == IncidentKind.CAMERA:
        return f"{began}，一小时内反复离线又恢复" if incident.flapping else began
    counts = f"共 {incident.total:,} 路中的 {incident.cameras:,} 路"
    most = f"，最多时 {incident.peak:,} 路" if incident.peak > incident.cameras else ""
    return "。".join(filter(None, [f"{began}，{counts}{most}", hint]))


def last_words_of(incident: Incident, into: str, now: datetime) -> str:
    if into:
        return f"并入“{into}”"
    most = f"，最多时 {incident.peak:,} 路" if incident.kind != IncidentKind.CAMERA else ""
    return f"{incident.began_at.astimezone(ZONE):%m-%d %H:%M:%S} 起，历时 {duration(now - incident.began_at)}{most}"


def severity_of(incident: Incident) -> Severity:
    if incident.kind == IncidentKind.CAMERA:
        return Severity.NOTICE
    # By its peak: what shrinks and grows again is not news.
    is_grave = incident.kind in _GRAVE or incident.peak >= settings.INCIDENT_CRITICAL_CAMERAS
    return Severity.CRITICAL if is_grave else Severity.WARNING


def _of_server(server: MediaServer | None) -> Subject:
    if server is None:
        return Subject("媒体服务器", None)
    hint = "媒体服务器有应答，其上的视频流却同时中断"
    if server.silent_since:
        hint = f"媒体服务器无应答：{server.last_error}"
    return Subject(f"媒体服务器 {server.name}", None, hint)


def _of_gateway(gateway: Gateway | None, company_id: int) -> Subject:
    if gateway is None:
        return Subject("网关", company_id)
    hint = ""
    if gateway.last_error:
        hint = f"网关最近一次无应答：{gateway.last_error}"
    elif gateway.last_answer_at:
        answered = f"{gateway.last_answer_at.astimezone(ZONE):%m-%d %H:%M:%S}"
        hint = f"网关有应答（最近 {answered}），请查它到摄像机、到媒体服务器的线路"
    return Subject(f"网关 {gateway}", company_id, hint)


def _of_camera(camera: Camera | None) -> Subject:
    if camera is None:
        return Subject("摄像机", None)
    return Subject(camera.name[:_LONGEST_NAME], camera.organisation_id)
