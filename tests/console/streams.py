"""Pushes of cameras, and the rows in which 视频上云 tells of them."""

import re
from typing import Any

from cameras.models import Camera
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession


def push(camera: Camera, server: MediaServer, **fields: Any) -> None:
    values = {"video_type": VideoType.LOW, "state": PushState.LIVE, "is_wanted": True, **fields}
    PushSession.objects.create(camera=camera, media_server=server, **values)


def row_of(page: str, kind: str, number: int = 0) -> str:
    """Words of one row, a blank between cells."""
    return words_of(page.split(f'data-testid="{kind}"')[number + 1].split("</tr>")[0])


def words_of(part: str) -> str:
    return " ".join(re.sub(r"^[^>]*>|<[^>]*>", " ", part).split())
