"""One PostgreSQL and one Valkey for the whole test run, there before Django reads its settings.

`DJANGO_SETTINGS_MODULE` is set here and not in pyproject.toml: pytest-django would read the settings earlier.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import django
import pytest

from deploy.services import Services, ensure

_folder = Path(tempfile.mkdtemp(prefix="highway-tests-"))
_services: Services | None = None


def _begin() -> None:
    global _services
    os.environ["DJANGO_SETTINGS_MODULE"] = "province.settings"
    os.environ["DATA_DIR"] = str(_folder / "data")
    # Tests of duties switch it on; the cast has a superuser.
    os.environ.setdefault("SEPARATE_DUTIES", "false")
    # Without it WhiteNoise warns, and warnings are errors.
    (_folder / "data" / "static").mkdir(parents=True)
    # The manifest of the real storage exists only after collectstatic.
    os.environ["STATIC_STORAGE"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    # The cast signs in with the passwords it was given; tests/console/test_passwords.py turns it on.
    os.environ["FIRST_PASSWORD_MUST_CHANGE"] = "false"
    if "DATABASE_URL" not in os.environ or "REDIS_URL" not in os.environ:
        _services = ensure(_folder / "services", durable=False)
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = _services.database_url, _services.redis_url


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Each process of xdist takes services of its own; they inherit the environment of this one, which tests nothing.

    They must not even find the name of the settings: pytest-django would read them before our addresses are there.
    """
    del os.environ["DJANGO_SETTINGS_MODULE"]
    if _services is not None:
        _services.stop()
        del os.environ["DATABASE_URL"], os.environ["REDIS_URL"]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """One process of xdist runs, from the beginning, all that starts a whole platform; the others a file at a time.

    Around all others, as xdist reads the groups in a hook of its own.
    """
    items.sort(key=lambda item: not _starts_a_platform(item))
    for item in items:
        group = "platform" if _starts_a_platform(item) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    return (yield)


def _starts_a_platform(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("e2e", "browser", "proof"))


def pytest_unconfigure() -> None:
    if _services is not None:
        _services.stop()
    shutil.rmtree(_folder, ignore_errors=True)


_begin()
# The cast imports models, and plugins named here are imported before pytest-django sets Django up.
django.setup()
pytest_plugins = ["tests.cast", "tests.emptying"]


def pytest_collection_finish() -> None:
    """All that is loaded by now stays: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
