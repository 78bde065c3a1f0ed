"""The kinds of cameras this gateway knows: one module and one line each."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.adapters import file, rtsp, simulated
from gateway.adapters.base import AdapterFactory

Settings = rtsp.Settings | file.Settings | simulated.Settings

ADAPTERS: Mapping[type, Callable[[Any], AdapterFactory]] = {
    rtsp.Settings: rtsp.factory,
    file.Settings: file.factory,
    simulated.Settings: simulated.factory,
}
