"""ZLMediaKit: callbacks per event below one address, interface below /index/api/ (docs/media.md)."""

import re
from typing import Any
from urllib.parse import urlencode

from protocol.errors import RemoteError
from streaming.media.base import APP, LiveStream, MediaAdapter, PlayPaths
from streaming.media.events import (
    Event,
    HlsAsked,
    HookCall,
    HookReply,
    PlayAsked,
    PublishAsked,
    StreamAppeared,
    StreamMissing,
    StreamVanished,
    Verdict,
    ViewerLeft,
)
from streaming.media.wire import ask_server, facts_of, rows_of, text_of, whole_of

# Its word for a stream's frames as they came, from which it makes FLV.
_SOURCE = "rtmp"
_FLV_BY = {"http": "flv", "https": "flv", "ws": "ws", "wss": "ws"}
_VIDEO = 0
_FILE = re.compile(rf"/{APP}/([\w-]+)/.+", re.ASCII)
_SEGMENT = re.compile(r"(?:[\w-]+/)*[\w-]+\.ts", re.ASCII)
# For this long it does not ask again for files of the same viewer and folder.
_FILES_SECONDS = 30
# "can not find the target", by version.
_NO_SUCH_SESSION = (-1, -500)


class ZlmMedia(MediaAdapter):
    def play_paths(self, stream: str) -> PlayPaths:
        return PlayPaths(f"/{APP}/{stream}.live.flv", f"/{APP}/{stream}.m3u8")

    def hls_file(self, stream: str, name: str) -> str | None:
        if name == "index.m3u8":
            return f"/{APP}/{stream}/hls.m3u8"
        return f"/{APP}/{stream}/{name}" if _SEGMENT.fullmatch(name) else None

    def is_genuine(self, call: HookCall) -> bool:
        # Two servers that were given the same callback address would undo each other's streams.
        return super().is_genuine(call) and facts_of(call.body).get("mediaServerId") == self.server.name

    def parse_hook(self, call: HookCall) -> Event | None:
        facts = facts_of(call.body)
        stream = text_of(facts, "stream") if facts.get("app") == APP else ""
        query = text_of(facts, "params")
        match call.hook:
            case "on_publish":
                path = f"/{text_of(facts, 'app')}/{text_of(facts, 'stream')}"
                return PublishAsked(stream, path, query)
            case "on_play":
                return self._viewer(facts, stream, query)
            case "on_http_access":
                found = _FILE.fullmatch(text_of(facts, "path"))
                return HlsAsked(found[1] if found else "", query)
            case "on_stream_changed" if facts.get("schema") == _SOURCE:
                if facts.get("regist"):
                    return StreamAppeared(stream, _video_track(facts).codec)
                return StreamVanished(stream)
            case "on_stream_not_found":
                return StreamMissing(stream)
            case "on_stream_none_reader":
                return ViewerLeft(stream)
            case "on_flow_report" if facts.get("player"):
                return ViewerLeft(stream, text_of(facts, "id"))
        return None

    def _viewer(self, facts: dict[str, Any], stream: str, query: str) -> Event:
        schema, protocol = text_of(facts, "schema"), text_of(facts, "protocol")
        if schema.startswith("hls"):
            return HlsAsked(stream, query)
        # RTMP, RTSP, TS and fMP4 as well, which no address of ours names: an empty path signs nothing.
        is_flv = schema == _SOURCE and protocol in _FLV_BY
        path = self.play_paths(stream).flv if is_flv else ""
        return PlayAsked(
            stream,
            path,
            query,
            text_of(facts, "ip"),
            _FLV_BY.get(protocol, protocol),
            client=text_of(facts, "id"),
        )

    def hook_reply(self, event: Event | None, verdict: Verdict) -> HookReply:
        # Of an answer with another code it reads the message only, and would not read `close`.
        is_refused = not verdict.is_allowed and not isinstance(event, StreamMissing)
        reply: dict[str, object] = {"code": 403 if is_refused else 0, "msg": verdict.reason or "success"}
        match event:
            case StreamMissing():
                reply["close"] = not verdict.is_coming
            case ViewerLeft():
                # Left to itself it ends a stream nobody watches: low streams stand.
                reply["close"] = False
            case HlsAsked():
                reply |= {"err": verdict.reason, "path": "", "second": _FILES_SECONDS}
        return HookReply(reply)

    def list_streams(self, only: str = "") -> list[LiveStream]:
        which = {"stream": only} if only else {}
        data = self._call("getMediaList", app=APP, schema=_SOURCE, **which)
        found = []
        for row in rows_of(self.server, data, "data"):
            if row.get("app") == APP and row.get("schema") == _SOURCE:
                track = _video_track(row)
                found.append(
                    LiveStream(
                        stream=text_of(row, "stream"),
                        codec=track.codec,
                        width=track.width,
                        height=track.height,
                        bitrate_kbps=whole_of(row, "bytesSpeed") * 8 // 1000,
                        gop_ms=track.gop_ms,
                        viewers=whole_of(row, "totalReaderCount"),
                    )
                )
        return found

    def kick(self, stream: str) -> int:
        data = self._call("close_streams", vhost="__defaultVhost__", app=APP, stream=stream, force="1")
        return whole_of(data, "count_closed")

    def end_viewer(self, client: str) -> bool:
        answer = self._ask("kick_session", {"id": client}, expected=(0, *_NO_SUCH_SESSION))
        return bool(answer["code"] == 0)

    def _call(self, name: str, **params: str) -> dict[str, Any]:
        return self._ask(name, params, expected=(0,))

    def _ask(self, name: str, params: dict[str, str], *, expected: tuple[int, ...]) -> dict[str, Any]:
        query = urlencode({"secret": self.server.secret, **params})
        data = ask_server(self.server, "GET", f"/index/api/{name}?{query}", headers={})
        if data.get("code") not in expected:
            raise RemoteError(f"媒体服务器 {self.server.name}：{text_of(data, 'msg') or data.get('code')}")
        return data


def _video_track(facts: dict[str, Any]) -> LiveStream:
    """Codec, size and key frames of the picture among the tracks of a source."""
    for track in facts.get("tracks") or []:
        if isinstance(track, dict) and track.get("codec_type") == _VIDEO:
            codec = text_of(track, "codec_id_name")[:16]
            return LiveStream(
                stream="",
                codec=codec,
                width=whole_of(track, "width"),
                height=whole_of(track, "height"),
                gop_ms=whole_of(track, "gop_interval_ms"),
            )
    return LiveStream("")
