"""Judges pictures by what is usual for their camera. NumPy only: no Django, no input or output.

`features` measures one picture, `signs` holds it against the camera's `Memory`, `judging` makes scores of that,
`Trace` smooths them over the last pictures, `learning` keeps the memory up to date, `burst` looks at consecutive
frames; `engine` puts them together.
"""

from quality.diagnosis.burst import Burst, look_at_burst
from quality.diagnosis.engine import Look, Sight, forget_view, look
from quality.diagnosis.memory import BANDS, Memory, band_of
from quality.diagnosis.trace import FLAGS, Trace

__all__ = [
    "BANDS",
    "FLAGS",
    "Burst",
    "Look",
    "Memory",
    "Sight",
    "Trace",
    "band_of",
    "forget_view",
    "look",
    "look_at_burst",
]
