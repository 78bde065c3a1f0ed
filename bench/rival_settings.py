"""The platform's settings with the rivals' addresses added."""

from province.settings import *  # noqa: F403

ROOT_URLCONF = "bench.rival_urls"
