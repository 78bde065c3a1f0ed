"""One camera of a gateway: its low stream as it stands, its high stream begun, read and ended."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from acceptance.judging import HIGH, LOW, Finding, judge
from acceptance.measuring import Meter, Patience, measure
from cameras.models import Camera
from protocol.errors import RemoteError
from snapshots.capture.flv import KeyFrame
from streaming.choices import PushState, VideoType
from streaming.models import PushSession
from streaming.selectors import Placement, internal_address
from streaming.services.orders import give_order
from streaming.services.pushes import release_high_stream, want_high_stream

# Until a stream that was ended is gone from the media server.
STOP_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.2
_STOP_TITLE: Final = "停止推流"
_STOP_WANTED: Final = f"{STOP_SECONDS:.0f} 秒内停止"


@dataclass(frozen=True, slots=True)
class Probe:
    """What one stream showed."""

    video_type: VideoType
    findings: list[Finding]
    key_frame: KeyFrame | None


@dataclass(frozen=True, slots=True)
class Prober:
    """`wait` sleeps; tests have none."""

    patience: Patience = Patience()
    stop_seconds: float = STOP_SECONDS
    wait: Callable[[float], None] = time.sleep

    def probe(self, camera: Camera) -> Iterator[Probe]:
        """Low stream, then high stream."""
        yield self._low(camera)
        yield self._high(camera)

    def _low(self, camera: Camera) -> Probe:
        session = PushSession.objects.filter(camera=camera, video_type=VideoType.LOW).first()
        if session is None:
            return _nothing(VideoType.LOW, "平台尚未安排推流")
        meter = self._measure(session)
        return Probe(VideoType.LOW, list(judge(meter, LOW)), meter.key_frame)

    def _high(self, camera: Camera) -> Probe:
        sessions = PushSession.objects.filter(camera=camera, video_type=VideoType.HIGH)
        was_absent = not sessions.filter(state=PushState.LIVE).exists()
        began = time.monotonic()
        due = want_high_stream(camera=camera)
        if due is not None:
            give_order(session_id=due.pk)
        session = sessions.select_related("camera", "media_server").first()
        if session is None:
            return _nothing(VideoType.HIGH, "网关未启用或未登记地址")
        if session.state == PushState.FAILED:
            self._end(session)
            return _nothing(VideoType.HIGH, session.last_error)
        meter = self._measure(session, began)
        findings = list(judge(meter, HIGH, was_absent=was_absent))
        if meter.first_frame_at is None:
            self._end(session)
        else:
            findings.append(self._stopped(session))
        return Probe(VideoType.HIGH, findings, meter.key_frame)

    def _measure(self, session: PushSession, began: float | None = None) -> Meter:
        adapter = Placement().adapter(session.media_server_id)
        stream = session.camera.stream_name(VideoType(session.video_type))
        meter = measure(
            lambda: internal_address(adapter, stream),
            ca_file=adapter.server.ca_file,
            patience=self.patience,
            began=began,
            wait=self.wait,
        )
        if not meter.codec:
            # Such as an encoding that the media server turned away by name.
            session.refresh_from_db(fields=["last_error"])
            meter.ended = session.last_error or meter.ended
        return meter

    def _end(self, session: PushSession) -> None:
        release_high_stream(session_id=session.pk)
        give_order(session_id=session.pk)

    def _stopped(self, session: PushSession) -> Finding:
        adapter = Placement().adapter(session.media_server_id)
        stream = session.camera.stream_name(VideoType.HIGH)
        began = time.monotonic()
        self._end(session)
        try:
            while any(listed.stream == stream for listed in adapter.list_streams()):
                if time.monotonic() - began > self.stop_seconds:
                    return _still_there(session)
                self.wait(_LOOK_SECONDS)
                session.refresh_from_db()
                if session.is_wanted:
                    # The server still counted us among the viewers.
                    self._end(session)
        except RemoteError as error:
            return Finding(
                title=_STOP_TITLE, wanted=_STOP_WANTED, found=f"媒体服务器：{error.message}", is_good=None
            )
        found = f"{time.monotonic() - began:.1f} 秒"
        return Finding(title=_STOP_TITLE, wanted=_STOP_WANTED, found=found, is_good=True)


def _still_there(session: PushSession) -> Finding:
    session.refresh_from_db()
    if session.is_wanted:
        return Finding(title=_STOP_TITLE, wanted=_STOP_WANTED, found="另有人在看，未停止", is_good=None)
    found = session.last_error or "要求停止后仍在推流"
    return Finding(title=_STOP_TITLE, wanted=_STOP_WANTED, found=found, is_good=False)


def _nothing(video_type: VideoType, why: str) -> Probe:
    return Probe(video_type, [Finding(title="取得码流", wanted="有画面", found=why, is_good=False)], None)
