"""Acceptance reports: asked for, carried out camera by camera, and what staff say of the pictures."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from acceptance.judging import Finding
from acceptance.models import AcceptanceReport, ShownPicture, is_under_way
from acceptance.selectors import cameras_to_try
from acceptance.services.probing import Probe, Prober
from access.actors import Actor
from access.services.logs import record
from cameras.models import Camera, Gateway
from protocol.errors import MalformedError, ProtocolError
from snapshots.capture.decode import picture_of
from snapshots.capture.errors import CaptureError

# Each takes up to 45 seconds, all of them have to fit into one task.
MOST_CAMERAS: Final = 8


class Line(Finding):
    """A finding and where it was made."""

    camera: str
    camera_id: int
    stream: str


def ask_for(*, gateway: Gateway, cameras: int, actor: Actor) -> AcceptanceReport:
    """A report to be carried out; `MalformedError` where there is nothing to try, or a try under way."""
    if not 1 <= cameras <= MOST_CAMERAS:
        raise MalformedError(f"摄像机数应为 1 到 {MOST_CAMERAS}")
    if not gateway.can_push:
        raise MalformedError("网关未启用或未登记地址，无法验收")
    if not cameras_to_try(gateway, 1):
        raise MalformedError("网关还没有登记摄像机，无法验收")
    with transaction.atomic():
        # Two at a time would end each other's streams.
        locked = Gateway.objects.select_for_update(of=("self",)).select_related("partner").get(pk=gateway.pk)
        if AcceptanceReport.objects.filter(is_under_way(timezone.now()), gateway=locked).exists():
            raise MalformedError("该网关正在验收，请等其完成")
        report = AcceptanceReport.objects.create(
            gateway=locked,
            gateway_name=f"{locked.code} {locked.name}".strip(),
            organisation_id=locked.partner.organisation_id,
            asked_by=actor.name[:64],
            cameras_wanted=cameras,
        )
        record(actor, "网关接入验收", object_kind="gateway", object_id=locked.pk, object_name=locked.code)
    return report


def carry_out(*, report: AcceptanceReport, prober: Prober | None = None) -> Iterator[Line]:
    """Line after line as it is found; kept after every stream. Begins anew when it was broken off."""
    gateway = report.gateway
    if report.finished_at is not None or gateway is None:
        return
    report.findings, report.begun_at = [], timezone.now()
    report.save(update_fields=["findings", "begun_at"])
    report.pictures.all().delete()
    try:
        for camera in cameras_to_try(gateway, report.cameras_wanted):
            for probe in (prober or Prober()).probe(camera):
                lines = [_line(camera, probe, finding) for finding in _seen(report, camera, probe)]
                report.findings = [*report.findings, *lines]
                report.save(update_fields=["findings"])
                yield from lines
        if not report.findings:
            raise MalformedError("网关没有可验收的摄像机")
    except ProtocolError as error:
        give_up(report=report, why=error.message)
        raise
    except Exception:
        # Who asked would wait for it, and the gateway would be kept from another try.
        give_up(report=report, why="平台内部错误，详见平台日志")
        raise
    report.finished_at = timezone.now()
    report.save(update_fields=["finished_at"])


def give_up(*, report: AcceptanceReport, why: str) -> None:
    report.error, report.finished_at = why[:200], timezone.now()
    report.save(update_fields=["error", "finished_at"])


def judge_picture(*, picture: ShownPicture, is_good: bool, actor: Actor) -> None:
    """The newest word counts; who said it stands in the report."""
    picture.is_good, picture.judged_by, picture.judged_at = is_good, actor.name[:64], timezone.now()
    picture.save(update_fields=["is_good", "judged_by", "judged_at"])
    record(
        actor,
        "确认验收画面",
        object_kind="acceptance_picture",
        object_id=picture.pk,
        object_name=picture.camera_name,
        detail={"is_good": is_good},
    )


def _line(camera: Camera, probe: Probe, finding: Finding) -> Line:
    return Line(camera=camera.name, camera_id=camera.pk, stream=probe.video_type.label, **finding)


def _seen(report: AcceptanceReport, camera: Camera, probe: Probe) -> list[Finding]:
    """The findings; a picture is put by for staff, or it is one more finding that there is none."""
    if probe.key_frame is None:
        return probe.findings
    now = timezone.now()
    try:
        picture = picture_of(probe.key_frame, quality=settings.SNAPSHOT_JPEG_QUALITY, taken_at=now)
    except CaptureError as error:
        broken = Finding(title="画面", wanted="关键帧能解码", found=error.result.label, is_good=False)
        return [*probe.findings, broken]
    ShownPicture.objects.create(
        report=report,
        camera=camera,
        camera_name=camera.name,
        video_type=probe.video_type,
        taken_at=now,
        jpeg=picture.jpeg,
    )
    return probe.findings
