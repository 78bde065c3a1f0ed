"""One pushed channel: an ffmpeg kept alive until it is told to stop."""

import asyncio
import contextlib
import enum
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.adapters.base import Adapter, PushPlan, SourceError
from gateway.budget import BudgetSpentError, CoreBudget
from gateway.ffmpeg import push_arguments
from gateway.gate import StartGate
from gateway.process import FfmpegProcess
from gateway.rounds import Rounds
from gateway.targets import PushTargets
from gateway.troubles import Defect, Trouble, explain
from protocol.codes import VideoType
from protocol.commands import PushCommand
from protocol.errors import ProtocolError

logger = logging.getLogger(__name__)

FIRST_FRAME_SECONDS = 12.0
STUCK_SECONDS = 5.0
STEADY_SECONDS = 10.0
SINK_CONNECT_SECONDS = 3.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A camera is asked whether it is there before an ffmpeg is started for it; that is cheap.
LONGEST_SOURCE_PAUSE_SECONDS = 6.0
# A media server that was restarted has its streams back within this time and a start.
LONGEST_SINK_PAUSE_SECONDS = 3.0


class Cause(enum.Enum):
    SOURCE = "摄像机"
    SINK = "流媒体服务"
    ENCODER = "转码程序"
    BUDGET = "转码能力"
    GATEWAY = "网关"


@dataclass(frozen=True)
class Failure:
    cause: Cause
    reason: str  # Chinese
    trouble: Trouble | None = None  # of a SOURCE, when it is known
    said: str = ""  # by ffmpeg last, for the log


@dataclass(frozen=True)
class Workshop:
    """What all pushers share."""

    ffmpeg: str
    targets: PushTargets
    gate: StartGate
    budget: CoreBudget
    rounds: Rounds = field(default_factory=Rounds)
    stuck_seconds: float = STUCK_SECONDS


@dataclass
class _Backoff:
    pause: float = FIRST_PAUSE_SECONDS

    def next(self, longest: float) -> float:
        pause = min(self.pause, longest)
        self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - spreads restarts, guards nothing

    def reset(self) -> None:
        self.pause = FIRST_PAUSE_SECONDS


