"""One PostgreSQL and one Valkey for the whole test run, there before Django reads its settings.

`DJANGO_SETTINGS_MODULE` is set here and not in pyproject.toml: pytest-django would read the settings earlier.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import django
import pytest

from deploy.services import Services, ensure

_folder = Path(tempfile.mkdtemp(prefix="highway-tests-"))
_services: Services | None = None
_PLATFORMS = ("tests/e2e/", "tests/proof/test_proof.py")


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
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Around all others, as pytest-django has an order of its own."""
    result = yield
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(_PLATFORMS))
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process runs, from the beginning, all that starts a whole platform; the others a file at a time.

    Not by the groups of xdist: those that it writes into the names of tests are not read by pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    config.option.loadscopereorder = False
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _what_stays_together
    return scheduler


def _what_stays_together(nodeid: str) -> str:
    return "platform" if nodeid.startswith(_PLATFORMS) else nodeid.partition("::")[0]


def pytest_unconfigure() -> None:
    if _services is not None:
        _services.stop()
    shutil.rmtree(_folder, ignore_errors=True)


_begin()
# The cast imports models, and plugins named here are imported before pytest-django sets Django up.
django.setup()
pytest_plugins = ["tests.cast", "tests.emptying", "tests.stragglers"]


def pytest_collection_finish() -> None:
    """All that is loaded by now stays: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
