"""A round whose pictures go to an object store, and how they are opened from there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import urllib3
from django.conf import LazySettings
from django.test import Client
from time_machine import TimeMachineFixture

from access.models import Alarm, Organisation, User
from cameras.models import Camera
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.links import picture_url
from snapshots.services.partitions import keep_partitions
from snapshots.services.rounds import ShardReport, capture_shard
from snapshots.services.sheets import pack_sheet
from snapshots.slots import slot_at
from tests.ptz.ledger import make_camera
from tests.snapshots.flv_server import FlvServer, live
from tests.snapshots.object_store import make_bucket, object_store, options_for
from tests.snapshots.streams import Streams
from tests.snapshots.test_snapshot_verb import body_of, fetch

pytestmark = pytest.mark.django_db

NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())
NOON_AT = slot_at(NOON)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with object_store() as endpoint:
        make_bucket(endpoint, "pictures")
        yield endpoint


@pytest.fixture
def use(store: str, settings: LazySettings) -> "Use":
    return Use(store, settings)


class Use:
    """Makes the bucket the place of pictures."""

    def __init__(self, endpoint: str, settings: LazySettings) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self(bucket="pictures")

    def __call__(self, *, bucket: str = "pictures", **more: object) -> None:
        self.settings.SNAPSHOT_STORAGE, self.settings.SNAPSHOT_S3_BUCKET = "s3", bucket
        self.settings.SNAPSHOT_S3_ENDPOINT = self.endpoint
        backend = {
            "BACKEND": "snapshots.storage.bucket.BucketStorage",
            "OPTIONS": options_for(self.endpoint, bucket, **more),
        }
        self.settings.STORAGES = {**self.settings.STORAGES, "snapshots": backend}


@pytest.fixture
def cameras(
    office: Organisation, media: FlvServer, road_clip: bytes, time_machine: TimeMachineFixture
) -> list[Camera]:
    time_machine.move_to(NOON_AT + timedelta(seconds=20))
    cameras = [make_camera(office, number) for number in range(1, 31)]
    media.behaviours = {f"/live/{camera.pk}.flv": live(road_clip) for camera in cameras}
    return cameras


def run(media: FlvServer) -> ShardReport:
    return capture_shard(slot=NOON, shard=0, shards=1, is_forced=True, targets=Streams(media))


def test_pictures_are_opened_through_us(use: Use, cameras: list[Camera], media: FlvServer) -> None:
    assert run(media).taken == 30
    sizes = dict(Snapshot.objects.values_list("camera_id", "size_bytes"))
    for camera in cameras[:3]:
        response = fetch(picture_url(camera.pk, NOON_AT))
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        body = body_of(response)
        assert (len(body), body[:2], body[-2:]) == (sizes[camera.pk], b"\xff\xd8", b"\xff\xd9")
    assert fetch(picture_url(cameras[0].pk, NOON_AT) + "0").status_code == 403


def test_pictures_may_be_opened_at_the_store_for_a_minute(
    use: Use, cameras: list[Camera], media: FlvServer, outsider: User
) -> None:
    run(media)
    use(public_url=use.endpoint)
    camera = cameras[0]
    answer = fetch(picture_url(camera.pk, NOON_AT))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    target = answer.headers["Location"]
    assert "X-Amz-Expires=60" in target
    assert urlsplit(target).path == f"/pictures/snapshots/20261122/120000/{camera.pk // 1000}/{camera.pk}.jpg"
    assert urllib3.request("GET", target).data[-2:] == b"\xff\xd9"
    client = Client()
    client.force_login(outsider)
    assert client.get(f"/snapshots/{camera.pk}/{NOON}.jpg").status_code == 403
    # A gap is no address at the store.
    assert fetch(picture_url(camera.pk, NOON_AT + timedelta(seconds=300))).status_code == 404


def test_pictures_of_many_cameras_come_in_one_answer(
    use: Use, cameras: list[Camera], media: FlvServer
) -> None:
    run(media)
    keys = [(camera.pk, NOON) for camera in reversed(cameras)]
    pieces = list(pack_sheet([*keys, (cameras[0].pk, NOON + 300)], {camera.pk for camera in cameras}))
    sizes = dict(Snapshot.objects.values_list("camera_id", "size_bytes"))
    assert [int.from_bytes(piece[:4]) for piece in pieces] == [*(sizes[pk] for pk, _ in keys), 0]
    assert all(piece[-2:] == b"\xff\xd9" for piece in pieces[:-1])
    use(bucket="no-such-bucket")
    assert list(pack_sheet(keys[:2], {keys[0][0], keys[1][0]})) == [bytes(4), bytes(4)]


def test_store_that_fails_is_a_reason_and_an_alarm(use: Use, cameras: list[Camera], media: FlvServer) -> None:
    use(bucket="no-such-bucket")
    assert run(media).taken == 0
    assert set(Snapshot.objects.values_list("result", flat=True)) == {SnapshotResult.STORAGE}
    alarm = Alarm.objects.get(closed_at=None)
    assert f"写入对象存储 {use.endpoint} 的桶 no-such-bucket 失败" in alarm.message
    use()
    assert run(media).taken == 30
    assert not Alarm.objects.filter(closed_at=None).exists()


def test_store_that_cannot_be_read_is_told_apart_from_a_gap(
    use: Use, cameras: list[Camera], media: FlvServer
) -> None:
    run(media)
    use(bucket="no-such-bucket")
    answer = fetch(picture_url(cameras[0].pk, NOON_AT))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")


def test_day_goes_as_one_prefix(use: Use, cameras: list[Camera], media: FlvServer) -> None:
    run(media)
    assert keep_partitions(now=NOON_AT + timedelta(days=8)).folders == ["20261122"]
    assert not Snapshot.objects.exists()
    assert fetch(picture_url(cameras[0].pk, NOON_AT)).status_code == 404
