"""The roadside gateway with real RTSP cameras and a real RTMP media server, frames counted by decoding there.

    python bench/gateway.py [--json] [--channels 100] [--seconds 120]

Cameras are Debian's gst-rtsp-server (installed when absent and allowed to), the media server is the embedded one;
both run in processes of their own. The rival is one bare ffmpeg for each camera, with the same cameras and media
server. Then faults, one channel each: a camera is stopped (SIGSTOP), a camera is gone, a media server is gone, a
media server accepts and never answers; `others_hurt` counts the other channels that lost frames meanwhile.
"""

import contextlib
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.frame_counter import Channel, FrameCounter, Take
from bench.gateway_site import (
    CameraHost,
    GatewayProgram,
    MediaSink,
    Program,
    free_port,
    make_clip,
    need_gstreamer,
    patient_platform,
    publish_query,
)
from bench.harness import Row, arguments, report
from gateway.ffmpeg import find_ffmpeg

LIVE_FPS: Final = 24.5
STARTS_A_SECOND: Final = 7
RIVAL_SECONDS: Final = 20.0
FAULT_SECONDS: Final = 20.0
# Of the cameras, and a little more.
KEY_FRAME_SECONDS: Final = 1.5
LONGEST_BACK_SECONDS: Final = 60.0
RESTARTS: Final = 15
HOSTS: Final = 5
# The channels that faults happen to.
FROZEN, GONE, SINK_GONE, DEAF_SINK = 0, 1, 2, 3


@dataclass(frozen=True)
class Cost:
    """What the processes of all channels took: per cent of a core, and MB, each for one channel."""

    cpu: float
    pss: float


@dataclass
class Site:
    folder: Path
    hosts: list[CameraHost]  # of each channel's camera
    urls: list[str]
    sink: MediaSink
    other_sink: MediaSink
    counter: FrameCounter

    @property
    def channels(self) -> list[Channel]:
        return self.counter.channels


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long all channels are counted")
    options = parser.parse_args()
    if options.channels < 6:
        parser.error("--channels: four of them are for faults, at least 6")
    need_gstreamer()
    with _site(options.channels) as site:
        rival = _rival(site, min(RIVAL_SECONDS, options.seconds))
        rows = _ours(site, options.seconds, rival)
    report(rows, as_json=options.json)


@contextlib.contextmanager
def _site(channels: int) -> Iterator[Site]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="highway-bench-")))
        clip = make_clip(folder / "clip.h264")

        def host() -> CameraHost:
            program = CameraHost(folder, clip)
            stack.callback(program.end)
            return program

        # What is to be stopped or killed has a process of its own.
        frozen, gone = host(), host()
        others = [host() for _ in range(HOSTS)]
        hosts = [frozen, gone, *(others[index % HOSTS] for index in range(channels - 2))]
        platform = stack.enter_context(patient_platform())
        sink, other_sink = MediaSink(folder, platform), MediaSink(folder, platform)
        stack.callback(sink.end)
        stack.callback(other_sink.end)
        counter = FrameCounter()
        stack.callback(counter.close)
        yield Site(folder, hosts, [one.url for one in hosts], sink, other_sink, counter)


