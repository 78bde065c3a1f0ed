"""Streams over HTTPS: the media server's certificate is verified before anything is asked."""

import logging
from pathlib import Path

import pytest
from django.conf import LazySettings

from access.models import Organisation
from protocol.tls import server_context
from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import read_key_frame
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.rounds import take_round
from streaming.choices import MediaKind
from streaming.models import MediaServer
from tests.protocol.certificates import UNTRUSTWORTHY, Certificates, write_certificates
from tests.ptz.ledger import make_camera
from tests.snapshots.flv_server import FlvServer, live

STREAM = "/live/a_0.flv"


def server_showing(made: Certificates, clip: bytes, path: str = STREAM) -> FlvServer:
    return FlvServer({path: live(clip)}, context=server_context(made.certificate, made.key))


def test_key_frame_over_https(tmp_path: Path, road_clip: bytes) -> None:
    made = write_certificates(tmp_path)
    with server_showing(made, road_clip) as server:
        frame = read_key_frame(f"{server.base}{STREAM}", timeout_seconds=5, ca_file=str(made.ca))
    assert frame.data in road_clip


@pytest.mark.parametrize("kind", [*UNTRUSTWORTHY, "another CA", "no CA"])
def test_an_untrustworthy_server_is_not_asked(tmp_path: Path, road_clip: bytes, kind: str) -> None:
    changes, said = UNTRUSTWORTHY.get(kind, ({}, "不是由受信任的 CA 签发"))
    made = write_certificates(tmp_path / "made", **changes)
    ca_file = {"another CA": str(write_certificates(tmp_path / "other").ca), "no CA": ""}.get(
        kind, str(made.ca)
    )
    with server_showing(made, road_clip) as server, pytest.raises(CaptureError, match=said) as refusal:
        read_key_frame(f"{server.base}{STREAM}", timeout_seconds=5, ca_file=ca_file)
    assert refusal.value.result == SnapshotResult.UNREACHABLE
    assert server.requests == []


@pytest.mark.django_db
def test_a_round_believes_the_ca_of_the_servers_record(
    tmp_path: Path,
    road_clip: bytes,
    office: Organisation,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SNAPSHOT_ROOT = tmp_path
    made = write_certificates(tmp_path / "made")
    camera = make_camera(office, 1)
    path = f"/live/{camera.stream_name(0)}.flv"
    with server_showing(made, road_clip, path) as server:
        record = MediaServer.objects.create(
            name="embedded", kind=MediaKind.EMBEDDED, rtmp_url="rtmp://127.0.0.1", http_url=server.base
        )
        with caplog.at_level(logging.INFO, "snapshots"):
            assert take_round().taken == 0
        assert "不是由受信任的 CA 签发" in caplog.text
        record.ca_file = str(made.ca)
        record.save()
        assert take_round().taken == 1
    assert Snapshot.objects.get().result == SnapshotResult.TAKEN
