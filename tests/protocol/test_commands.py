import copy
import json
from typing import Any

import pytest

from protocol.commands import HIGH_FORMAT, LOW_FORMAT, PushCommand, VideoFormat, parse_push_command
from protocol.errors import MalformedError
from tests.protocol.samples import sample, sample_bytes

ORDER: dict[str, Any] = sample("video_trans_begin")


def changed(place: str, value: object) -> bytes:
    order = copy.deepcopy(ORDER)
    *path, name = place.split(".")
    target = order
    for step in path:
        target = target[step]
    target[name] = value
    return json.dumps(order).encode()


def refused(body: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        parse_push_command(body)
    return caught.value.message


def test_the_documents_order() -> None:
    assert parse_push_command(sample_bytes("video_trans_begin")) == PushCommand(
        server_ip="248.114.14.114",
        server_port=533,
        pub_name="/live/pub1",
        auth_info="",
        video=VideoFormat(width=352, height=288, bitrate=200, iframe=50, framerate=15),
    )


def test_written_as_the_document_has_it() -> None:
    command = parse_push_command(sample_bytes("video_trans_begin"))
    wire = command.to_wire(port_as_string=True)
    assert json.dumps(wire) == json.dumps(ORDER)
    assert command.to_wire() == {"command": {**ORDER["command"], "serverPort": 533}}
    assert parse_push_command(json.dumps(command.to_wire()).encode()) == command


def test_numbers_in_every_dress() -> None:
    for value in (352, 352.0, "352", "352.0"):
        assert parse_push_command(changed("command.video.width", value)).video.width == 352


def test_rtmp_url() -> None:
    command = PushCommand("127.0.0.1", 1935, "/live/cam_0", "auth_key=1-0-0-ab", LOW_FORMAT)
    assert command.rtmp_url() == "rtmp://127.0.0.1:1935/live/cam_0?auth_key=1-0-0-ab"
    assert command.rtmp_url(is_tls=True) == "rtmps://127.0.0.1:1935/live/cam_0?auth_key=1-0-0-ab"
    assert PushCommand("::1", 1935, "/live/cam_0", "", LOW_FORMAT).rtmp_url() == "rtmp://[::1]:1935/live/cam_0"


def test_a_leading_question_mark_is_not_doubled() -> None:
    assert parse_push_command(changed("command.authInfo", "?auth_key=1")).rtmp_url().endswith(
        "/pub1?auth_key=1"
    )
    assert parse_push_command(changed("command.authInfo", None)).auth_info == ""


def test_formats_keep_the_documents_floor() -> None:
    assert (LOW_FORMAT.width, LOW_FORMAT.height, LOW_FORMAT.framerate) == (352, 288, 25)
    assert LOW_FORMAT.bitrate >= 32
    assert HIGH_FORMAT.bitrate >= 1000
    assert HIGH_FORMAT.framerate == 25
    for video in (LOW_FORMAT, HIGH_FORMAT):
        assert video.iframe <= 2 * video.framerate


@pytest.mark.parametrize("host", ["127.0.0.1", "media.example.cn", "::1", "fe80::1", "host-1"])
def test_hosts(host: str) -> None:
    assert parse_push_command(changed("command.serverIp", host)).server_ip == host


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("command.serverIp", None),
        ("command.serverIp", ""),
        ("command.serverIp", "user@host"),
        ("command.serverIp", "host/path"),
        ("command.serverIp", "host:99"),
        ("command.serverIp", "-host"),
        ("command.serverIp", "a b"),
        ("command.serverIp", "x" * 300),
        ("command.serverIp", 7),
        ("command.serverPort", None),
        ("command.serverPort", 0),
        ("command.serverPort", 65536),
        ("command.serverPort", "rtmp"),
        ("command.serverPort", 1.5),
        ("command.pubName", None),
        ("command.pubName", "live/pub1"),
        ("command.pubName", "/live/../pub1"),
        ("command.pubName", "/live/pub1?x=1"),
        ("command.pubName", "/live/a b"),
        ("command.pubName", "/live//pub1"),
        ("command.pubName", "/live/pub1\0"),
        ("command.authInfo", 7),
        ("command.authInfo", "a b"),
        ("command.authInfo", "密码"),
        ("command.authInfo", "x" * 1025),
        ("command.video", None),
        ("command.video", []),
        ("command.video.width", None),
        ("command.video.width", 0),
        ("command.video.height", 100_000),
        ("command.video.bitrate", -1),
        ("command.video.iframe", 0),
        ("command.video.framerate", 1000),
        ("command.video.framerate", True),
    ],
)
def test_faults_name_the_field(place: str, value: object) -> None:
    assert place in refused(changed(place, value))


def test_credentials_are_not_shown() -> None:
    assert "秘密" not in refused(changed("command.authInfo", "auth_key=秘密"))


@pytest.mark.parametrize("body", [b"{}", b'{"command": 7}', b"[]", b"", b"{", b'{"command":' * 5000])
def test_what_is_no_order(body: bytes) -> None:
    assert refused(body)