def _rival(site: Site, seconds: float) -> Cost:
    """One bare ffmpeg each, started as carefully as ours."""
    bare = [
        Program(
            [
                *(find_ffmpeg(None), "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url),
                *("-an", "-c:v", "copy", "-f", "flv"),
                f"rtmp://127.0.0.1:{site.sink.rtmp_port}/live/rival{index}?{publish_query(f'rival{index}')}",
            ],
            site.folder / "rival.log",
        )
        for index, url in enumerate(site.urls)
    ]
    site.counter.watch([Channel(site.sink.http_port, f"rival{index}") for index in range(len(bare))])
    try:
        for program in bare:
            program.start()
            time.sleep(1 / STARTS_A_SECOND)
        _until(lambda: all(channel.times for channel in site.channels), 20)
        cost, take = _count(site, [program.pid for program in bare], seconds)
    finally:
        for program in bare:
            program.end()
        site.counter.watch([])
    print(f"bare ffmpegs: {_rates(take.rates())}")
    return cost


def _ours(site: Site, seconds: float, rival: Cost) -> list[Row]:
    gateway = GatewayProgram(site.folder, site.urls)
    try:
        site.counter.watch(_channels_of(site))
        begun = time.monotonic()
        for index in range(len(site.urls)):
            _begin(site, gateway, index)
        _until(lambda: all(channel.times for channel in site.channels), 60)
        all_live = max(channel.times[0] for channel in site.channels if channel.times) - begun
        cost, take = _count(site, _family(gateway), seconds)
        starts, stops = _restarts(site, gateway)
        faults = _faults(site, gateway)
    finally:
        gateway.end(signal.SIGTERM)
        site.counter.watch([])
    rates = take.rates()
    print(f"gateway: {_rates(rates)}")
    return _rows(len(site.urls), rates, cost, rival, all_live, starts, stops, faults)


def _channels_of(site: Site) -> list[Channel]:
    ports = [site.sink.http_port] * len(site.urls)
    ports[SINK_GONE] = site.other_sink.http_port
    return [Channel(port, f"camera{index}") for index, port in enumerate(ports)]


def _begin(site: Site, gateway: GatewayProgram, index: int) -> None:
    sink = site.other_sink if index == SINK_GONE else site.sink
    gateway.begin(index, sink.rtmp_port, f"camera{index}")


def _family(gateway: Program) -> list[int]:
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text()
    return [gateway.pid, *map(int, children.split())]


def _count(site: Site, pids: Sequence[int], seconds: float) -> tuple[Cost, Take]:
    """What all channels cost over that time, and the record of their frames."""
    site.counter.record()
    time.sleep(KEY_FRAME_SECONDS)
    begin, used, idle = time.monotonic(), sum(map(_cpu_seconds, pids)), _idle_seconds()
    time.sleep(seconds)
    end = time.monotonic()
    cpu = sum(map(_cpu_seconds, pids)) - used
    idle = (_idle_seconds() - idle) / (os.cpu_count() or 1)
    print(f"the machine was idle for {100 * idle / (end - begin):.0f} % of the time")
    pss = sum(map(_pss_bytes, pids)) / 1e6
    channels = len(site.channels)
    return Cost(100 * cpu / (end - begin) / channels, pss / channels), site.counter.take(begin, end)


def _cpu_seconds(pid: int) -> float:
    """0 for a process that has ended: its channel is not live then, which another row tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _idle_seconds() -> float:
    """Of all cores. Without any left nobody's frames arrive in time."""
    return int(Path("/proc/stat").read_text().split()[4]) / os.sysconf("SC_CLK_TCK")


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _restarts(site: Site, gateway: GatewayProgram) -> tuple[list[float], list[float]]:
    """One channel after the other is ended and begun again while all others run."""
    starts: list[float] = []
    stops: list[float] = []
    ordinary = range(DEAF_SINK + 1, len(site.channels))
    for index in list(ordinary)[:RESTARTS]:
        channel = site.channels[index]
        ordered = time.monotonic()
        gateway.finish(index)
        answered = time.monotonic()
        time.sleep(0.5)
        stops.append(max(answered, channel.last) - ordered)
        ordered = time.monotonic()
        _begin(site, gateway, index)
        starts.append(_back(channel, ordered) - ordered)
    return starts, stops


@dataclass(frozen=True)
class Fault:
    name: str
    victim: int
    back: float
    take: Take
    reopened: Sequence[bool]  # of each channel: the viewer lost the stream meanwhile

    def hurt(self) -> int:
        """Other channels that lost frames."""
        rates = self.take.rates()
        is_hurt = [rate < LIVE_FPS or again for rate, again in zip(rates, self.reopened, strict=True)]
        del rates[self.victim], is_hurt[self.victim]
        print(
            f"{self.name}: back {self.back:.1f} s after it was over; others: {_rates(rates)}, hurt {sum(is_hurt)}"
        )
        return sum(is_hurt)


def _faults(site: Site, gateway: GatewayProgram) -> list[Fault]:
    host = site.hosts

    def freeze() -> Callable[[], None]:
        host[FROZEN].send(signal.SIGSTOP)
        return lambda: host[FROZEN].send(signal.SIGCONT)

    def unplug() -> Callable[[], None]:
        host[GONE].end()
        return host[GONE].start

    def lose_sink() -> Callable[[], None]:
        site.other_sink.end()
        return site.other_sink.start

    def turn_deaf() -> Callable[[], None]:
        deaf = _DeafSink()
        gateway.begin(DEAF_SINK, deaf.port, f"camera{DEAF_SINK}")

        def heal() -> None:
            _begin(site, gateway, DEAF_SINK)
            deaf.close()

        return heal

    return [
        _fault(site, "freeze", FROZEN, freeze),
        _fault(site, "camera_gone", GONE, unplug),
        _fault(site, "sink_loss", SINK_GONE, lose_sink),
        _fault(site, "deaf_sink", DEAF_SINK, turn_deaf),
    ]


def _fault(site: Site, name: str, victim: int, strike: Callable[[], Callable[[], None]]) -> Fault:
    site.counter.record()
    time.sleep(KEY_FRAME_SECONDS)
    opened = [channel.opened for channel in site.channels]
    begin = time.monotonic()
    heal = strike()
    time.sleep(FAULT_SECONDS)
    heal()
    healed = time.monotonic()
    back = _back(site.channels[victim], healed) - healed
    take = site.counter.take(begin, time.monotonic())
    reopened = [channel.opened != before for channel, before in zip(site.channels, opened, strict=True)]
    return Fault(name, victim, back, take, reopened)


class _DeafSink:
    """Accepts and never says a word."""

    def __init__(self) -> None:
        self.port = free_port()
        # The kernel completes the handshake; nobody ever accepts, reads or answers.
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)

    def close(self) -> None:
        self._listener.close()


