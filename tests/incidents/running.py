"""An incident that goes on, as the watch leaves it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from access.choices import Severity
from access.models import Organisation
from access.services.alarms import raise_alarm
from cameras.models import Camera
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera


def run_incident(company: Organisation | None, name: str, *cameras: Camera, **fields: Any) -> Incident:
    """Of a gateway, unless said otherwise; with its alarm."""
    alarm = raise_alarm(
        key=f"incident:{name}", title=name, severity=Severity.CRITICAL, organisation=company, is_shared=True
    )
    began = timezone.now() - timedelta(minutes=5)
    found = Incident.objects.create(
        **{"kind": IncidentKind.GATEWAY, "subject": name, "name": name, "organisation": company, "began_at": began}
        | {"cameras": len(cameras), "peak": len(cameras), "alarm": alarm}
        | fields
    )
    for camera in cameras:
        IncidentCamera.objects.create(incident=found, camera=camera, since=began)
    return found
