"""The media server that comes with the platform (streaming.embedded); it checks signatures itself."""

import json
from typing import Any
from urllib.parse import urlencode

from streaming.media.base import APP, LiveStream, MediaAdapter, PlayPaths
from streaming.media.events import (
    CodecRefused,
    Event,
    HookCall,
    HookError,
    HookReply,
    StreamAppeared,
    StreamMissing,
    StreamVanished,
    Verdict,
    ViewerCame,
    ViewerLeft,
)
from streaming.media.wire import ask_server, facts_of, number_of, rows_of, text_of, whole_of


class EmbeddedMedia(MediaAdapter):
    lists_viewers = True

    def play_paths(self, stream: str) -> PlayPaths:
        return PlayPaths(f"/{APP}/{stream}.flv", f"/{APP}/{stream}.m3u8")

    def _secret_in(self, call: HookCall) -> str:
        return call.headers.get("X-Media-Secret", "")

    def parse_hook(self, call: HookCall) -> Event | None:
        facts = facts_of(call.body)
        if "event" not in facts or "stream" not in facts:
            raise HookError("回调应为含 event 与 stream 的 JSON 对象")
        stream, client = text_of(facts, "stream"), text_of(facts, "client_id")
        match facts["event"]:
            case "publish":
                return StreamAppeared(stream)
            case "unpublish":
                return StreamVanished(stream)
            case "refused_codec":
                return CodecRefused(stream, text_of(facts, "codec"))
            case "play":
                return _viewer_in(facts)
            case "stop":
                return ViewerLeft(stream, client)
            case "not_found":
                return StreamMissing(stream)
        return None

    def hook_reply(self, event: Event | None, verdict: Verdict) -> HookReply:
        reply: dict[str, object] = {"code": 0, "wait": verdict.is_coming}
        if isinstance(event, ViewerCame) and not verdict.is_allowed:
            # It let the viewer in by itself, and now ends it.
            reply["end"] = event.client
        return HookReply(reply)

    def list_streams(self, only: str = "") -> list[LiveStream]:
        path = f"/api/streams?{urlencode({'app': APP, 'stream': only})}" if only else "/api/streams"
        data = ask_server(self.server, "GET", path, headers=self._headers)
        return [
            LiveStream(
                stream=text_of(row, "stream"),
                codec=text_of(row, "codec")[:16],
                width=whole_of(row, "width"),
                height=whole_of(row, "height"),
                bitrate_kbps=whole_of(row, "bitrate_kbps"),
                gop_ms=round(number_of(row, "gop_seconds") * 1000),
                viewers=whole_of(row, "viewers"),
            )
            for row in rows_of(self.server, data, "streams")
            if row.get("app") == APP
        ]

    def list_viewers(self) -> list[ViewerCame]:
        data = ask_server(self.server, "GET", "/api/viewers", headers=self._headers)
        return [_viewer_in(row) for row in rows_of(self.server, data, "viewers") if row.get("app") == APP]

    def kick(self, stream: str) -> int:
        return self._kick({"app": APP, "stream": stream})

    def end_viewer(self, client: str) -> bool:
        return self._kick({"client_id": client}) > 0

    def _kick(self, wanted: dict[str, str]) -> int:
        body = json.dumps(wanted).encode()
        return whole_of(
            ask_server(self.server, "POST", "/api/kick", headers=self._headers, body=body), "kicked"
        )

    @property
    def _headers(self) -> dict[str, str]:
        return {"X-Media-Secret": self.server.secret, "Content-Type": "application/json"}


def _viewer_in(facts: dict[str, Any]) -> ViewerCame:
    return ViewerCame(
        text_of(facts, "stream"),
        text_of(facts, "uid"),
        text_of(facts, "address"),
        text_of(facts, "protocol"),
        text_of(facts, "client_id"),
    )