def _back(channel: Channel, moment: float) -> float:
    """When the first frame after that moment came; the deadline when none came."""
    _until(lambda: channel.first_after(moment) is not None, LONGEST_BACK_SECONDS)
    return channel.first_after(moment) or moment + LONGEST_BACK_SECONDS


def _until(is_done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(0.02)


def _rates(rates: Sequence[float]) -> str:
    live = sum(rate >= LIVE_FPS for rate in rates)
    return f"{live} of {len(rates)} live, worst {min(rates):.2f} fps, median {statistics.median(rates):.2f}"


def _p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def _rows(
    channels: int,
    rates: Sequence[float],
    cost: Cost,
    rival: Cost,
    all_live: float,
    starts: Sequence[float],
    stops: Sequence[float],
    faults: Sequence[Fault],
) -> list[Row]:
    live, worst = sum(rate >= LIVE_FPS for rate in rates), min(rates)
    start, stop, hurt = _p95(starts), _p95(stops), sum(fault.hurt() for fault in faults)
    back = {fault.name: fault.back for fault in faults}

    def against(name: str, unit: str, ours: float, theirs: float) -> Row:
        return Row(name, unit, ours, theirs, "<= 1.3 x", ours <= 1.3 * theirs)

    def at_most(name: str, ours: float, limit: float, unit: str = "s") -> Row:
        return Row(name, unit, ours, None, f"<= {limit:g}", ours <= limit)

    return [
        Row("channels_live", "channels", live, None, f"{channels}", live == channels),
        Row("worst_channel_fps", "fps", worst, None, f">= {LIVE_FPS}", worst >= LIVE_FPS),
        against("cpu_per_channel", "% core", cost.cpu, rival.cpu),
        against("pss_mb_per_channel", "MB", cost.pss, rival.pss),
        at_most("all_live_s", all_live, channels / STARTS_A_SECOND + 3),
        at_most("start_p95_s", start, 3),
        at_most("stop_p95_s", stop, 0.5),
        at_most("freeze_back_s", back["freeze"], 13),
        at_most("camera_gone_back_s", back["camera_gone"], 13),
        at_most("sink_loss_back_s", back["sink_loss"], 5),
        at_most("deaf_sink_back_s", back["deaf_sink"], 5),
        Row("others_hurt", "channels", hurt, None, "0", hurt == 0),
    ]


if __name__ == "__main__":
    main()
