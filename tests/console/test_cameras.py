from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from access.models import Organisation
from cameras.choices import CameraType, Classify, OnlineStatus
from cameras.models import Camera, Gateway
from protocol.play_urls import UrlVerdict, check_path
from quality.choices import QualitySource
from quality.services.verdicts import Verdict, record_quality
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession
from tests.cast import Caller
from tests.console.desk import Desk, content_of, refusal_of
from tests.ptz.ledger import make_camera

Asserter = Callable[[int], Any]


def test_card_has_what_a_tile_shows(desk: Desk, gantry: Camera) -> None:
    card = desk.json("card", gantry.pk)["card"]
    assert card["organisation"] == "山东高速 / 济南管理处"
    assert (card["road"], card["stake"], card["direction"], card["place"], card["type"]) == (
        "G2",
        "K1100+300",
        "下行",
        "ETC 门架",
        "球机",
    )
    assert (card["state"], card["can_ptz"], card["may_ptz"], card["picture"]) == ("unknown", True, True, None)


def test_card_and_state_tell_what_is_wrong_with_the_picture(
    desk: Desk, camera: Camera, gantry: Camera
) -> None:
    # Offline is told by the state.
    verdicts = {camera.pk: Verdict("000100100"), gantry.pk: Verdict("100000000")}
    record_quality(verdicts=verdicts, source=QualitySource.GATEWAY)
    cards = desk.json("cards", ids=f"{camera.pk},{gantry.pk}")["cards"]
    assert [card["quality"] for card in cards] == ["图像模糊、图像噪声", ""]
    wall = desk.json("state", wall=f"{camera.pk},{gantry.pk}")["wall"]
    assert {raw["id"]: raw["quality"] for raw in wall} == {camera.pk: "图像模糊、图像噪声", gantry.pk: ""}


def test_shared_road_and_unclassified_place(desk: Desk, office: Organisation) -> None:
    camera = make_camera(
        office, 7, road="G2&S38", classify=Classify.DEFAULT, camera_type=CameraType.PANORAMIC
    )
    card = desk.json("card", camera.pk)["card"]
    assert (card["road"], card["place"]) == ("G2", "全景")


def test_cards_come_in_the_order_asked(desk: Desk, camera: Camera, gantry: Camera) -> None:
    ids = f"{gantry.pk},{camera.pk},999999"
    assert [card["id"] for card in desk.json("cards", ids=ids)["cards"]] == [gantry.pk, camera.pk]


def test_first_wall_begins_with_what_plays(desk: Desk, camera: Camera, gantry: Camera) -> None:
    Camera.objects.filter(pk=camera.pk).update(has_stream=False)
    assert [card["id"] for card in desk.json("cards", first=2)["cards"]] == [gantry.pk, camera.pk]
    assert len(desk.json("cards", first=1)["cards"]) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ids": "1,x"}, "ids 的值“x”应为 1 到"),
        ({"ids": "0"}, "ids 的值“0”应为 1 到"),
        ({"ids": "1,,2"}, "ids 的值“”应为 1 到"),
        ({"ids": "9" * 30}, "ids 的值“999999999999999999999999999999”应为 1 到"),
        ({"ids": ",".join(["1"] * 26)}, "ids 最多 25 个"),
        ({"first": "26"}, "first 的值“26”应为 1 到 25 的整数"),
        ({"first": "²"}, "first 的值“²”应为 1 到 25 的整数"),
    ],
)
def test_malformed_lists_name_the_place(
    desk: Desk, camera: Camera, params: dict[str, str], words: str
) -> None:
    assert words in refusal_of(desk.get("cards", **params), 400)


def test_an_impossible_id_is_just_not_there(desk: Desk, camera: Camera) -> None:
    assert desk.client.get(f"/console/api/cameras/{'9' * 40}/").status_code == 404


@pytest.mark.parametrize("count", [3, 25])
def test_number_of_queries_does_not_grow(
    count: int, desk: Desk, office: Organisation, django_assert_num_queries: Asserter
) -> None:
    for number in range(1, count + 1):
        make_camera(office, number)
    desk.get("cards", first=25)
    # Session, user, permission, visible, cameras with their offices, permission to turn, pictures, quality.
    with django_assert_num_queries(11):
        assert len(desk.json("cards", first=25)["cards"]) == count


