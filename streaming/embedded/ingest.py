"""From the media messages of one publisher to the tags of a stream; refuses by name what viewers cannot play."""

import logging

from streaming.embedded import amf, flv, h264
from streaming.embedded.flv import Tag
from streaming.embedded.hub import Hub, Key, Publisher, Stream

logger = logging.getLogger(__name__)

_INFO_FRAME = 5


class RefusedCodecError(Exception):
    """The publisher sends something other than readable H.264."""

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self.codec = codec


class Ingest:
    def __init__(self, hub: Hub, key: Key, publisher: Publisher) -> None:
        self.stream: Stream | None = None
        self._hub = hub
        self.key = key
        self._publisher = publisher
        self._announced_audio: bool | None = None
        self._audio_header = b""
        self._is_audio_refused = False

    def metadata(self, payload: bytes) -> None:
        try:
            values = amf.decode(payload)
        except amf.AmfError:
            return
        facts = next((value for value in values if isinstance(value, dict)), None)
        if facts is None:
            return
        if facts.get("audiocodecid") or facts.get("hasAudio"):
            self._announced_audio = True
        elif "videocodecid" in facts or "width" in facts:
            self._announced_audio = False
        # Some encoders send it behind the first sequence header.
        if self.stream is not None:
            self.stream.announced_audio = self._announced_audio

    def video(self, stamp: int, payload: bytes) -> None:
        if len(payload) < 2:
            return
        first = payload[0]
        if first & 0x8F != flv.CODEC_H264:
            payload = flv.plain_h264(payload)
            first = payload[0]
            if first & 0x8F != flv.CODEC_H264:
                raise RefusedCodecError(flv.video_codec(payload))
        form = first >> 4
        if form == _INFO_FRAME or len(payload) < 5:
            return
        stream = self.stream
        if payload[1] == 0:
            self._sequence_header(payload)
        # Before the sequence header, and behind the end of a sequence, nothing can be decoded.
        elif payload[1] == 1 and stream is not None:
            stream.push(Tag(flv.VIDEO, stream.clock.advance(stamp), payload, form == flv.KEY_FRAME))

    def _sequence_header(self, payload: bytes) -> None:
        if self.stream is not None and self.stream.video_header == payload:
            return
        try:
            config = h264.parse_record(payload[5:])
        except h264.H264Error as error:
            raise RefusedCodecError(f"H264: {error}") from error
        # Only now, not at `publish`: a newcomer that sends nothing playable must not replace one that does.
        if self.stream is None:
            self.stream = self._hub.attach(self.key, self._publisher, self._announced_audio)
        self.stream.set_video(config, payload)
        if self._audio_header:
            self.stream.set_audio(self._audio_header)
            self._audio_header = b""

    def audio(self, stamp: int, payload: bytes) -> None:
        if len(payload) < 2:
            return
        if payload[0] >> 4 != flv.FORMAT_AAC:
            self._refuse_audio(payload[0] >> 4)
            return
        stream = self.stream
        if payload[1] == 0:
            if stream is None:
                self._audio_header = payload
            elif stream.audio_header != payload:
                stream.set_audio(payload)
        elif stream is not None and stream.audio_header:
            stream.push(Tag(flv.AUDIO, stream.clock.advance(stamp), payload))

    def _refuse_audio(self, number: int) -> None:
        # Browsers play AAC only; another codec in the stream would stop the picture as well.
        self._announced_audio = False
        if self.stream is not None:
            self.stream.announced_audio = False
        if not self._is_audio_refused:
            self._is_audio_refused = True
            logger.warning("%s/%s: audio format %d is not AAC and is left out", *self.key, number)

    def flush(self) -> None:
        if self.stream is not None:
            self.stream.flush()

    def close(self) -> None:
        if self.stream is not None:
            self.stream.flush()
            self._hub.detach(self.stream, self._publisher)
