"""From play() to the first rendered frame, in Debian's Chromium, on the whole running demo.

    python bench/first_frame.py [--json] [--rounds 9]

Low streams stand; `standing_low_ms` uses the console's own player over WebSocket-FLV, its rival is mpegts.js with
its default options on the same page and stream, in turn. The same over HTTP-FLV, and by hls.js with its defaults.
`cold_high_ms` begins before GetCameraPlayURL of a high stream that nobody pushes yet. `wall_25` opens 25 tiles as
the console does, an address each, over the demo's cameras in turn. `live_lag_ms` reads the clock in the picture.
Other media servers are measured as well where bench/other_servers.py finds them. Last, how soon streams that go and
come are known (bench/told.py).
"""

import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, sync_playwright

from bench.burnt_clock import BurntClock
from bench.harness import ROOT, Row, arguments, report
from bench.other_servers import given_servers, standing_stream
from bench.told import told_rows
from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path
from tests.e2e.demo_stack import Demo, DemoProcess
from tests.e2e.ministry_client import MinistryClient

COLD_CAMERAS: Final = 10
TILES: Final = 25
WALL_ROUNDS: Final = 3
HLS_ROUNDS: Final = 3
LOOKS: Final = 40
LOW: Final = (352, 288)


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="highway-bench-") as folder:
        process = DemoProcess(Path(folder) / "data", cameras=COLD_CAMERAS + 2)
        try:
            demo = process.wait_until_ready()
            with _page(demo) as page:
                rows = _Measuring(demo, page, options.rounds).rows()
            rows += told_rows(demo)
        finally:
            process.stop()
    report(rows, as_json=options.json)


class _page(contextlib.AbstractContextManager[Page]):
    """A page of the platform with the players in it."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Page:
        playwright = self._stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        self._stack.callback(browser.close)
        page = browser.new_context(bypass_csp=True).new_page()
        page.goto(f"{self._demo.base_url}/login/")
        page.add_script_tag(url="/static/vendor/mpegts.js")
        page.add_script_tag(url="/static/vendor/hls.light.min.js")
        page.add_script_tag(path=ROOT / "bench" / "first_frame.js", type="module")
        page.wait_for_function("window.bench")
        return page

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class _Measuring:
    """All rows, one after the other on one page."""

    def __init__(self, demo: Demo, page: Page, rounds: int) -> None:
        given = demo.facts["ministry"]
        self._partner = {"user": given["user"], "token": given["token"]}
        self._ministry = MinistryClient(
            demo.base_url, given["user"], given["device_code"], given["token"], given["private_key"]
        )
        self._online = [camera["camera_num"] for camera in demo.cameras()]
        self._page = page
        self._rounds = rounds

    def rows(self) -> list[Row]:
        over_websocket, over_http, others = self._over_websocket(), self._over_http(), self._others()
        return [*over_websocket, self._lag(), *self._wall(), self._cold(), *over_http, *self._hls(), *others]

    def _url(self, field: str, scheme: str = "http") -> str:
        answer = self._ministry.call("GetCameraPlayURL", cameraNum=self._online[0], videoType=0)
        return str(answer["videoRequestUrl"][0][field]).replace("http", scheme, 1)

    def _call(self, expression: str, *values: object) -> Any:
        return self._page.evaluate(f"(values) => bench.{expression}(...values)", list(values))

    def _in_turn(self, urls: Mapping[str, Callable[[], str]], rounds: int) -> dict[str, list[float]]:
        """Milliseconds to the first frame per kind of player; the first round of each warms up."""
        times: dict[str, list[float]] = {kind: [] for kind in urls}
        for index in range(rounds + 1):
            for kind, url in urls.items():
                took = self._call("open", url(), kind)
                if index:
                    times[kind].append(took)
        return times

    def _over_websocket(self) -> list[Row]:
        def url() -> str:
            return self._url("flv_url", "ws")

        times = self._in_turn({"console": url, "default": url}, self._rounds)
        ours, rival = (statistics.median(times[kind]) for kind in ("console", "default"))
        print(f"standing low, ms: ours {_spread(times['console'])}; defaults {_spread(times['default'])}")
        holds = ours <= min(150, 0.4 * rival)
        return [Row("standing_low_ms", "ms", ours, rival, "<= 150, <= 0.4 x", holds)]

    def _over_http(self) -> list[Row]:
        def url() -> str:
            return self._url("flv_url")

        times = self._in_turn({"http": url, "default": url}, self._rounds)
        ours, rival = (statistics.median(times[kind]) for kind in ("http", "default"))
        holds = ours <= min(150, 0.4 * rival)
        return [Row("standing_low_http_ms", "ms", ours, rival, "<= 150, <= 0.4 x", holds)]

    def _hls(self) -> list[Row]:
        """The first viewer finds nothing packaged and waits for the first segment; those beside him do not."""
        first = self._call("open", self._url("hls_url"), "hls")
        times = self._in_turn({"hls": lambda: self._url("hls_url")}, HLS_ROUNDS)["hls"]
        print(f"standing low by HLS, ms: first {first:.0f}, then {_spread(times)}")
        next_one = statistics.median(times)
        return [
            Row("standing_low_hls_first_ms", "ms", first, None, "<= 4000", first <= 4000),
            Row("standing_low_hls_next_ms", "ms", next_one, None, "<= 1000", next_one <= 1000),
        ]

    def _others(self) -> list[Row]:
        rows = []
        for server in given_servers():
            with standing_stream(server):
                urls = {"http": lambda url=server.flv_url: url}
                theirs = statistics.median(self._in_turn(urls, self._rounds)["http"])
            ours = statistics.median(
                self._in_turn({"http": lambda: self._url("flv_url")}, self._rounds)["http"]
            )
            rows.append(
                Row(f"standing_low_http_vs_{server.name}_ms", "ms", ours, theirs, "<= 150", ours <= 150)
            )
        return rows

    def _lag(self) -> Row:
        clock = BurntClock(*LOW)
        seen = self._call("look", self._url("flv_url", "ws"), clock.box, LOW[0], LOOKS)
        lags = sorted(clock.lag_seconds(now / 1000, grey) * 1000 for now, grey in seen)
        print(f"live lag, ms: {_spread(lags)}")
        worst = lags[round(0.95 * (len(lags) - 1))]
        return Row("live_lag_ms", "ms (p95)", worst, None, "<= 1000", worst <= 1000)

    def _wall(self) -> list[Row]:
        rounds = [self._call("wall", self._partner, self._online, TILES) for _ in range(WALL_ROUNDS)]
        started = min(sum(took >= 0 for took in times) for times in rounds)
        last = statistics.median(max(times) for times in rounds)
        for times in rounds:
            print(f"tiles of a wall, ms: {_spread(times)}")
        return [
            Row("wall_25_started", f"of {TILES}", started, None, "25", started == TILES),
            Row("wall_25_last_ms", "ms", last, None, "<= 3000", started == TILES and last <= 3000),
        ]

    def _cold(self) -> Row:
        cold = sorted(self._call("ask", self._partner, number, 1) for number in self._online[:COLD_CAMERAS])
        print(f"cold high, ms: {_spread(cold)}")
        p95 = cold[round(0.95 * (len(cold) - 1))]
        return Row("cold_high_ms", "ms (p95)", p95, None, "<= 3000", p95 <= 3000)


def _spread(values: list[float]) -> str:
    return json.dumps([round(value) for value in sorted(values)])


if __name__ == "__main__":
    main()
