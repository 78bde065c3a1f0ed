"""Push sessions of the page 视频上云: the latest ones, or those of one gateway or of some cameras."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Case, F, Q, QuerySet, Value, When

from cameras.models import Camera
from console.cards import CameraRow, row_of
from console.words import moment
from streaming.choices import PushState
from streaming.models import PushSession

MOST_PUSHES: Final = 50
# A key frame every 2 s (document 3.4); time stamps are rounded, and frames come late.
MOST_GOP_MS: Final = 2100
_STATES: Final = {
    PushState.LIVE: "online",
    PushState.ORDERED: "busy",
    PushState.FAILED: "fault",
    PushState.IDLE: "offline",
}


@dataclass(frozen=True, slots=True)
class PushRow:
    camera: CameraRow
    gateway: str
    kind: str
    state: str
    words: str
    began: str
    ended: str
    format: str
    kbps: int
    gop: str
    has_rare_keys: bool
    viewers: int
    server: str


def push_rows(cameras: QuerySet[Camera], *, gateway_id: int | None = None, camera: str = "") -> list[PushRow]:
    """Those that should be there and are not come first, then those that began last.

    `camera` is part of a name or number, or the beginning of a stake.
    """
    if gateway_id is not None:
        cameras = cameras.filter(gateway=gateway_id)
    if camera:
        named = Q(name__icontains=camera) | Q(number_key__contains=camera.lower())
        cameras = cameras.filter(named | Q(stake__istartswith=camera))
    missing = Case(When(~Q(state=PushState.LIVE), is_wanted=True, then=Value(0)), default=Value(1))
    found = PushSession.objects.filter(camera__in=cameras).select_related("camera__gateway", "media_server")
    ordered = found.order_by(missing, F("live_at").desc(nulls_last=True), "pk")
    return [_row(session) for session in ordered[:MOST_PUSHES]]


def _row(session: PushSession) -> PushRow:
    is_live = session.state == PushState.LIVE
    gop_ms = (session.gop_ms or 0) if is_live else 0
    size = f"{session.width}×{session.height}" if session.width else ""
    return PushRow(
        camera=row_of(session.camera),
        gateway=str(session.camera.gateway or "—"),
        kind=str(session.get_video_type_display()),
        state=_STATES[PushState(session.state)],
        words=session.last_error if session.last_error and not is_live else str(session.get_state_display()),
        began=moment(session.live_at),
        ended="—" if is_live else moment(session.ended_at),
        format=f"{session.codec} {size}".strip() or "—",
        kbps=(session.bitrate_kbps or 0) if is_live else 0,
        gop=f"{gop_ms / 1000:.1f}" if gop_ms else "—",
        has_rare_keys=gop_ms > MOST_GOP_MS,
        viewers=session.viewers if is_live else 0,
        server=session.media_server.name,
    )
