"""Each process that runs tests has a database, a broker and a folder of its own."""

import os
from pathlib import Path
from urllib.parse import unquote

from django.conf import settings


def test_the_settings_are_those_of_this_process() -> None:
    """Read too early they would name what belongs to the process that hands out the tests."""
    assert os.environ["REDIS_URL"] == settings.REDIS_URL
    assert Path(os.environ["DATA_DIR"]) == settings.DATA_DIR
    assert str(settings.DATABASES["default"]["HOST"]) in unquote(os.environ["DATABASE_URL"])
