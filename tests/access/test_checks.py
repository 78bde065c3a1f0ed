"""Settings that must not go into production."""

import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings

from access.checks import check_origins, check_secrets, check_tokens
from province.environment import derived_key

GOOD = "k8Qz" * 10


@pytest.fixture(autouse=True)
def production(settings: LazySettings) -> None:
    settings.DEBUG = settings.IS_DEMO = False
    settings.SECRET_KEY = settings.TOKEN_SERVER_KEY = settings.STORED_SECRET_KEY = GOOD


def ids(*checks: object) -> list[str | None]:
    return [message.id for check in checks for message in check(None)]  # type: ignore[operator]


def test_good_settings_pass() -> None:
    assert ids(check_secrets, check_tokens, check_origins) == []


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("SECRET_KEY", GOOD[:31]),
        ("TOKEN_SERVER_KEY", GOOD[:31]),
        ("STORED_SECRET_KEY", GOOD[:31]),
        ("HLS_SESSION_KEY", "k"),
        ("MEDIA_PUBLISH_KEY", "k"),
        ("MEDIA_SECRET", "k"),
        ("SNAPSHOT_URL_KEY", ""),
        ("PLAY_URL_KEYS", []),
        ("PLAY_URL_KEYS", [GOOD, GOOD[:15]]),
    ],
)
def test_short_keys_are_refused(settings: LazySettings, name: str, short: object) -> None:
    setattr(settings, name, short)
    assert ids(check_secrets) == ["access.E002"]


def test_no_default_gives_away_the_secret_key_or_another_default() -> None:
    defaults = [derived_key(purpose) for purpose in ("tokens", "stored", "play", "hls", "publish", "media")]
    assert len(set(defaults)) == len(defaults)
    assert not [key for key in defaults if django_settings.SECRET_KEY in key or len(key) < 32]


@pytest.mark.parametrize("name", ["SECRET_KEY", "TOKEN_SERVER_KEY", "STORED_SECRET_KEY"])
def test_default_keys_are_refused_unless_it_is_a_trial(settings: LazySettings, name: str) -> None:
    setattr(settings, name, settings.INSECURE_SECRET_KEY)
    assert ids(check_secrets) == ["access.E001"]
    settings.IS_DEMO = True
    assert ids(check_secrets) == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("TOKEN_SERVER_KEY", "", "access.E003"),
        ("TOKEN_GRACE_SECONDS", 0, "access.E004"),
        ("TOKEN_EXCHANGE_DAYS", 0, "access.E004"),
        ("TOKEN_FAILURES_PER_MINUTE", 0, "access.E005"),
    ],
)
def test_a_ring_that_cannot_turn_is_refused(
    settings: LazySettings, name: str, value: object, found: str
) -> None:
    setattr(settings, name, value)
    assert ids(check_tokens) == [found]


def test_any_origin_is_a_warning(settings: LazySettings) -> None:
    settings.SERVICE_CORS_ORIGINS = ["*"]
    assert ids(check_origins) == ["access.W001"]


def test_no_check_shares_its_number_with_another() -> None:
    """Silencing one would silence both."""
    root = Path(__file__).resolve().parents[2]
    found: dict[str, set[str]] = {}
    for file in root.glob("*/**/*.py"):
        if "tests" not in file.parts and ".venv" not in file.parts:
            for number in re.findall(r'id="([a-z]+\.[EW]\d{3})"', file.read_text()):
                found.setdefault(number, set()).add(file.name)
    assert {number: files for number, files in found.items() if len(files) > 1} == {}
