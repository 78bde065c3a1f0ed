"""Presets of the video wall: kept, replaced and given up by their owner."""

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from access.models import User
from cameras.models import WallPreset
from cameras.selectors import cameras_visible_to
from protocol.errors import ForbiddenError, MalformedError, NotFoundError

LAYOUTS: Final = (1, 4, 9, 16, 25)
MOST_PRESETS: Final = 100
LONGEST_NAME: Final = 32


def save_preset(
    *, user: User, name: str, layout: int, cameras: Sequence[int], is_shared: bool = False
) -> WallPreset:
    """Keep a wall under a name; one of the same name is replaced. 0 is an empty tile."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise MalformedError(f"预案名称应为 1 至 {LONGEST_NAME} 个可见字符")
    if layout not in LAYOUTS or len(cameras) > layout:
        raise MalformedError(f"画面数应为 {'、'.join(map(str, LAYOUTS))} 之一，摄像机不多于画面数")
    wanted = {camera for camera in cameras if camera}
    if not wanted:
        raise MalformedError("画面上没有摄像机，没有可以保存的")
    if cameras_visible_to(user).filter(pk__in=wanted).count() != len(wanted):
        raise NotFoundError("有摄像机不存在或已删除")
    with transaction.atomic():
        # Whoever saves at the same time waits, so that the number holds.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        others = WallPreset.objects.filter(user=user).exclude(name=name)
        if others.count() >= MOST_PRESETS:
            raise ForbiddenError(f"预案最多 {MOST_PRESETS} 个，请先删除不用的")
        preset, _ = WallPreset.objects.update_or_create(
            user=user,
            name=name,
            defaults={"layout": layout, "cameras": list(cameras), "is_shared": is_shared},
        )
    return preset


def remove_preset(*, user: User, preset_id: int) -> None:
    """Only one's own; that of somebody else is as if unknown."""
    removed, _ = WallPreset.objects.filter(user=user, pk=preset_id).delete()
    if not removed:
        raise NotFoundError("预案不存在")
