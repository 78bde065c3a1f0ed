"""Cameras that are not drawn: clips, and network cameras as far as they can be had without one."""

import asyncio
import dataclasses
import socket
from pathlib import Path

import pytest

from gateway.adapters.base import Adapter, PushPlan, SourceError, Surroundings
from gateway.adapters.file import FileCamera
from gateway.adapters.file import Settings as FileSettings
from gateway.adapters.rtsp import RtspCamera
from gateway.adapters.rtsp import Settings as RtspSettings
from gateway.ffmpeg import COPY_ARGUMENTS
from gateway.troubles import Defect, Trouble
from protocol.codes import Code, VideoType
from protocol.commands import HIGH_FORMAT, LOW_FORMAT, VideoFormat
from tests.gateway.roadside import DOME, Sink, camera, command, gateway_in_thread, until, write_config
from tests.gateway.rtsp_standin import rtsp_standin

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "media"
needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason="the recorded clips are not here")


def plan(adapter: Adapter, wanted: VideoFormat = LOW_FORMAT) -> PushPlan:
    video_type = VideoType.HIGH if wanted is HIGH_FORMAT else VideoType.LOW
    return asyncio.run(adapter.plan(wanted, video_type))


def codec(adapter: Adapter, wanted: VideoFormat = LOW_FORMAT) -> tuple[str, ...]:
    return tuple(plan(adapter, wanted).codec_arguments)


def test_a_clip_that_fits_is_passed_on_and_another_format_made_of_it(
    clip: Path, surroundings: Surroundings
) -> None:
    fitting = FileCamera(FileSettings(str(clip)), surroundings)
    assert codec(fitting) == COPY_ARGUMENTS
    assert "scale=1280:720:flags=bilinear" in codec(fitting, HIGH_FORMAT)
    assert "libx264" in codec(fitting, dataclasses.replace(LOW_FORMAT, iframe=25))
    assert "libx264" in codec(FileCamera(FileSettings(str(clip), "transcode"), surroundings))
    assert codec(FileCamera(FileSettings(str(clip), "copy"), surroundings), HIGH_FORMAT) == COPY_ARGUMENTS


def test_a_file_that_is_no_video_is_a_fault_in_words(tmp_path: Path, surroundings: Surroundings) -> None:
    (tmp_path / "text.mp4").write_text("not a clip")
    with pytest.raises(SourceError, match=r"text\.mp4：没有可识别的视频"):
        codec(FileCamera(FileSettings("text.mp4"), surroundings))
    with pytest.raises(SourceError, match=r"gone\.mp4 不存在"):
        codec(FileCamera(FileSettings("gone.mp4"), surroundings))


def pushes(folder: Path, media: Sink, source: dict[str, str]) -> None:
    with gateway_in_thread(write_config(folder, cameras=[camera(DOME, source)])) as gateway:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        media.until_frames(30)
        assert len(set(media.picture)) > 20


def test_a_clip_is_pushed(folder: Path, media: Sink, clip: Path) -> None:
    pushes(folder, media, {"adapter": "file", "path": str(clip)})


@needs_clips
def test_a_recorded_road_is_pushed(folder: Path, media: Sink) -> None:
    pushes(folder, media, {"adapter": "file", "path": str(CLIPS / "highway_cctv_day_320x240.mp4")})


def test_a_network_camera_that_is_away_is_told_by_its_address(surroundings: Surroundings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    adapter = RtspCamera(RtspSettings(f"rtsp://admin:secret@127.0.0.1:{port}/main"), surroundings)
    away = Defect(Trouble.UNREACHABLE, f"摄像机 127.0.0.1:{port} 无法连接")
    assert asyncio.run(adapter.check()) == away
    with pytest.raises(SourceError, match="连接被拒绝") as caught:
        codec(adapter)
    assert caught.value.trouble is Trouble.UNREACHABLE
    assert "secret" not in str(caught.value)


def test_a_declared_mode_needs_no_look_at_the_camera(surroundings: Surroundings) -> None:
    url = "rtsp://127.0.0.1:9/main"
    assert codec(RtspCamera(RtspSettings(url, "copy"), surroundings)) == COPY_ARGUMENTS
    assert "libx264" in codec(RtspCamera(RtspSettings(url, "transcode"), surroundings))


def test_each_video_type_has_a_stream_and_a_mode_of_its_own(surroundings: Surroundings) -> None:
    sub, main = "rtsp://127.0.0.1:9/sub", "rtsp://127.0.0.1:9/main"
    camera = RtspCamera(RtspSettings(sub, "copy", high_url=main, high_mode="transcode"), surroundings)
    assert plan(camera).input_arguments[-1] == sub
    assert plan(camera, HIGH_FORMAT).input_arguments[-1] == main
    assert codec(camera) == COPY_ARGUMENTS
    assert "libx264" in codec(camera, HIGH_FORMAT)
    as_the_low_one = RtspCamera(RtspSettings(main, "copy"), surroundings)
    assert plan(as_the_low_one, HIGH_FORMAT).input_arguments[-1] == main
    assert codec(as_the_low_one, HIGH_FORMAT) == COPY_ARGUMENTS
    one_made_smaller = RtspCamera(RtspSettings(main, "transcode", high_mode="copy"), surroundings)
    assert "libx264" in codec(one_made_smaller)
    assert codec(one_made_smaller, HIGH_FORMAT) == COPY_ARGUMENTS


def test_a_stream_that_is_away_is_the_fault_of_its_video_type_only(surroundings: Surroundings) -> None:
    with rtsp_standin() as standin:
        settings = RtspSettings(standin.url("main"), "copy", high_url=standin.url("gone"))
        camera = RtspCamera(settings, surroundings)
        assert asyncio.run(camera.check(VideoType.LOW)) is None
        defect = asyncio.run(camera.check(VideoType.HIGH))
    assert defect is not None
    assert defect.trouble is Trouble.NO_VIDEO


def test_cameras_without_ptz_say_so(folder: Path, clip: Path) -> None:
    source = {"adapter": "file", "path": str(clip)}
    path = write_config(folder, cameras=[camera(DOME, source, cameraType=2)])
    with gateway_in_thread(path) as gateway:
        answer = until(lambda: gateway.call("PTZControl", cameraNum=DOME, action=1))
    assert (answer.code, answer.msg) == (Code.NOT_FOUND, "该摄像机不支持云台控制")
