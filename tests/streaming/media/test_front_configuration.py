"""The nginx configuration that docs/media.md prints, in a real nginx, before stand-ins."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from cameras.models import Camera
from streaming.choices import VideoType
from streaming.models import MediaServer
from streaming.services.play import play_urls
from tests.ports import free_port
from tests.streaming.embedded.peers import until
from tests.streaming.media.benches import Bench, Relay, SrsBench, ZlmBench
from tests.streaming.media.test_contract import enter, publish, urls_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx on PATH"),
]

_DOCS = Path(__file__).resolve().parents[3] / "docs" / "media.md"
_BLOCK = re.compile(r"^```nginx\n(upstream media.*?)^```", re.DOTALL | re.MULTILINE)
_FRAME = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{block}
}}
"""


def configuration(folder: Path, port: int, media: str, platform: str) -> str:
    (block,) = _BLOCK.findall(_DOCS.read_text())
    for printed, here in {
        "10.0.0.5:8080": media.partition("//")[2],
        "10.0.0.10:8000": platform.partition("//")[2],
        "listen 443 ssl http2": f"listen 127.0.0.1:{port}",
        "/var/cache/nginx/hls": f"{folder}/cache",
    }.items():
        assert printed in block
        block = block.replace(printed, here)
    return _FRAME.format(folder=folder, block=block)


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=[ZlmBench, SrsBench], ids=["zlm", "srs"])
def fronted(
    request: pytest.FixtureRequest, keys: None, live_server: LiveServer, tmp_path: Path
) -> Iterator[Bench]:
    bench = request.param()
    relay = Relay(live_server.url)
    bench.begin(relay)
    port = free_port()
    file = tmp_path / "nginx.conf"
    file.write_text(configuration(tmp_path, port, bench.media.peer.base_url, relay.peer.base_url))
    nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(file)])
    try:
        until(lambda: listens(port), what="nginx")
        MediaServer.objects.update(http_url=f"http://127.0.0.1:{port}")
        bench.server.refresh_from_db()
        yield bench
    finally:
        nginx.terminate()
        nginx.wait(10)
        bench.close()
        relay.close()


def test_a_session_is_followed_and_nothing_else(fronted: Bench, camera: Camera, other_camera: Camera) -> None:
    publish(fronted, camera)
    playlist = enter(fronted, camera)
    for _ in range(2):
        answer = fronted.fetch(playlist)
        assert (answer.status, answer.body[:7]) == (200, b"#EXTM3U")
    segment = next(line for line in answer.body.decode().splitlines() if line.endswith(".ts"))
    for _ in range(2):
        assert fronted.fetch(playlist.replace("index.m3u8", segment)).status == 200
    strange = playlist.replace(camera.stream_name(0), other_camera.stream_name(0))
    for bad in (strange, playlist.replace("/s/", "/s/9"), playlist.replace("index.m3u8", "x.mp4")):
        assert fronted.fetch(bad).status == 403
    name = camera.stream_name(0)
    for hidden in (f"/live/{name}/hls.m3u8", f"/live/{segment}", "/api/v1/streams/", "/hls-file"):
        assert fronted.fetch(hidden).status == 404
    assert fronted.fetch(urls_of(fronted, camera, ttl=-2).hls_url).status == 403


def test_flv_goes_through(fronted: Bench, camera: Camera) -> None:
    publish(fronted, camera)
    url = play_urls(camera, VideoType.LOW, ttl_seconds=30, server_id=fronted.server.pk).flv_url
    assert fronted.fetch(url).status == 200
    assert fronted.fetch(url.partition("?")[0]).status in {401, 502}
