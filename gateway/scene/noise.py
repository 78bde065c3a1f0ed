"""Natural irregularity: smooth noise that can be tiled, in one and two dimensions."""

import numpy as np

from gateway.scene.canvas import Floats

SIDE = 512


def cloudy(rng: np.random.Generator, roughness: float) -> Floats:
    """(512, 512) of mean 0 and deviation 1, tileable; a larger `roughness` exponent is smoother."""
    white = np.fft.rfft2(rng.standard_normal((SIDE, SIDE), dtype=np.float32))
    down = np.fft.fftfreq(SIDE)[:, None]
    across = np.fft.rfftfreq(SIDE)[None, :]
    radius = np.hypot(down, across)
    radius[0, 0] = np.inf
    field = np.fft.irfft2(white / radius**roughness).astype(np.float32)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def ridge(rng: np.random.Generator, length: int, roughness: float) -> Floats:
    """A line of hills: `length` values between 0 and 1."""
    white = np.fft.rfft(rng.standard_normal(length))
    frequency = np.fft.rfftfreq(length)
    frequency[0] = np.inf
    line = np.fft.irfft(white / frequency**roughness, length)
    return np.asarray((line - line.min()) / (line.max() - line.min()), dtype=np.float32)


def smoothstep(value: Floats, low: float, high: float) -> Floats:
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
