"""What pictures need of the place where they lie, of a folder and of an object store alike."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile

from snapshots.capture.store import open_whole
from snapshots.storage import bucket as bucket_module
from snapshots.storage.bucket import BucketStorage
from snapshots.storage.contract import PictureStorage, pictures
from snapshots.storage.folder import FolderStorage
from tests.snapshots.object_store import make_bucket, object_store, options_for

NAME = "20261122/120000/0/17.jpg"
JPEG = b"\xff\xd8 a picture \xff\xd9"


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with object_store() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, settings: LazySettings) -> PictureStorage:
    if request.param == "folder":
        settings.SNAPSHOT_ROOT = tmp_path / "snapshots"
        return FolderStorage()
    endpoint = request.getfixturevalue("store")
    storage = make_bucket(endpoint, f"pictures-{uuid4()}")
    # A bucket may be shared: what lies beside our prefix is not ours.
    storage.client.put_object(Bucket=storage.bucket_name, Key="20261122/other.jpg", Body=b"theirs")
    return storage


def put(storage: PictureStorage, *names: str, data: bytes = JPEG) -> None:
    for name in names:
        storage.save(name, ContentFile(data))


def read(storage: PictureStorage, name: str) -> bytes:
    with storage.open(name) as file:
        data: bytes = file.read()
    return data


def test_newest_picture_of_a_name_is_there(storage: PictureStorage) -> None:
    put(storage, NAME, data=b"first")
    put(storage, NAME)
    assert read(storage, NAME) == JPEG
    assert storage.folders() == ["20261122"]


def test_missing_picture_is_not_found(storage: PictureStorage) -> None:
    assert storage.folders() == []
    with pytest.raises(FileNotFoundError):
        storage.open(NAME)
    with pytest.raises(FileNotFoundError):
        storage.copy(NAME, "held/1/20261122/1.jpg")
    put(storage, NAME)
    storage.delete(NAME)
    with pytest.raises(FileNotFoundError):
        storage.open(NAME)


def test_a_day_goes_as_a_whole_and_no_other(storage: PictureStorage) -> None:
    put(storage, NAME, "20261122/120500/0/17.jpg", "20261122-30/120000/0/18.jpg", "20261123/120000/0/17.jpg")
    assert storage.folders() == ["20261122", "20261122-30", "20261123"]
    assert storage.drop("20261122", until=time.monotonic() + 60)
    assert storage.folders() == ["20261122-30", "20261123"]
    assert storage.drop("20261122", until=time.monotonic() + 60)


def test_dropping_stops_when_its_time_is_over(storage: PictureStorage) -> None:
    put(storage, NAME)
    assert not storage.drop("20261122", until=time.monotonic() - 1)
    assert read(storage, NAME) == JPEG


def test_copy_outlives_its_day(storage: PictureStorage) -> None:
    put(storage, NAME)
    held = "held/1/20261122/1.jpg"
    for _ in range(2):
        storage.copy(NAME, held)
    storage.drop("20261122", until=time.monotonic() + 60)
    assert (read(storage, held), storage.folders()) == (JPEG, ["held"])


def test_copy_is_no_second_picture_on_disk(tmp_path: Path, settings: LazySettings) -> None:
    settings.SNAPSHOT_ROOT = tmp_path
    put(FolderStorage(), NAME)
    FolderStorage().copy(NAME, "held/1.jpg")
    assert (tmp_path / "held/1.jpg").samefile(tmp_path / NAME)


def test_more_objects_than_one_request_deletes(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "_DELETED_AT_ONCE", 2)
    storage = make_bucket(store, "many")
    put(storage, *(f"20261122/120000/0/{number}.jpg" for number in range(5)))
    assert storage.drop("20261122", until=time.monotonic() + 60)
    assert storage.folders() == []


def test_keys_begin_with_prefix_and_day(store: str) -> None:
    """So that a lifecycle rule of the store, or a person, finds a day."""
    storage = make_bucket(store, "keys", location="province/pictures")
    put(storage, NAME)
    (found,) = storage.client.list_objects_v2(Bucket="keys")["Contents"]
    assert found["Key"] == f"province/pictures/{NAME}"
    assert storage.client.head_object(Bucket="keys", Key=found["Key"])["ContentType"] == "image/jpeg"


def test_store_that_refuses_is_an_error_and_no_missing_picture(store: str) -> None:
    storage = BucketStorage(**options_for(store, "no-such-bucket"))
    for attempt in (lambda: put(storage, NAME), lambda: storage.open(NAME), storage.folders):
        with pytest.raises(OSError, match="NoSuchBucket") as failure:
            attempt()
        assert not isinstance(failure.value, FileNotFoundError)


def test_store_that_is_away_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    """Each picture of a shard would wait for it otherwise."""
    with object_store() as endpoint:
        storage = make_bucket(endpoint, "away")
    with pytest.raises(OSError, match="Could not connect"):
        put(storage, NAME)
    with pytest.raises(OSError, match="a moment ago"):
        put(storage, NAME)
    monkeypatch.setattr(storage, "_left_alone_until", time.monotonic() - 1)
    with pytest.raises(OSError, match="Could not connect"):
        put(storage, NAME)


def test_picture_cut_short_is_none(storage: PictureStorage, settings: LazySettings) -> None:
    settings.STORAGES = {**settings.STORAGES, "snapshots": {"BACKEND": "tests.snapshots.test_storage.Chosen"}}
    Chosen.storage = storage
    for data in (b"", b"x", b"cut short", b"\x00" * 400):
        put(storage, NAME, data=data)
        assert open_whole(NAME) is None
    put(storage, NAME)
    file = open_whole(NAME)
    assert file is not None
    assert file.read() == JPEG
    file.close()
    assert open_whole("20261122/120000/0/18.jpg") is None


class Chosen:
    """A backend for STORAGES that is the storage of the test."""

    storage: PictureStorage

    def __new__(cls) -> PictureStorage:  # type: ignore[misc]
        return cls.storage


def test_folder_is_what_settings_choose_by_default() -> None:
    assert isinstance(pictures(), FolderStorage)