# Play ---------------------------------------------------------------------------------------------


def play(desk: Desk, camera: Camera, video_type: object = 0) -> dict[str, Any]:
    response = desk.post("play", camera.pk, body={"type": video_type})
    assert response.status_code == 200
    return content_of(response)


def test_play_address_is_signed_for_the_asker(desk: Desk, camera: Camera, media_server: MediaServer) -> None:
    url = urlsplit(play(desk, camera)["ws_url"])
    assert (url.scheme, url.netloc) == ("ws", "10.0.0.5:8080")
    assert url.path == f"/live/{camera.number_key}_0.flv"
    auth_key = parse_qs(url.query)["auth_key"][0]
    timestamp, _, uid, _ = auth_key.split("-")
    assert uid == f"u{desk.user.pk}"
    verdict = check_path(url.path, auth_key, settings.PLAY_URL_KEYS, now=int(timestamp) - 1)
    assert verdict is UrlVerdict.OK


def test_stream_plays_from_the_server_it_is_on(desk: Desk, camera: Camera, media_server: MediaServer) -> None:
    second = MediaServer.objects.create(
        name="second", kind="embedded", rtmp_url="rtmp://10.0.0.6", http_url="https://live.example.cn"
    )
    PushSession.objects.create(
        camera=camera, video_type=VideoType.LOW, media_server=second, state=PushState.LIVE
    )
    assert play(desk, camera)["ws_url"].startswith("wss://live.example.cn/live/")


def test_offline_camera_has_no_address(desk: Desk, camera: Camera, media_server: MediaServer) -> None:
    Camera.objects.filter(pk=camera.pk).update(raw_status=OnlineStatus.OFFLINE)
    playing = play(desk, camera)
    assert (playing["ws_url"], playing["flv_url"]) == (None, None)


def test_the_gateways_refusal_is_told_in_its_words(
    desk: Desk, camera: Camera, media_server: MediaServer
) -> None:
    PushSession.objects.create(
        camera=camera,
        video_type=VideoType.LOW,
        media_server=media_server,
        state=PushState.FAILED,
        last_code=404,
        last_error="该路视频故障",
    )
    assert play(desk, camera)["push_error"] == "网关 404：该路视频故障"
    assert desk.json("card", camera.pk)["push_error"] == "网关 404：该路视频故障"


def test_high_stream_is_begun_when_asked_for(
    desk: Desk, camera: Camera, gateway_partner: Caller, media_server: MediaServer
) -> None:
    gateway = Gateway.objects.create(
        code="GW-0001", partner=gateway_partner.partner, base_url="http://127.0.0.1:9"
    )
    Camera.objects.filter(pk=camera.pk).update(gateway=gateway)
    assert f"{camera.number_key}_1.flv" in play(desk, camera, 1)["ws_url"]
    assert PushSession.objects.get(camera=camera).is_wanted


def test_without_a_media_server_the_reason_is_told(desk: Desk, camera: Camera) -> None:
    response = desk.post("play", camera.pk, body={"type": 0})
    assert "没有启用的媒体服务器" in refusal_of(response, 500)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "请求体不是 JSON"),
        (b"\xff", "请求体不是 JSON"),
        (b"[" * 5000, "请求体不是 JSON"),
        (b"[]", "请求体应为 JSON 对象"),
        (b" " * 10_001, "请求体过大"),
        ({"type": 2}, "type 的值“2”应为 0 到 1 的整数"),
        ({"type": True}, "type 的值“true”应为 0 到 1 的整数"),
        ({"type": None}, "type 的值“null”应为 0 到 1 的整数"),
    ],
)
def test_malformed_play_names_the_place(desk: Desk, camera: Camera, body: object, words: str) -> None:
    assert refusal_of(desk.post("play", camera.pk, body=body), 400) == words


def test_play_is_not_for_links(desk: Desk, camera: Camera) -> None:
    assert desk.get("play", camera.pk).status_code == 405
