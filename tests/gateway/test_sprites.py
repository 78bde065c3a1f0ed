"""Vehicles as patches, near by where the panorama ends and budgets are short."""

import itertools

import pytest

from gateway.scene.geometry import MAST_METRES
from gateway.scene.light import LightName
from gateway.scene.optics import NEAREST_GROUND_METRES, Optics
from gateway.scene.sprites import SpriteShop

LORRY, CAR = 9, 0
LOW = Optics.of(288, 0.6875, 1.0, MAST_METRES).rounded()


@pytest.mark.parametrize("toward", [True, False])
@pytest.mark.parametrize("model", [LORRY, CAR])
def test_no_vehicle_floats_over_the_road(model: int, toward: bool) -> None:
    """Whatever stands in for a sprite that may not be drawn: it reaches the ground or the lower edge."""
    shop = SpriteShop(share=0, most_credit_seconds=0)
    edge = LOW.down * LOW.eye / NEAREST_GROUND_METRES
    # From near by into the distance, so that the large ones are there to stand in.
    for decimetres, x in itertools.product(range(76, 300), (-6.0, -2.0, 2.0, 6.0)):
        z = decimetres / 10
        sprite = shop.sprite(model, toward, x, z, LOW, LightName.DAY)
        if sprite is None:
            continue
        foot = LOW.foot(x, z)[1]
        end = foot + sprite.top + sprite.patch.luma.shape[0]
        # The wheels stand behind the bumper.
        ground = foot - 0.4 * LOW.down / z
        assert end >= min(ground, edge) - 1, f"{z} m: ends {foot - end:.0f} pixels above its foot"


def test_little_is_drawn_anew_when_the_budget_is_used_up() -> None:
    shop = SpriteShop(share=0, most_credit_seconds=0)
    places = [(x / 4, z / 4) for z in range(60, 240) for x in range(-40, 40, 8)]
    sprites = [shop.sprite(LORRY, True, x, z, LOW, LightName.DAY) for x, z in places for _ in range(2)]
    assert len({id(sprite) for sprite in sprites}) < len(places) / 8
