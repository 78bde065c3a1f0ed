"""What stands in for the platform and for the player where the scripts of the main screen are tried.

Its answers are of the types that the server's own are, and tests/console/test_state.py holds the two together.
"""

import json
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from django.template.loader import render_to_string
from playwright.sync_api import Route

from console.alarms import AlarmCounts
from console.cards import CameraCard
from console.running import Running, RunningIncident
from console.views.state import ConsoleState, Counts, RawState

STATIC: Final = Path(__file__).resolve().parents[2] / "static"
HOME: Final = "http://console.test/"
SVG: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="88" height="72"/>'
KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

# Engines that play when a test says so: `engines[n].video.show()` is a first frame.
PLAYER: Final = """
window.engines = [];
window.mpegts = {
  isSupported: () => true, LoggingControl: {}, BaseLoader: class {}, LoaderErrors: {}, LoaderStatus: {},
  Events: { ERROR: "error", LOADING_COMPLETE: "end" }, ErrorTypes: {},
  createPlayer() {
    const engine = { on: (kind, act) => (engine[kind] = act), attachMediaElement: (video) => (engine.video = video) };
    engine.load = engine.play = engine.destroy = () => undefined;
    engines.push(engine);
    return engine;
  },
};
window.htmx = { trigger: () => undefined };
HTMLVideoElement.prototype.requestVideoFrameCallback = function (show) { this.show = show; };
"""


def card(number: int) -> CameraCard:
    return CameraCard(
        id=number,
        number=f"number-{number}",
        name=f"G25 K{number}",
        road="G25",
        stake=f"K{number}+000",
        direction="上行",
        place="道路",
        type="球机",
        organisation="管理处",
        path=[1, 2],
        state="online",
        since=None,
        reason="",
        quality="",
        has_stream=True,
        can_ptz=True,
        may_ptz=True,
        picture=None,
    )


def raw(number: int, state: str = "online") -> RawState:
    return RawState(id=number, state=state, since=time.time(), reason="", quality="")


def incident(name: str = "网关 济南分中心", cameras: int = 132) -> RunningIncident:
    url = "/alarms/?alarm=7"
    return RunningIncident(
        id=1, name=name, what="离线", cameras=cameras, since=time.time(), is_grave=True, url=url
    )


def state_of_wall(*wall: RawState, incidents: tuple[RunningIncident, ...] = ()) -> ConsoleState:
    """One answer to the poll."""
    return ConsoleState(
        now=time.time(),
        counts=Counts(total=3, online=3, offline=0, fault=0, unknown=0),
        alarms=AlarmCounts(open=0, fresh=0, critical=0),
        running=Running(incidents=list(incidents), more=0),
        ministry=None,
        wall=list(wall),
        changes=[],
        is_cut=False,
        nodes={},
        control=None,
    )


class Platform:
    """Answers the page; what is put into `answers` goes before the usual ones."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Route], None]] = {}
        self.places: list[dict[str, Any]] = []
        self.slots: list[dict[str, Any]] = []
        self.orders: list[int] = []
        # Cameras whose raw state is not "online"; None: one that may no longer be watched.
        self.states: dict[int, str | None] = {}
        self.incidents: list[RunningIncident] = []

    def wall(self, route: Route) -> list[RawState]:
        """Of those that the page asks for."""
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(route.request.url).query).get("wall", [""])[0]
        numbers = [int(number) for number in asked.split(",") if number]
        states = {number: self.states.get(number, "online") for number in numbers}
        return [raw(number, state) for number, state in states.items() if state is not None]

    def handle(self, route: Route) -> None:
        path = urllib.parse.urlsplit(route.request.url).path
        if path.startswith("/static/"):
            self._static(route, STATIC / path.removeprefix("/static/"))
        elif path.startswith("/picture/"):
            route.fulfill(body=SVG, content_type="image/svg+xml")
        elif path == "/":
            user = SimpleNamespace(pk=1, display_name="王工")
            page = {"user": user, "page": "wall", "may_snapshot": True, "layouts": (1, 4, 9), "steps": range(1, 9)}
            route.fulfill(body=render_to_string("console/wall.html", page), content_type="text/html")
        else:
            self._api(route, path.removeprefix("/console/api"))

    def _static(self, route: Route, path: Path) -> None:
        body = path.read_bytes() if path.is_file() and "vendor" not in path.parts else b""
        route.fulfill(body=body, content_type=KINDS.get(path.suffix, "application/octet-stream"))

    def _api(self, route: Route, path: str) -> None:
        last = path.rstrip("/").rsplit("/", 1)[-1]
        if last == "ptz":
            self.orders.append(json.loads(route.request.post_data or "")["action"])
        if (own := self.answers.get(last)) is not None:
            own(route)
        elif last == "state":
            route.fulfill(json=state_of_wall(*self.wall(route), incidents=tuple(self.incidents)))
        elif last == "cameras":
            route.fulfill(json={"cards": [card(number) for number in (1, 2, 3)]})
        elif last == "play":
            route.fulfill(json={"card": card(int(path.split("/")[2])), "ws_url": "ws://media.test/"})
        elif last == "ptz":
            route.fulfill(json={"is_done": True, "message": "", "control": None})
        elif last == "strip":
            route.fulfill(json={"slots": self.slots, "taken": len(self.slots), "total": 288})
        elif last == "G25":
            rows = [[n, n * 1000, 0, "online", f"K{n}+000", "道路", f"G25 K{n}"] for n in (1, 2, 3, 100)]
            places = self.places
            route.fulfill(
                json={"road": "G25", "name": "长深高速", "cameras": rows, "sections": [], "places": places}
            )
        else:
            route.fulfill(body="")
