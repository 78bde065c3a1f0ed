"""The platform's settings with the rivals' addresses added."""

from province.settings import *  # noqa: F403

ROOT_URLCONF = "bench.rival_urls"
REST_FRAMEWORK |= {"LIST_SERIALIZER_ERRORS_AS_DICT": True}  # type: ignore[dict-item]  # noqa: F405
