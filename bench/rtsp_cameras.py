"""Network cameras as they really speak RTSP: gst-rtsp-server with one H.264 stream at /main.

    /usr/bin/python3 bench/rtsp_cameras.py CLIP PORT

CLIP is an H.264 byte stream with access unit delimiters that starts with a key frame, played at 25 frames a second,
over and over. Many clients may watch: to each the server is a camera with a session of its own, and here it costs a
tenth of an encoder each. Needs Debian's python3-gst-1.0 and gir1.2-gst-rtsp-server-1.0, which only
the system's Python sees. Prints READY, then serves until it is killed.
"""

import sys
import time
from pathlib import Path
from typing import Any, Final

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: F401 - GstApp gives appsrc its methods

_FRAME_SECONDS: Final = 0.04
_DELIMITER: Final = b"\x00\x00\x00\x01\x09"
# After a pause (a stopped process) a camera goes on with the present.
_MOST_LATE_SECONDS: Final = 0.5
_LAUNCH: Final = (
    "( appsrc name=frames is-live=true do-timestamp=true format=time max-bytes=2000000"
    " caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate=25/1"
    " ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


class Cameras:
    """Feeds every stream that is being watched."""

    def __init__(self, clip: bytes) -> None:
        self._frames = [_DELIMITER + frame for frame in clip.split(_DELIMITER)[1:]]
        self._next: dict[Any, int] = {}
        self._due = time.monotonic()

    def begin(self, _factory: object, media: Any) -> None:
        source = media.get_element().get_by_name("frames")
        self._next[source] = 0
        media.connect("unprepared", lambda _media: self._next.pop(source, None))

    def feed(self) -> bool:
        now = time.monotonic()
        if now - self._due > _MOST_LATE_SECONDS:
            self._due = now
        while self._due <= now:
            self._due += _FRAME_SECONDS
            for source, number in list(self._next.items()):
                frame = self._frames[number % len(self._frames)]
                source.emit("push-buffer", Gst.Buffer.new_wrapped(frame))
                self._next[source] = number + 1
        return True


def main() -> None:
    clip, port = Path(sys.argv[1]).read_bytes(), sys.argv[2]
    Gst.init(None)
    cameras = Cameras(clip)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(launch=_LAUNCH)
    factory.set_shared(True)
    factory.connect("media-configure", cameras.begin)
    server.get_mount_points().add_factory("/main", factory)
    loop = GLib.MainLoop()
    GLib.timeout_add(10, cameras.feed)
    if server.attach(None) == 0:
        raise SystemExit(f"port {port} is taken")
    print("READY", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
