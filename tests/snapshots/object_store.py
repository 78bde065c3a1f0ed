"""An S3-compatible object store on loopback (the server of moto), and storages of ours in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.server import ThreadedMotoServer

from snapshots.storage.bucket import BucketStorage

ACCESS_KEY, SECRET_KEY = "testing", "testing-secret"


@contextmanager
def object_store() -> Iterator[str]:
    """Its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        listener = server._server
        server.stop()
        if listener is not None:
            # Without it the next one would be let in and wait for ever.
            listener.server_close()


def options_for(endpoint: str, bucket: str, **more: Any) -> dict[str, Any]:
    """As the settings make them for STORAGES."""
    return {
        "bucket_name": bucket,
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "location": "snapshots",
        "addressing_style": "path",
        "verify": None,
        "public_url": "",
        **more,
    }


def make_bucket(endpoint: str, bucket: str, **more: Any) -> BucketStorage:
    storage = BucketStorage(**options_for(endpoint, bucket, **more))
    storage.client.create_bucket(Bucket=bucket)
    return storage
