"""What follows from an event of a media server, and our answer to it."""

import ipaddress
import logging

from protocol.errors import ForbiddenError, NotFoundError
from protocol.play_urls import CAPTURE_UID
from streaming.media import MediaAdapter
from streaming.media.events import (
    CodecRefused,
    Event,
    HlsAsked,
    PlayAsked,
    PublishAsked,
    StreamAppeared,
    StreamMissing,
    StreamVanished,
    Verdict,
    ViewerCame,
    ViewerLeft,
)
from streaming.selectors import camera_of_stream
from streaming.services import hls, presence, viewings
from streaming.services.pushes import is_awaited, is_there_or_coming
from streaming.services.tickets import check_play, check_publish

logger = logging.getLogger(__name__)


def answer_event(*, adapter: MediaAdapter, event: Event) -> Verdict:
    """Take in what is told, judge what is asked."""
    try:
        return _judge(adapter, event)
    except (ForbiddenError, NotFoundError) as error:
        logger.info(
            "%s: %s of %s refused: %s", adapter.server.name, type(event).__name__, event.stream, error.message
        )
        return Verdict(is_allowed=False, reason=error.message)


def _judge(adapter: MediaAdapter, event: Event) -> Verdict:
    match event:
        case PublishAsked():
            _let_publish(adapter, event)
        case PlayAsked():
            _let_play(adapter, event)
        case HlsAsked():
            hls.check_session(event.stream, event.query)
        case StreamMissing():
            is_coming = is_awaited(stream=event.stream)
            return Verdict(is_allowed=is_coming, is_coming=is_coming)
        case _:
            _take_in(adapter, event)
    return Verdict()


def _let_publish(adapter: MediaAdapter, event: PublishAsked) -> None:
    check_publish(event.path, event.query)
    if camera_of_stream(event.stream) is None:
        raise NotFoundError("摄像机不存在")
    # Its gateway tries over and over; let in, it would look online for some seconds each time.
    if codec := presence.codec_refused_lately(stream=event.stream):
        raise ForbiddenError(f"视频编码为 {codec}，平台只接收 H.264")
    if event.begins:
        presence.stream_appeared(server=adapter.server, stream=event.stream)


def _let_play(adapter: MediaAdapter, event: PlayAsked) -> None:
    uid = check_play(event.path, event.query)
    if event.must_exist and not is_there_or_coming(stream=event.stream):
        raise NotFoundError("视频流不存在")
    if uid != CAPTURE_UID:
        _let_watch(adapter, event, uid)


def _take_in(adapter: MediaAdapter, event: Event) -> None:
    match event:
        case StreamAppeared():
            presence.stream_appeared(server=adapter.server, stream=event.stream, codec=event.codec)
        case StreamVanished():
            presence.stream_vanished(server=adapter.server, stream=event.stream)
        case CodecRefused():
            presence.stream_refused(stream=event.stream, codec=event.codec)
        case ViewerCame():
            _let_watch(adapter, event, event.uid)
        case ViewerLeft():
            viewings.viewer_left(server=adapter.server, stream=event.stream, client=event.client)


def _let_watch(adapter: MediaAdapter, event: PlayAsked | ViewerCame, uid: str) -> None:
    viewer = viewings.Viewer(uid, event.client, _address(event.address), event.protocol)
    viewings.viewer_came(server=adapter.server, stream=event.stream, viewer=viewer)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
