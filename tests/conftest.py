"""One PostgreSQL and one Valkey for the whole test run, there before Django reads its settings.

`DJANGO_SETTINGS_MODULE` is set here and not in pyproject.toml: pytest-django would read the settings earlier.
"""

import os
import shutil
import tempfile
from pathlib import Path

import django

from deploy.services import Services, ensure

_folder = Path(tempfile.mkdtemp(prefix="highway-tests-"))
_services: Services | None = None


def _begin() -> None:
    global _services
    os.environ["DJANGO_SETTINGS_MODULE"] = "province.settings"
    os.environ["DATA_DIR"] = str(_folder / "data")
    # Without it WhiteNoise warns, and warnings are errors.
    (_folder / "data" / "static").mkdir(parents=True)
    # The manifest of the real storage exists only after collectstatic.
    os.environ["STATIC_STORAGE"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    if "DATABASE_URL" not in os.environ or "REDIS_URL" not in os.environ:
        _services = ensure(_folder / "services", durable=False)
        os.environ.setdefault("DATABASE_URL", _services.database_url)
        os.environ.setdefault("REDIS_URL", _services.redis_url)


def pytest_unconfigure() -> None:
    if _services is not None:
        _services.stop()
    shutil.rmtree(_folder, ignore_errors=True)


_begin()
# The cast imports models, and plugins named here are imported before pytest-django sets Django up.
django.setup()
pytest_plugins = ["tests.cast"]
