"""The embedded media server as a process of its own.

    python bench/media_sink.py RTMP_PORT HTTP_PORT PLATFORM_URL

Serves until it is killed; the platform there is asked whether to wait for a stream, and told of each.
"""

import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streaming.embedded.config import MediaConfig
from streaming.embedded.server import run

PLAY_KEY: Final = "bench-play-key"
PUBLISH_KEY: Final = "bench-publish-key"


if __name__ == "__main__":
    rtmp_port, http_port, platform_url = sys.argv[1:]
    run(
        MediaConfig(
            bind_host="127.0.0.1",
            rtmp_port=int(rtmp_port),
            http_port=int(http_port),
            play_keys=(PLAY_KEY,),
            publish_key=PUBLISH_KEY,
            hls_key="bench-hls-key",
            secret="bench-secret",
            platform_url=platform_url,
        )
    )
