"""The still part of a scene, drawn once: what the camera sees when nobody drives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gateway.scene.canvas import Floats
from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH, Mast
from gateway.scene.landscape import ON_WATER, GroundPainter, Surface, paint_hills, paint_sky
from gateway.scene.light import Light
from gateway.scene.roadside import plant_trees, rail, raise_hedge, raise_lamps, raise_posts
from gateway.scene.structures import (
    Builder,
    Foreground,
    cable_bridge,
    etc_gantry,
    overpass,
    service_area,
    sign_gantry,
    toll_plaza,
    tunnel,
)
from gateway.scene.text import Letterer
from protocol.codes import Classify


@dataclass(frozen=True)
class Site:
    """The place that is painted. `place` is what a sign there says."""

    road: str
    place: str
    classify: Classify
    seed: int


@dataclass(frozen=True)
class Mask:
    """What hides the vehicles farther away than `z`; (left, top) is where the cut-out cover lies."""

    z: float
    left: int
    top: int
    cover: Image.Image


@dataclass(frozen=True)
class Panorama:
    luma: Image.Image
    chroma: tuple[Image.Image, Image.Image]
    masks: tuple[Mask, ...]
    farthest: float  # metres up to which vehicles can be seen


def paint(mast: Mast, site: Site, light: Light, letterer: Letterer) -> Panorama:
    """Takes some tenths of a second."""
    rng = np.random.default_rng([site.seed, 1])
    canvas = np.zeros((PANORAMA_HEIGHT, PANORAMA_WIDTH, 3), np.float32)
    sky = paint_sky(rng, mast, light)
    canvas[: len(sky)] = sky
    paint_hills(rng, canvas, mast, light)
    surface = ON_WATER if site.classify is Classify.BRIDGE else Surface()
    GroundPainter(rng, mast, light, surface).paint(canvas)
    builder = Builder(canvas, mast, light, rng, letterer, site.road)
    _dress(builder, site)
    luma, blue, red = _planes(canvas)
    return Panorama(
        luma=luma,
        chroma=(blue, red),
        masks=tuple(_mask(one) for one in sorted(builder.foregrounds, key=lambda one: -one.z)),
        farthest=builder.farthest,
    )


def _dress(builder: Builder, site: Site) -> None:
    """Everything that stands, the far and the outer first."""
    brush, rng, nearest = builder.brush, builder.rng, builder.mast.nearest * 0.9
    is_bridge = site.classify is Classify.BRIDGE
    if not is_bridge:
        plant_trees(rng, brush, nearest)
    _BEHIND.get(site.classify, _nothing)(builder, site)
    end = _TUNNEL_METRES if site.classify is Classify.TUNNEL else 900.0
    edge, half = builder.edge + 0.35, builder.mast.road.median / 2
    rail(brush, -edge, nearest, end)
    rail(brush, edge, nearest, end)
    rail(brush, -half, nearest, end)
    if not is_bridge:
        raise_hedge(rng, brush, nearest, end)
    rail(brush, half, nearest, end)
    raise_posts(brush, nearest, end)
    _BEFORE.get(site.classify, _by_chance)(builder, site)


def _nothing(builder: Builder, site: Site) -> None:
    pass


def _by_chance(builder: Builder, site: Site) -> None:
    """An ordinary stretch: a bridge over it, a sign, or neither."""
    chance = builder.rng.random()
    if chance < 0.3:
        overpass(builder, float(builder.rng.uniform(120, 220)))
    if 0.2 < chance < 0.75:
        sign_gantry(builder, float(builder.rng.uniform(52, 80)))


def _toll(builder: Builder, site: Site) -> None:
    raise_lamps(builder.brush, builder.mast.nearest)
    toll_plaza(builder, 66.0, f"{site.place}收费站")


_TUNNEL_METRES = 92.0

Dress = Callable[[Builder, Site], None]

_BEHIND: Mapping[Classify, Dress] = {
    Classify.TUNNEL: lambda builder, site: tunnel(builder, _TUNNEL_METRES, f"{site.place}隧道"),
    Classify.SERVICE_AREA: lambda builder, site: service_area(builder, 110.0, f"{site.place}服务区"),
}
_BEFORE: Mapping[Classify, Dress] = {
    Classify.BRIDGE: lambda builder, site: cable_bridge(builder),
    Classify.TUNNEL: _nothing,
    Classify.TOLL_PLAZA: _toll,
    Classify.TOLL_STATION: _toll,
    Classify.SERVICE_AREA: lambda builder, site: raise_lamps(builder.brush, builder.mast.nearest),
    Classify.ETC_GANTRY: lambda builder, site: etc_gantry(builder, 58.0),
}


def _planes(canvas: Floats) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Limited-range planes; Pillow's conversion is full-range BT.601."""
    full = Image.fromarray(np.clip(np.rint(canvas), 0, 255).astype(np.uint8)).convert("YCbCr")
    luma, blue, red = full.split()
    narrow = [round(128 + (value - 128) * 224 / 255) for value in range(256)]
    half = luma.width // 2, luma.height // 2
    return (
        luma.point([round(16 + value * 219 / 255) for value in range(256)]),
        blue.resize(half, Image.Resampling.BOX).point(narrow),
        red.resize(half, Image.Resampling.BOX).point(narrow),
    )


def _mask(foreground: Foreground) -> Mask:
    cover = _image(foreground.cover * 255)
    left, top, right, bottom = cover.getbbox() or (0, 0, 1, 1)
    return Mask(foreground.z, left, top, cover.crop((left, top, right, bottom)))


def _image(plane: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(plane), 0, 255).astype(np.uint8))
