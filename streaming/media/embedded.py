"""The media server that comes with the platform (streaming.embedded)."""

import json
from typing import Any

import urllib3

from protocol.connections import connection_pool
from protocol.errors import RemoteError
from protocol.tls import tls_fault
from streaming.media.base import APP, LiveStream, MediaAdapter, PlayPaths

_TIMEOUT = urllib3.Timeout(connect=2, read=5)


class EmbeddedMedia(MediaAdapter):
    def play_paths(self, stream: str) -> PlayPaths:
        return PlayPaths(f"/{APP}/{stream}.flv", f"/{APP}/{stream}.m3u8")

    def list_streams(self) -> list[LiveStream]:
        rows = self._call("GET", "/api/streams").get("streams", [])
        return [
            LiveStream(
                stream=row["stream"],
                codec=str(row.get("codec") or "")[:16],
                width=row.get("width") or 0,
                height=row.get("height") or 0,
                bitrate_kbps=int(row.get("bitrate_kbps") or 0),
                viewers=row.get("viewers") or 0,
            )
            for row in rows
            if row.get("app") == APP
        ]

    def kick(self, stream: str) -> int:
        return int(self._call("POST", "/api/kick", {"app": APP, "stream": stream}).get("kicked", 0))

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        base = (self.server.api_url or self.server.http_url).rstrip("/")
        try:
            answer = connection_pool(base, self.server.ca_file).request(
                method,
                base + path,
                body=json.dumps(body).encode() if body else None,
                headers={"X-Media-Secret": self.server.secret, "Content-Type": "application/json"},
                timeout=_TIMEOUT,
                retries=False,
            )
            if answer.status != 200:
                raise RemoteError(f"媒体服务器 {self.server.name} 返回 {answer.status}")
            data = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = tls_fault(error) or "无应答"
            raise RemoteError(f"媒体服务器 {self.server.name}：{reason}") from error
        except ValueError as error:
            raise RemoteError(f"媒体服务器 {self.server.name} 的应答不是 JSON") from error
        if not isinstance(data, dict):
            raise RemoteError(f"媒体服务器 {self.server.name} 的应答不是 JSON 对象")
        return data
