"""The hours and weathers a simulated road is seen in."""

import datetime
import enum
from dataclasses import dataclass

Colour = tuple[float, float, float]


class LightName(enum.StrEnum):
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    RAIN = "rain"
    FOG = "fog"
    CLOCK = "clock"


@dataclass(frozen=True)
class Light:
    """Colours are 0-255; `ambient` multiplies what a thing looks like at noon."""

    sky_top: Colour
    sky_low: Colour
    ambient: Colour
    haze: Colour
    haze_metres: float  # distance after which 37 % of a thing's own colour is left
    clouds: float  # share of the sky, 0-1
    cloud_colour: Colour
    sun: float  # how much warm light the sun side has, 0-1
    sun_colour: Colour = (255.0, 244.0, 220.0)
    lamps: float = 0.0  # how bright lamps and lit windows shine, 0-1
    wet: float = 0.0
    stars: float = 0.0


LIGHTS: dict[LightName, Light] = {
    LightName.DAY: Light(
        sky_top=(86, 140, 204),
        sky_low=(196, 219, 236),
        ambient=(1.0, 1.0, 1.0),
        haze=(188, 208, 224),
        haze_metres=2600,
        clouds=0.45,
        cloud_colour=(250, 251, 253),
        sun=0.55,
    ),
    LightName.DUSK: Light(
        sky_top=(58, 66, 108),
        sky_low=(238, 150, 92),
        ambient=(0.60, 0.48, 0.45),
        haze=(196, 132, 104),
        haze_metres=1500,
        clouds=0.55,
        cloud_colour=(222, 132, 110),
        sun=1.0,
        sun_colour=(255, 190, 110),
        lamps=0.75,
    ),
    LightName.NIGHT: Light(
        sky_top=(9, 13, 26),
        sky_low=(52, 50, 58),
        ambient=(0.22, 0.23, 0.28),
        haze=(34, 36, 46),
        haze_metres=700,
        clouds=0.3,
        cloud_colour=(38, 40, 50),
        sun=0.0,
        lamps=1.0,
        stars=1.0,
    ),
    LightName.RAIN: Light(
        sky_top=(96, 106, 116),
        sky_low=(150, 158, 164),
        ambient=(0.56, 0.60, 0.63),
        haze=(142, 150, 156),
        haze_metres=420,
        clouds=0.9,
        cloud_colour=(122, 130, 138),
        sun=0.0,
        lamps=0.6,
        wet=1.0,
    ),
    LightName.FOG: Light(
        sky_top=(186, 191, 195),
        sky_low=(196, 200, 203),
        ambient=(0.82, 0.83, 0.85),
        haze=(193, 197, 200),
        haze_metres=95,
        clouds=0.0,
        cloud_colour=(200, 204, 207),
        sun=0.0,
        lamps=0.5,
        wet=0.2,
    ),
}

_DUSKS = ((5.5, 7.0), (17.25, 18.75))


def light_at(name: LightName, moment: datetime.datetime) -> LightName:
    """What `clock` means at this local time; every other name is itself."""
    if name is not LightName.CLOCK:
        return name
    hour = moment.hour + moment.minute / 60
    if any(first <= hour < last for first, last in _DUSKS):
        return LightName.DUSK
    return LightName.DAY if _DUSKS[0][1] <= hour < _DUSKS[1][0] else LightName.NIGHT
