"""The same on real clips, where they are."""

import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from protocol.codes import QualityFlag
from tests.quality.diagnosis.roadside import Camera, Light, Luma, blurred, flags

MEDIA = Path(__file__).resolve().parents[4] / "shared" / "media"
MANIFEST = MEDIA / "MANIFEST.md"
CLIPS = re.findall(r"^\| (\S+\.mp4) \|", MANIFEST.read_text("utf-8"), re.MULTILINE) if MANIFEST.exists() else []

pytestmark = pytest.mark.skipif(not CLIPS, reason=f"no real clips: {MANIFEST} is absent")


def stills(name: str) -> list[Luma]:
    """Twenty moments of a clip."""
    lumas = []
    with av.open(str(MEDIA / name)) as container:
        for frame in container.decode(video=0):
            plane: Any = frame.planes[0]
            raw = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            lumas.append(raw[:, : plane.width].copy())
    return lumas[:: len(lumas) // 20][:20]


@pytest.mark.parametrize("name", CLIPS)
def test_a_real_road_is_good_until_it_blurs(name: str) -> None:
    """Its moments as if they were five minutes apart, so with light that is never twice the same."""
    rng = np.random.default_rng(1)
    camera = Camera()
    pictures = [luma.astype(np.float32) * np.exp(rng.normal(0, 0.05)) for luma in stills(name)]
    for light in pictures:
        assert not flags(camera.see(as_luma(light)))
    for light in pictures[:3]:
        seen = camera.see(as_luma(blurred(light)))
    assert flags(seen) == {QualityFlag.BLURRED}


def as_luma(light: Light) -> Luma:
    return np.clip(light, 0, 255).astype(np.uint8)
