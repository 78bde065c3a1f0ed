"""SRS: one callback address, the body names the event; interface below /api/v1/ (docs/media.md)."""

import base64
import re
from typing import Any
from urllib.parse import quote

from protocol.errors import RemoteError
from streaming.media.base import APP, LiveStream, MediaAdapter, PlayPaths
from streaming.media.events import (
    Event,
    HlsAsked,
    HookCall,
    HookReply,
    PlayAsked,
    PublishAsked,
    StreamVanished,
    Verdict,
    ViewerLeft,
)
from streaming.media.wire import ask_server, facts_of, part_of, rows_of, text_of, whole_of

_PLAYLIST = ".m3u8"
# Asked without a number it lists one stream (SRS 7) or ten.
_MOST_STREAMS = 100_000
_USER = "admin"
_NO_SUCH_CLIENT = 2049


class SrsMedia(MediaAdapter):
    has_websocket = False

    def play_paths(self, stream: str) -> PlayPaths:
        return PlayPaths(f"/{APP}/{stream}.flv", f"/{APP}/{stream}{_PLAYLIST}")

    def internal_url(self, path: str) -> str:
        # Its interface has a port of its own, which serves no streams.
        return self.server.http_url.rstrip("/") + path

    def hls_file(self, stream: str, name: str) -> str | None:
        if name == "index.m3u8":
            return f"/{APP}/{stream}{_PLAYLIST}"
        return f"/{APP}/{name}" if re.fullmatch(rf"{re.escape(stream)}-[0-9]+\.ts", name) else None

    def parse_hook(self, call: HookCall) -> Event | None:
        facts = facts_of(call.body)
        app, name = text_of(facts, "app"), text_of(facts, "stream")
        stream = name.removesuffix(_PLAYLIST) if app == APP else ""
        query = text_of(facts, "param").removeprefix("?")
        client = text_of(facts, "client_id")
        match facts.get("action"):
            case "on_publish":
                return PublishAsked(stream, f"/{app}/{name}", query, begins=True)
            case "on_unpublish":
                return StreamVanished(stream)
            case "on_play" if name.endswith(_PLAYLIST):
                return HlsAsked(stream, query)
            case "on_play":
                path = self.play_paths(stream).flv
                return PlayAsked(stream, path, query, text_of(facts, "ip"), must_exist=True, client=client)
            case "on_stop":
                return ViewerLeft(stream, client)
        return None

    def hook_reply(self, event: Event | None, verdict: Verdict) -> HookReply:
        return HookReply({"code": 0 if verdict.is_allowed else 403, "msg": verdict.reason})

    def list_streams(self, only: str = "") -> list[LiveStream]:
        found = []
        # It can be asked for one stream by a number of its own only.
        for row in self._rows():
            # What ended a while ago is still listed.
            if _is_live(row, only or None):
                video = part_of(row, "video")
                found.append(
                    LiveStream(
                        stream=text_of(row, "name"),
                        codec=text_of(video, "codec")[:16],
                        width=whole_of(video, "width"),
                        height=whole_of(video, "height"),
                        bitrate_kbps=whole_of(part_of(row, "kbps"), "recv_30s"),
                        # The publisher is one of its clients.
                        viewers=max(whole_of(row, "clients") - 1, 0),
                    )
                )
        return found

    def kick(self, stream: str) -> int:
        clients = [text_of(row["publish"], "cid") for row in self._rows() if _is_live(row, stream)]
        for client in clients:
            self._call("DELETE", _client_path(client))
        return len(clients)

    def end_viewer(self, client: str) -> bool:
        answer = self._call("DELETE", _client_path(client), expected=(0, _NO_SUCH_CLIENT))
        return bool(answer["code"] == 0)

    def _rows(self) -> list[dict[str, Any]]:
        # Without the slash it answers with a redirect.
        data = self._call("GET", f"/api/v1/streams/?start=0&count={_MOST_STREAMS}")
        return rows_of(self.server, data, "streams")

    def _call(self, method: str, path: str, expected: tuple[int, ...] = (0,)) -> dict[str, Any]:
        credentials = base64.b64encode(f"{_USER}:{self.server.secret}".encode()).decode()
        data = ask_server(self.server, method, path, headers={"Authorization": f"Basic {credentials}"})
        if data.get("code") not in expected:
            raise RemoteError(f"媒体服务器 {self.server.name} 返回 {data.get('code')}")
        return data


def _client_path(client: str) -> str:
    return f"/api/v1/clients/{quote(client, safe='')}"


def _is_live(row: dict[str, Any], stream: str | None = None) -> bool:
    is_active = bool(part_of(row, "publish").get("active"))
    return is_active and row.get("app") == APP and stream in (None, row.get("name"))
