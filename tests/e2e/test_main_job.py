"""The main job as the ministry sees it: the document's own interface against the whole running stack."""

import contextlib
import io
import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, TypeVar

import av
import numpy as np
import numpy.typing as npt
import psycopg
import pytest
from PIL import Image

from tests.e2e.demo_stack import Demo
from tests.e2e.ministry_client import FlvViewer, MinistryClient, fetch

pytestmark = pytest.mark.e2e

T = TypeVar("T")
Picture = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def ministry(demo: Demo) -> MinistryClient:
    given = demo.facts["ministry"]
    client = MinistryClient(
        demo.base_url, given["user"], given["device_code"], given["token"], given["private_key"]
    )
    assert client.exchange_token()["code"] == 200
    return client


def poll(look: Callable[[], T], accept: Callable[[T], bool], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while not accept(found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def state_above(demo: Demo) -> dict[str, Any]:
    """What the mock ministry holds."""
    _, body, _ = fetch(demo.facts["mock_ministry"]["base_url"] + "/state")
    found: dict[str, Any] = json.loads(body)
    return found


def urls_of(ministry: MinistryClient, camera: dict[str, Any], video_type: int = 0) -> dict[str, Any]:
    answer = ministry.call("GetCameraPlayURL", cameraNum=camera["camera_num"], videoType=video_type)
    assert answer["code"] == 200, answer
    (entry,) = answer["videoRequestUrl"]
    assert entry["online"] == 1, entry
    return dict(entry)


def decode(video: bytes, kind: str) -> list[av.VideoFrame]:
    """All pictures in what was received; the end is cut wherever reading stopped."""
    frames: list[av.VideoFrame] = []
    with (
        av.open(io.BytesIO(video), mode="r", format=kind) as container,
        contextlib.suppress(av.error.EOFError, av.error.InvalidDataError),
    ):
        frames.extend(container.decode(video=0))
    return frames


def last_picture(ministry: MinistryClient, camera: dict[str, Any]) -> Picture:
    """The newest decoded picture, in grey, without the burnt-in name and clock at top and bottom."""
    viewer = FlvViewer(urls_of(ministry, camera)["flv_url"])
    try:
        viewer.read(60_000)
    finally:
        viewer.close()
    grey = decode(viewer.received, "flv")[-1].to_ndarray(format="gray").astype(np.float32)
    return grey[48:-48]


def test_token_by_sm2_is_exchanged_and_the_old_one_dies(demo: Demo, ministry: MinistryClient) -> None:
    before = ministry.token
    answer = ministry.exchange_token()
    assert list(answer)[:3] == ["code", "msg", "token"]
    assert ministry.token != before
    camera = demo.cameras()[0]
    assert ministry.call("GetCameraPlayURL", cameraNum=camera["camera_num"])["code"] == 200
    stale = MinistryClient(
        demo.base_url,
        demo.facts["ministry"]["user"],
        demo.facts["ministry"]["device_code"],
        before,
        "1" * 64,
    )
    assert stale.exchange_token()["code"] == 403


def test_every_camera_is_registered_and_reported_upward(demo: Demo) -> None:
    numbers = {camera["camera_num"].lower() for camera in demo.cameras()}

    def registered(found: dict[str, Any]) -> set[str]:
        return {camera["cameraNum"].lower() for camera in found["cameras"]}

    def online(found: dict[str, Any]) -> set[str]:
        return {number.lower() for number, status in found["statuses"].items() if status == 1}

    found = poll(lambda: state_above(demo), lambda found: numbers <= registered(found) & online(found), 20)
    assert numbers <= registered(found)
    assert numbers <= online(found), found["statuses"]


def test_quality_and_traffic_analysis_of_the_gateway_reach_the_ministry(demo: Demo) -> None:
    def is_complete(found: dict[str, Any]) -> bool:
        return len(found["qualities"]) >= len(demo.cameras()) and len(analysed(found)) >= 3

    def analysed(found: dict[str, Any]) -> set[str]:
        return {json.loads(item["data"])["subject"] for item in found["analysis"]}

    found = poll(lambda: state_above(demo), is_complete, 60)
    flags = [found["qualities"][camera["camera_num"]] for camera in demo.cameras()]
    assert flags[:2] == ["000000000"] * 2, "the first two are clean"
    # One lens is out of focus, one is dirty: nothing is counted through them.
    faulty = {demo.cameras()[flags.index(digits)]["camera_num"] for digits in ("000100000", "001000000")}
    assert not faulty & {item["cameraNum"] for item in found["analysis"]}
    assert len(analysed(found)) >= 3
    flows = [json.loads(item["data"]) for item in found["analysis"] if '"flow"' in item["data"]]
    assert all(flow["vehicles"] == flow["cars"] + flow["trucks"] > 0 for flow in flows)


def test_play_url_opens_real_video_and_dies_after_five_seconds(demo: Demo, ministry: MinistryClient) -> None:
    entry = urls_of(ministry, demo.cameras()[0])
    issued = time.monotonic()
    viewer = FlvViewer(entry["flv_url"])
    try:
        # More than a second of video however much traffic there is: 300 kbit/s and a buffer of 50 kB at most.
        viewer.read(100_000)
        frames = decode(viewer.received, "flv")
        assert len(frames) >= 25
        assert (frames[0].width, frames[0].height) == (352, 288)
        assert frames[0].to_ndarray(format="gray").std() > 10, "a picture, not one colour"

        time.sleep(max(0.0, issued + 7 - time.monotonic()))
        status, _, _ = fetch(entry["flv_url"])
        assert status == 403
        # A stream once opened goes on.
        assert len(viewer.read(40_000)) >= 40_000
    finally:
        viewer.close()


def test_url_of_one_camera_opens_no_other(demo: Demo, ministry: MinistryClient) -> None:
    first, second = demo.cameras()[:2]
    url = urls_of(ministry, first)["flv_url"]
    other = url.replace(first["camera_num"].lower(), second["camera_num"].lower())
    assert other != url
    assert fetch(other)[0] == 403


def test_high_stream_begins_on_demand(demo: Demo, ministry: MinistryClient) -> None:
    viewer = FlvViewer(urls_of(ministry, demo.cameras()[1], video_type=1)["flv_url"])
    try:
        viewer.read(400_000)
    finally:
        viewer.close()
    frame = decode(viewer.received, "flv")[0]
    assert frame.height >= 720


def test_hls_plays_for_twenty_seconds_behind_a_five_second_url(demo: Demo, ministry: MinistryClient) -> None:
    status, body, playlist_url = fetch(urls_of(ministry, demo.cameras()[0])["hls_url"])
    assert status == 200
    assert "/s/" in playlist_url
    began = time.monotonic()
    segments: dict[str, bytes] = {}
    while time.monotonic() - began < 20:
        for line in body.decode().splitlines():
            address = urllib.parse.urljoin(playlist_url, line)
            if line and not line.startswith("#") and address not in segments:
                status, segments[address], _ = fetch(address)
                assert status == 200, f"{line}: {status}, {time.monotonic() - began:.1f} s after the first"
        time.sleep(1)
        status, body, _ = fetch(playlist_url)
        assert status == 200
    frames = decode(b"".join(segments.values()), "mpegts")
    # 20 s less the segment under way at both ends, and some slack for a busy machine.
    assert len(frames) >= 25 * 12


def test_ptz_order_turns_the_picture_and_leaves_a_row(demo: Demo, ministry: MinistryClient) -> None:
    camera = demo.cameras(ptz=True)[0]
    still, again = last_picture(ministry, camera), last_picture(ministry, camera)
    traffic = float(np.abs(still - again).mean())
    for _ in range(4):
        answer = ministry.call("PTZControl", cameraNum=camera["camera_num"], action=2, step=8)
        assert answer["code"] == 200
        assert answer["PTZControl"]["status"] == 0, answer
        assert answer["PTZControl"]["cameraName"] == camera["name"]
        time.sleep(0.3)
    turned = float(np.abs(last_picture(ministry, camera) - again).mean())
    assert turned > traffic * 2 + 3, f"moved {turned:.1f} against {traffic:.1f} by traffic alone"

    with psycopg.connect(_database(demo)) as connection:
        rows = connection.execute(
            "SELECT o.outcome FROM ptz_ptzorder o JOIN cameras_camera c ON c.id = o.camera_id"
            " WHERE c.number_key = %s AND o.action = 2 AND o.step = 8 AND o.actor_kind = 'partner'",
            [camera["camera_num"].lower()],
        ).fetchall()
    assert [outcome for (outcome,) in rows] == ["done"] * 4


def test_refused_ptz_leaves_a_row_too(demo: Demo, ministry: MinistryClient) -> None:
    camera = demo.cameras(ptz=False)[0]
    answer = ministry.call("PTZControl", cameraNum=camera["camera_num"], action=1)
    assert answer["PTZControl"]["status"] == 1
    with psycopg.connect(_database(demo)) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM ptz_ptzorder o JOIN cameras_camera c ON c.id = o.camera_id"
            " WHERE c.number_key = %s AND o.outcome <> 'done'",
            [camera["camera_num"].lower()],
        ).fetchone() or (0,)
    assert count >= 1


def test_viewing_is_logged_under_the_partners_name(demo: Demo, ministry: MinistryClient) -> None:
    viewer = FlvViewer(urls_of(ministry, demo.cameras()[2])["flv_url"])
    viewer.read(2_000)
    viewer.close()

    def rows() -> int:
        with psycopg.connect(_database(demo)) as connection:
            row = connection.execute(
                "SELECT count(*) FROM access_behaviourlog WHERE verb = '查看视频' AND actor_kind = 'partner'"
                " AND object_name = %s",
                [demo.cameras()[2]["name"]],
            ).fetchone()
        return int(row[0]) if row else 0

    assert poll(rows, lambda count: count >= 1, 5) >= 1


def test_snapshot_is_a_real_picture_behind_a_signature(demo: Demo, ministry: MinistryClient) -> None:
    camera = demo.cameras()[0]
    answer = ministry.call("SnapShot", cameraNum=camera["camera_num"])
    assert answer["code"] == 200, answer
    entry = answer["snapShots"][-1]
    assert list(entry)[:3] == ["cameraNum", "url", "message"]
    status, body, _ = fetch(entry["url"])
    assert status == 200
    with Image.open(io.BytesIO(body)) as picture:
        picture.load()
        assert picture.format == "JPEG"
        assert picture.width >= 352
        assert picture.height >= 288
        assert np.asarray(picture.convert("L")).std() > 10
    assert fetch(entry["url"].split("?")[0])[0] == 403


def _database(demo: Demo) -> str:
    # django-environ's form has an empty user and password part that libpq reads as well.
    return demo.environment()["DATABASE_URL"].replace("postgres:@", "postgres@")
