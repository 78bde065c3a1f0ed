"""Presets of the wall as its page has them: one's own, then those that others share."""

from typing import TypedDict

from django.db.models import Q

from access.models import User
from cameras.models import WallPreset


class Preset(TypedDict):
    """`cameras` tile after tile, 0 for an empty one; `owner` is empty for one's own."""

    id: int
    name: str
    layout: int
    cameras: list[int]
    is_shared: bool
    owner: str


def presets_of(user: User) -> list[Preset]:
    found = WallPreset.objects.filter(Q(user=user) | Q(is_shared=True)).select_related("user")
    ordered = sorted(found, key=lambda preset: (preset.user_id != user.pk, preset.name, preset.pk))
    return [preset_to_json(preset, user) for preset in ordered]


def preset_to_json(preset: WallPreset, user: User) -> Preset:
    return Preset(
        id=preset.pk,
        name=preset.name,
        layout=preset.layout,
        cameras=list(preset.cameras),
        is_shared=preset.is_shared,
        owner="" if preset.user_id == user.pk else preset.user.display_name,
    )