class Pusher:
    """Supervises the ffmpeg of one (camera, video type).

    `on_frames` is called when pictures begin to flow, `on_failure` each time the push has ended
    without being told to.
    """

    def __init__(
        self,
        label: str,
        adapter: Adapter,
        video_type: VideoType,
        command: PushCommand,
        workshop: Workshop,
        *,
        on_frames: Callable[[], None],
        on_failure: Callable[[Failure], None],
    ) -> None:
        self.label = label
        self.command = command
        self.failure: Failure | None = None
        self._adapter = adapter
        self._video_type = video_type
        self._workshop = workshop
        self._on_frames = on_frames
        self._on_failure = on_failure
        self._process: FfmpegProcess | None = None
        self._tried = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task = asyncio.create_task(self._supervise(), name=f"push {label}")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_refused(self) -> bool:
        """It found no room and is not tried any more."""
        return self.failure is not None and self.failure.cause is Cause.BUDGET

    @property
    def is_pushing(self) -> bool:
        return self._process is not None and self._process.frames > 0

    def goes_to(self, command: PushCommand) -> bool:
        """Whether the stream is the one this command asks for; its authInfo may be another."""
        return replace(command, auth_info="") == replace(self.command, auth_info="")

    def renew(self, command: PushCommand) -> None:
        """Take over the new authInfo for later starts; a push that waits to be restarted goes at once."""
        self.command = command
        self._hurry.set()

    async def first_attempt(self, seconds: float) -> Failure | None:
        """Wait until ffmpeg was executed for the first time, or failed to be, but not longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tried.wait()
        return self.failure

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._workshop.budget.release(self.label)

    async def _supervise(self) -> None:
        backoff = _Backoff()
        while True:
            began_at = time.monotonic()
            failure = await self._guarded()
            if failure is None:
                logger.info("push %s is planned anew", self.label)
                continue
            self.failure = failure
            self._tried.set()
            logger.warning(
                "push %s ended: %s: %s %s", self.label, failure.cause.name, failure.reason, failure.said
            )
            if failure.trouble is Trouble.WRONG_PASSWORD:
                self._adapter.note_denial(self._video_type, Defect(failure.trouble, failure.reason))
            self._on_failure(self.failure)
            if self.is_refused:
                return
            if time.monotonic() - began_at > STEADY_SECONDS:
                backoff.reset()
            await self._pause(backoff.next(_LONGEST_PAUSES.get(self.failure.cause, LONGEST_PAUSE_SECONDS)))

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            # Not wait_for: it forgets a cancel that comes together with what it waits for (Python 3.11).
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _guarded(self) -> Failure | None:
        try:
            return await self._attempt()
        except Exception:
            logger.exception("push %s failed", self.label)
            return Failure(Cause.GATEWAY, "网关内部错误，详情见网关的日志")

    async def _attempt(self) -> Failure | None:
        """None when another plan is due."""
        command = self.command
        try:
            address = await self._workshop.targets.resolve(command.server_ip, command.server_port)
            if self.failure is not None and self.failure.cause is Cause.SINK:
                await _knock(address, command.server_port)
            if self.failure is not None and self.failure.cause is Cause.SOURCE:
                await self._look()
            plan = await self._adapter.plan(command.video, self._video_type)
            self._workshop.budget.reserve(self.label, plan.cores)
            await self._workshop.gate.wait()
            ca_file = self._workshop.targets.ca_file(command.server_port)
            arguments = push_arguments(
                self._workshop.ffmpeg,
                plan.input_arguments,
                plan.codec_arguments,
                url=command.rtmp_url(is_tls=ca_file is not None),
                address=address,
                ca_file=ca_file,
            )
            process = await FfmpegProcess.start(arguments, plan.feed)
        except SourceError as error:
            return Failure(Cause.SOURCE, str(error), error.trouble)
        except BudgetSpentError as error:
            return Failure(Cause.BUDGET, str(error))
        except ProtocolError as error:
            return Failure(Cause.SINK, error.message)
        except _SinkAwayError as error:
            return Failure(Cause.SINK, str(error))
        except OSError as error:
            return Failure(Cause.ENCODER, f"ffmpeg 无法启动：{error.strerror}")
        try:
            return await self._watch(process, plan)
        except _OutdatedError:
            return None

    async def _look(self) -> None:
        """An ffmpeg for a camera that is still away would cost 50 ms of a core and find out later."""
        defect = await self._adapter.check(self._video_type)
        if defect is not None:
            raise SourceError(defect.reason, defect.trouble)

    async def _watch(self, process: FfmpegProcess, plan: PushPlan) -> Failure:
        self._process = process
        self._tried.set()
        try:
            stuck = await self._until_ended(process, plan)
        finally:
            self._process = None
            # Shielded: a second cancel must not leave the ffmpeg behind.
            await asyncio.shield(process.stop())
        if stuck is not None:
            return stuck
        return diagnose(process.messages, has_sent=process.frames > 0)

    async def _until_ended(self, process: FfmpegProcess, plan: PushPlan) -> Failure | None:
        """None when ffmpeg ended by itself, the failure when it stood still and has to be killed."""
        vigil = _Vigil(process, self._workshop.stuck_seconds, self._flows)
        reviewing = asyncio.create_task(self._reconsider(plan, vigil))
        try:
            with self._workshop.rounds.take_in(vigil.look):
                await process.until_ended(vigil.stuck)
        finally:
            reviewing.cancel()
        return vigil.stuck.result() if vigil.stuck.done() else None

    async def _reconsider(self, plan: PushPlan, vigil: "_Vigil") -> None:
        if plan.review is None:
            return
        await vigil.flowing.wait()
        try:
            is_outdated = await plan.review()
        except Exception:
            logger.exception("push %s not reviewed", self.label)
            return
        if is_outdated and not vigil.stuck.done():
            vigil.stuck.set_exception(_OutdatedError())

    def _flows(self) -> None:
        self.failure = None
        self._on_frames()


class _OutdatedError(Exception):
    """The camera sends something else than the plan was made for."""


class _Vigil:
    """Whether pictures go on flowing out of one ffmpeg; kills it when they do not."""

    def __init__(self, process: FfmpegProcess, stuck_seconds: float, on_first_frame: Callable[[], None]) -> None:
        self.stuck: asyncio.Future[Failure] = asyncio.get_running_loop().create_future()
        self.flowing = asyncio.Event()
        self._process = process
        self._stuck_seconds = stuck_seconds
        self._on_first_frame = on_first_frame
        self._idle_seconds = 0.0

    def look(self, seconds: float) -> None:
        """Nothing has been looked at for so many `seconds`."""
        before = self._process.frames
        frames = self._process.count_frames()
        if frames > before:
            self._idle_seconds = 0.0
            if not before:
                self.flowing.set()
                self._on_first_frame()
            return
        self._idle_seconds += seconds
        limit = self._stuck_seconds if frames else FIRST_FRAME_SECONDS
        if self._idle_seconds > limit and not self.stuck.done():
            self._process.kill()
            said = diagnose(self._process.messages, has_sent=frames > 0)
            self.stuck.set_result(Failure(said.cause, f"{limit:.0f} 秒内没有新的画面", Trouble.FROZEN, said.said))


_LONGEST_PAUSES = {
    Cause.SOURCE: LONGEST_SOURCE_PAUSE_SECONDS,
    Cause.SINK: LONGEST_SINK_PAUSE_SECONDS,
}


class _SinkAwayError(Exception):
    """Nobody listens at the target."""


async def _knock(address: str, port: int) -> None:
    """A refused connection costs nothing; an ffmpeg started for it would cost 50 ms of a core."""
    try:
        async with asyncio.timeout(SINK_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        raise _SinkAwayError(f"流媒体服务 {address}:{port} 无法连接") from error
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


_SOURCE_WORDS = ("error opening input", "error during demuxing", "matches no streams")


def diagnose(messages: list[str], *, has_sent: bool) -> Failure:
    """Whose fault it was, from what ffmpeg said last."""
    text = "\n".join(messages).lower()
    last = messages[-1] if messages else ""
    if any(words in text for words in _SOURCE_WORDS):
        defect = explain(text)
        if defect is None:
            return Failure(Cause.SOURCE, "无法取得视频", said=last)
        return Failure(Cause.SOURCE, f"无法取得视频：{defect.reason}", defect.trouble, last)
    if "error opening output" in text or "av_interleaved_write_frame" in text or "error muxing" in text:
        return Failure(Cause.SINK, "流媒体服务拒绝推送或中断了连接", said=last)
    if "error while opening encoder" in text or "unknown encoder" in text:
        return Failure(Cause.ENCODER, "编码失败", said=last)
    if "decoding error" in text:
        return Failure(Cause.SOURCE, "无法解码摄像机的码流", said=last)
    return Failure(Cause.SOURCE if has_sent else Cause.ENCODER, "转码程序意外退出", said=last)
