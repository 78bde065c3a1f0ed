"""Reconciliation of all servers together: one that is slow or silent holds up none of the others."""

import socket
import threading
from collections.abc import Iterator

import pytest

from cameras.models import Gateway
from province.celery import app
from streaming.choices import PushState
from streaming.models import MediaServer
from streaming.services.pushes import plan_low_streams
from streaming.tasks import keep_streams, reconcile_media_servers
from tests.cameras.ledger import camera
from tests.protocol.peer import Reply, Request
from tests.protocol.test_client import answering_bytes
from tests.streaming.roadside import MediaDouble, make_server, media_double, session

pytestmark = pytest.mark.django_db


@pytest.fixture
def second_media() -> Iterator[MediaDouble]:
    with media_double() as double:
        yield double


def test_one_that_drips_is_silent_and_the_others_are_compared(
    gateway: Gateway, server: MediaServer, media: MediaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes within the read time-out; the list as a whole never does."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b" ")

    monkeypatch.setattr("streaming.media.wire._TOTAL_SECONDS", 0.5)
    plan_low_streams()
    media.show(1)
    with answering_bytes(drip) as base_url:
        # Before the other by name.
        dripping = make_server(base_url, name="a")
        reconcile_media_servers()
    dripping.refresh_from_db()
    assert dripping.silent_since is not None
    assert "迟迟没有结束" in dripping.last_error
    assert session(1).state == PushState.LIVE


def test_all_are_asked_at_the_same_time(
    gateway: Gateway, server: MediaServer, media: MediaDouble, second_media: MediaDouble
) -> None:
    together = threading.Barrier(2)

    def answer(_: Request) -> Reply:
        together.wait(5)
        return Reply(b'{"streams": []}')

    media.peer.respond = second_media.peer.respond = answer
    make_server(second_media.peer.base_url, name="second")
    reconcile_media_servers()
    assert list(MediaServer.objects.values_list("last_error", flat=True)) == ["", ""]


@pytest.mark.parametrize("name", ["reconcile_media_servers", "note_peaks", "judge_egress", "keep_streams"])
def test_it_is_in_the_timetable(name: str) -> None:
    entries = [entry for entry in app.conf.beat_schedule.values() if entry["task"] == f"streaming.tasks.{name}"]
    assert [entry["schedule"] <= 5 for entry in entries] == [True]


def test_streams_of_a_server_out_of_use_get_another_by_the_task(
    gateway: Gateway, server: MediaServer, second_media: MediaDouble
) -> None:
    plan_low_streams()
    second = make_server(second_media.peer.base_url, name="second")
    MediaServer.objects.filter(pk=server.pk).update(is_active=False)
    keep_streams()
    assert session(1).media_server == second
    assert camera(1).push_sessions.count() == 1
