"""Limits of viewers at once, by partner and by camera, at servers that ask and at the one that checks by itself."""

import json
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.models import Partner, User
from cameras.models import Camera, Gateway
from protocol.errors import ForbiddenError
from streaming.choices import VideoType
from streaming.models import MediaServer, ViewerLimit, Viewing
from streaming.services.play import play_urls
from streaming.services.pushes import plan_low_streams
from streaming.services.viewings import HLS_GONE_SECONDS, Viewer, settle, viewer_came
from tests.cameras.ledger import camera, number
from tests.cast import Caller
from tests.streaming.media.recordings import body_of
from tests.streaming.roadside import hook, stream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
AT_ITS_LIMIT = "接入方的同时观看数已达上限（2）"


@pytest.fixture(autouse=True)
def clock(gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    plan_low_streams()
    Camera.objects.update(status=1, raw_status=1)
    return time_machine


@pytest.fixture
def two_at_once(ministry: Caller) -> str:
    """The ministry may watch two streams at once."""
    Partner.objects.filter(pk=ministry.partner.pk).update(most_viewers=2)
    return f"p{ministry.partner.pk}"


@pytest.fixture(params=["zlm", "srs"])
def kind(request: pytest.FixtureRequest) -> str:
    """That kind of server is the only one."""
    kind: str = request.param
    MediaServer.objects.update(
        name="zlm1", kind=kind, http_url="https://live.example.cn", api_url="http://127.0.0.1:9", secret="s"
    )
    return kind


def asked(kind: str, client: str, n: int, uid: str) -> dict[str, Any]:
    """The answer to a server that asks whether this viewer may watch."""
    query = urlsplit(play_urls(camera(n), VideoType.LOW, uid=uid).flv_url).query
    facts = {"id": client, "params": query} if kind == "zlm" else {"client_id": client, "param": f"?{query}"}
    return told(kind, "on_play", stream=stream(n), **facts)


def told(kind: str, event: str, /, **facts: Any) -> dict[str, Any]:
    url = f"/hooks/media/zlm1/{event}?secret=s"
    body = json.dumps(body_of(kind, event, **facts))
    answer: dict[str, Any] = Client().post(url, body, content_type="application/json").json()
    return answer


def left(kind: str, client: str, n: int) -> None:
    if kind == "zlm":
        told(kind, "on_flow_report", id=client, stream=stream(n), player=True)
    else:
        told(kind, "on_stop", client_id=client, stream=stream(n))


def ended(client: str, n: int, uid: str) -> str | None:
    """Whom the embedded server is told to end."""
    answer = hook("play", n, client_id=client, uid=uid)
    assert (answer["code"], answer["status"]) == (0, 200)
    return answer.get("end")


def test_a_partner_over_its_limit_is_refused_until_one_leaves(kind: str, two_at_once: str) -> None:
    assert [asked(kind, client, n, two_at_once)["code"] for client, n in (("a", 1), ("b", 2))] == [0, 0]
    refused = asked(kind, "c", 3, two_at_once)
    assert (refused["code"], refused["msg"]) == (403, AT_ITS_LIMIT)
    # It asks once more about one that is in.
    assert asked(kind, "b", 2, two_at_once)["code"] == 0
    left(kind, "a", 1)
    assert asked(kind, "c", 3, two_at_once)["code"] == 0
    assert sorted(Viewing.objects.values_list("client", flat=True)) == ["b", "c"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whose", ["partner", "camera"])
def test_of_many_who_come_at_the_same_moment_only_so_many_get_in(
    server: MediaServer, ministry: Caller, whose: str
) -> None:
    """As a wall opens all of its tiles."""
    if whose == "partner":
        Partner.objects.filter(pk=ministry.partner.pk).update(most_viewers=2)
    else:
        ViewerLimit.objects.create(camera=camera(1), most_viewers=2)
    gate = threading.Barrier(8)
    refused: list[str] = []

    def come(n: int) -> None:
        viewer = Viewer(f"p{ministry.partner.pk}", f"c-{n}")
        gate.wait(10)
        try:
            viewer_came(server=server, stream=stream(1), viewer=viewer)
        except ForbiddenError as error:
            refused.append(error.message)
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (Viewing.objects.count(), len(refused)) == (2, 6)


def test_the_last_viewer_of_zlmediakit_leaves_without_a_name(two_at_once: str) -> None:
    MediaServer.objects.update(name="zlm1", kind="zlm", secret="s")
    for client in ("a", "b"):
        assert asked("zlm", client, 1, two_at_once)["code"] == 0
    told("zlm", "on_stream_none_reader", stream=stream(1))
    assert not Viewing.objects.exists()


def test_the_embedded_server_is_told_to_end_one_too_many(two_at_once: str) -> None:
    assert [ended(client, 1, two_at_once) for client in ("a", "b", "c", "b")] == [None, None, "c", None]
    hook("stop", 1, client_id="c")
    hook("stop", 1, client_id="a")
    assert ended("d", 1, two_at_once) is None


def enter(n: int, uid: str) -> tuple[int, str]:
    """What the entry of HLS answers: status and playlist."""
    query = urlsplit(play_urls(camera(n), VideoType.LOW, uid=uid).hls_url).query
    response = Client().get(f"/hooks/media/zlm1/hls-entry/{stream(n)}?{query}")
    return response.status_code, response.headers.get("Location", "")


def file(playlist: str) -> int:
    return Client().get("/hooks/media/zlm1/hls-file", headers={"X-Original-URI": playlist}).status_code


def test_each_hls_session_of_one_second_counts(kind: str, two_at_once: str) -> None:
    assert [enter(1, two_at_once)[0] for _ in range(10)] == [302] * 2 + [403] * 8
    assert Viewing.objects.count() == 2


def test_an_hls_session_that_paused_is_judged_again(
    kind: str, two_at_once: str, server: MediaServer, clock: TimeMachineFixture
) -> None:
    def pause() -> None:
        clock.shift(HLS_GONE_SECONDS + 1)
        settle(server=server, watched={}, asked_at=timezone.now())

    _, paused = enter(1, two_at_once)
    cache.clear()
    pause()
    for _ in range(2):
        enter(2, two_at_once)
    assert [file(paused) for _ in range(3)] == [403] * 3
    pause()
    assert file(paused) == 204
    assert Viewing.objects.get().camera == camera(1)


def test_an_hls_session_counts_while_it_asks_for_files(
    kind: str, two_at_once: str, server: MediaServer, clock: TimeMachineFixture
) -> None:
    entered = [enter(n, two_at_once) for n in (1, 2, 3)]
    assert [status for status, _ in entered] == [302, 302, 403]
    row = Viewing.objects.order_by("pk").last()
    assert row is not None
    former = row.alive_until
    clock.shift(20)
    cache.clear()
    assert file(entered[1][1]) == 204
    row.refresh_from_db()
    assert former is not None
    assert row.alive_until is not None
    assert (row.alive_until - former).total_seconds() == 20
    assert row.began_at == NOON


def test_a_camera_over_its_limit_refuses_others_than_staff(
    kind: str, ministry: Caller, operator: User
) -> None:
    ViewerLimit.objects.create(camera=camera(1), most_viewers=1)
    assert asked(kind, "a", 1, "0")["code"] == 0
    refused = asked(kind, "b", 1, f"p{ministry.partner.pk}")
    assert (refused["code"], refused["msg"]) == (403, "摄像机的同时观看数已达上限（1）")
    assert asked(kind, "c", 1, f"u{operator.pk}")["code"] == 0
    assert asked(kind, "d", 2, f"p{ministry.partner.pk}")["code"] == 0


def test_no_limit_is_none(kind: str, ministry: Caller) -> None:
    ViewerLimit.objects.create(camera=camera(1), most_viewers=0)
    uid = f"p{ministry.partner.pk}"
    assert {asked(kind, f"v-{client}", 1, uid)["code"] for client in range(60)} == {0}


def test_addresses_are_refused_with_words_at_the_limit(ministry: Caller, two_at_once: str) -> None:
    def get(n: int) -> dict[str, Any]:
        return ministry.get("GetCameraPlayURL", cameraNum=number(n))

    assert ended("a", 1, two_at_once) is None
    assert get(3)["code"] == 200
    assert ended("b", 2, two_at_once) is None
    answer = get(3)
    assert (answer["code"], answer["msg"]) == (403, "同时观看的路数已达上限（2 路），请先停止其他观看")
    # The list of a department says what there is; its addresses are refused when they are opened.
    assert ministry.get("GetCameraPlayURL", department="山东高速")["code"] == 200
    hook("stop", 2, client_id="b")
    assert get(3)["code"] == 200
