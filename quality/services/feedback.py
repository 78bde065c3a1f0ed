"""What staff say of an alarm: it is kept, it holds or takes back the flag, and it tunes this camera's diagnosis."""

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.services.logs import record
from cameras.models import Camera
from protocol.errors import MalformedError
from quality.choices import QualityFlag
from quality.diagnosis import Trace, forget_view
from quality.models import CameraDiagnosis, CameraQuality, QualityFeedback
from quality.services.rows import lock_rows
from quality.services.verdicts import reject_flag

# Added to the logit of a score: a step weighs a score of 0.5 as 0.33, or as 0.55.
FALSE_ALARM_STEP: Final = -0.7
REAL_STEP: Final = 0.2
# However often it was mistaken, what is plain to see (a score of 0.9) is still told.
LOWEST: Final = -2.1
HIGHEST: Final = 1.0
# Judged against what is usual for the view: if that is wrong, the usual has changed for good and is learned anew.
LEARNED: Final = frozenset(
    {QualityFlag.OCCLUDED, QualityFlag.BLURRED, QualityFlag.BRIGHTNESS, QualityFlag.NOISE}
)


def judge_alarm(*, camera: Camera, flag: QualityFlag, is_real: bool, actor: Actor) -> None:
    """Confirm or reject one abnormality that holds. Said again of the same one, the last word counts."""
    if flag == QualityFlag.OFFLINE:
        raise MalformedError("“离线”按码流与上报的状态得出，不需人工确认")
    with transaction.atomic():
        # Before the state, as the diagnosis does.
        diagnosis = lock_rows([camera.pk])[camera.pk]
        state = CameraQuality.objects.select_for_update().filter(camera=camera).first()
        if state is None or flag not in state.abnormal:
            raise MalformedError(f"该摄像机当前没有“{flag.label}”")
        _keep(diagnosis, flag, since=state.since[flag], is_real=is_real, actor=actor)
        if is_real:
            record(
                actor,
                "确认质量告警",
                object_kind="camera",
                object_id=camera.pk,
                object_name=camera.name,
                reason=str(flag.label),
            )
        else:
            reject_flag(camera=camera, flag=flag, actor=actor)
        _tune(diagnosis, flag, is_real)


def _keep(row: CameraDiagnosis, flag: QualityFlag, *, since: float, is_real: bool, actor: Actor) -> None:
    said = {
        "is_real": is_real,
        "is_ours": row.flags[flag] == "1",
        "score": row.scores[flag],
        "at": timezone.now(),
        "actor_name": actor.name[:80],
    }
    QualityFeedback.objects.update_or_create(camera_id=row.camera_id, flag=flag, since=since, defaults=said)


def _tune(row: CameraDiagnosis, flag: QualityFlag, is_real: bool) -> None:
    said = QualityFeedback.objects.filter(camera_id=row.camera_id, flag=flag).order_by("at", "pk")
    row.sensitivity[flag] = sensitivity_after(said.values_list("is_real", "is_ours"))
    changed = ["sensitivity"]
    if not is_real and flag in LEARNED:
        now = timezone.now()
        row.view_since = max(row.view_since or now, now)
        # What still stood as a fault would keep the view from being learned, and be cleared by nothing else.
        row.trace = forget_view(Trace.from_bytes(bytes(row.trace)), flag).to_bytes()
        changed += ["view_since", "trace"]
    row.save(update_fields=changed)


def sensitivity_after(said: Iterable[tuple[bool, bool]]) -> float:
    """Of one flag of one camera, from what was said of its alarms in turn: whether it was real, whether ours.

    A false alarm of a gateway is not our diagnosis's fault; one that is real and that we missed is.
    """
    total = 0.0
    for is_real, is_ours in said:
        step = REAL_STEP if is_real else FALSE_ALARM_STEP if is_ours else 0.0
        total = min(HIGHEST, max(LOWEST, total + step))
    return round(total, 2)
