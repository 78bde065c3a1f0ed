"""Pictures as objects in an S3-compatible store.

One request each, by one client for all threads: what django-storages does for large files (a transfer manager, a
session for every thread) costs several times the picture itself.
"""

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage

from snapshots.storage.contract import Room

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# A store that did not answer is left alone for so many seconds: each attempt would hold up a whole shard.
LEFT_ALONE_SECONDS = 5
_DELETED_AT_ONCE = 1000
_AWAY = (ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class BucketStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    writes_at_once = 16

    def __init__(self, *, public_url: str = "", **options: Any) -> None:
        config = Config(
            connect_timeout=2,
            read_timeout=3,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=self.writes_at_once,
            signature_version="s3v4",
            s3={"addressing_style": options.pop("addressing_style", "path")},
            # Stores other than Amazon's refuse the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(client_config=config, **options)
        self._public_url = public_url
        self._left_alone_until = 0.0

    @cached_property
    def client(self) -> "S3Client":
        return self._client_at(self.endpoint_url)

    @cached_property
    def _public_client(self) -> "S3Client":
        return self._client_at(self._public_url)

    def _client_at(self, endpoint: str | None) -> "S3Client":
        client: S3Client = self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=endpoint,
            config=self.client_config,
            verify=self.verify,
        )
        client.meta.events.register("before-sign.s3.DeleteObjects", _add_md5)
        return client

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Straight away: what Django checks of names from outside costs a twentieth of a picture, and ours are numbers."""
        return self._save(name or "", content)

    def _save(self, name: str, content: File[bytes]) -> str:
        with self._answering():
            self.client.put_object(
                Bucket=self.bucket_name, Key=self._key(name), Body=content.read(), ContentType="image/jpeg"
            )
        return name

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        with self._answering():
            found = self.client.get_object(Bucket=self.bucket_name, Key=self._key(name))
            return ContentFile(found["Body"].read())

    def exists(self, name: str) -> bool:
        try:
            with self._errors():
                self.client.head_object(Bucket=self.bucket_name, Key=self._key(name))
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> None:
        with self._errors():
            self.client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def copy(self, name: str, target: str) -> None:
        with self._answering():
            self.client.copy_object(
                Bucket=self.bucket_name,
                Key=self._key(target),
                CopySource={"Bucket": self.bucket_name, "Key": self._key(name)},
            )

    def folders(self) -> list[str]:
        root = self._key("")
        with self._errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=root, Delimiter="/"
            )
            prefixes = [prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])]
        return sorted(prefix.removeprefix(root).rstrip("/") for prefix in prefixes)

    def drop(self, folder: str, *, until: float) -> bool:
        while True:
            if time.monotonic() >= until:
                return False
            with self._errors():
                page = self.client.list_objects_v2(
                    Bucket=self.bucket_name, Prefix=self._key(f"{folder}/"), MaxKeys=_DELETED_AT_ONCE
                )
                if not (keys := [found["Key"] for found in page.get("Contents", [])]):
                    return True
                self._delete_all(keys)

    def _delete_all(self, keys: list[str]) -> None:
        objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys]
        answer = self.client.delete_objects(
            Bucket=self.bucket_name, Delete={"Objects": objects, "Quiet": True}
        )
        # Answered 200 all the same; without this look the same page would come for ever.
        if errors := answer.get("Errors"):
            raise OSError(f"{errors[0].get('Key')} is not deleted: {errors[0].get('Message')}")

    def room(self) -> Room | None:
        return None

    def direct_url(self, name: str, seconds: int) -> str | None:
        if not self._public_url:
            return None
        return self._public_client.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket_name, "Key": self._key(name)}, ExpiresIn=seconds
        )

    def _key(self, name: str) -> str:
        # Names are ours and built of numbers (threats.md 19).
        return f"{self.location}/{name}" if self.location else name

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """For pictures one by one: a store that was silent a moment ago is not waited for again by each of them."""
        if time.monotonic() < self._left_alone_until:
            raise OSError("the object store did not answer a moment ago")
        with self._errors():
            yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Whatever goes wrong is an OSError, as with files."""
        try:
            yield
        except _AWAY as error:
            self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
            raise OSError(str(error)) from error
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise FileNotFoundError(str(error)) from error
            raise OSError(str(error)) from error
        except BotoCoreError as error:
            raise OSError(str(error)) from error


def _add_md5(request: Any, **_: object) -> None:
    # Required by the older protocol, which many stores still speak.
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    request.headers["Content-MD5"] = base64.b64encode(digest).decode()
