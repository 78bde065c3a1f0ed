"""The behaviour log of viewing: who began to watch what, and when it was over, for how many seconds."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.core.cache import cache

from access.actors import Actor
from access.choices import ActorKind
from access.models import Partner, User
from access.services.logs import record
from cameras.models import Camera
from streaming.choices import VIEWING_VERB, VideoType
from streaming.models import Viewing
from streaming.uids import partner_in, staff_in

# Players reconnect: of one who watches, only so often a beginning is logged.
BEGIN_SECONDS: Final = 600
# An end is logged with its beginning, and also of a viewing that lasted this long.
NOTED_SECONDS: Final = 60


def log_begin(
    *, uid: str, address: str | None, protocol: str, camera: Camera, video_type: VideoType
) -> bool:
    """Whether it was logged: not for nobody in particular, nor again for a player that reconnects."""
    actor = _actor_of(uid, address)
    if actor is None or not _is_first_lately(uid, camera, video_type):
        return False
    _record(actor, VIEWING_VERB, camera, video_type, {"方式": protocol[:8]})
    return True


def log_ends(ended: Iterable[tuple[Viewing, datetime]]) -> None:
    """Viewings, with their cameras, and when each was over."""
    for viewing, at in ended:
        seconds = max(0, round((at - viewing.began_at).total_seconds()))
        if not viewing.is_logged and not viewing.withdrawn and seconds < NOTED_SECONDS:
            continue
        actor = _actor_of(viewing.uid, viewing.address)
        if actor is not None:
            detail: dict[str, object] = {"方式": viewing.protocol, "秒": seconds}
            reason = f"由平台断开：{viewing.withdrawn}" if viewing.withdrawn else ""
            _record(actor, "结束观看", viewing.camera, VideoType(viewing.video_type), detail, reason)


def _record(
    actor: Actor,
    verb: str,
    camera: Camera,
    video_type: VideoType,
    detail: dict[str, object],
    reason: str = "",
) -> None:
    record(
        actor,
        verb,
        object_kind="camera",
        object_id=camera.pk,
        object_name=camera.name,
        reason=reason,
        detail={"码流": video_type.label, **detail},
    )


def _is_first_lately(uid: str, camera: Camera, video_type: VideoType) -> bool:
    # By the clock, and not since the last one: reconnects of a whole day would be one row.
    period = int(time.time()) // BEGIN_SECONDS
    key = f"streaming:viewing:{uid}:{camera.pk}:{int(video_type)}:{period}"
    return bool(cache.add(key, 1, timeout=BEGIN_SECONDS))


def _actor_of(uid: str, address: str | None) -> Actor | None:
    """The asker whom the play address names."""
    if (user_id := staff_in(uid)) is not None:
        user = User.objects.filter(pk=user_id).first()
        return Actor(ActorKind.STAFF, user.pk, user.display_name, address) if user else None
    if (partner_id := partner_in(uid)) is not None:
        partner = Partner.objects.filter(pk=partner_id).first()
        return Actor(ActorKind.PARTNER, partner.pk, partner.name, address) if partner else None
    return None
