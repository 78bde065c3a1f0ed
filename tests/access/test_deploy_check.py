"""Settings as docs/security.md has them pass the checks of a deployment without a word; weak ones do not."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from access.sign_in_checks import check_level, check_log, check_sign_in

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "SECRET_KEY": secrets.token_hex(40),
    "TOKEN_SERVER_KEY": secrets.token_hex(32),
    "STORED_SECRET_KEY": secrets.token_hex(32),
    "PUBLIC_BASE_URL": "https://video.example.cn",
    "ALLOWED_HOSTS": "video.example.cn",
    "TRUSTED_PROXIES": "10.0.0.9",
    "SECOND_FACTOR_ROLES": "superuser,system,security,audit,province,auditor",
    "PASSWORD_HASHER": "pbkdf2_sm3",
}


def checked(tmp_path: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**inherited, "DATA_DIR": str(tmp_path), **GOOD, **changed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_settings_pass(tmp_path: Path) -> None:
    done = checked(tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_what_falls_short_is_said(tmp_path: Path) -> None:
    done = checked(tmp_path, SECOND_FACTOR_ROLES="", HSTS_SECONDS="0", SECRET_KEY="short")
    assert done.returncode == 1
    assert "superuser,province,auditor,system,security,audit" in done.stderr
    for found in ("access.W021", "security.W004", "access.E002"):
        assert found in done.stderr


@pytest.fixture
def good(settings: LazySettings) -> None:
    settings.SECOND_FACTOR_ROLES = ["superuser"]
    settings.FIRST_PASSWORD_MUST_CHANGE = True


def ids() -> list[str | None]:
    return [message.id for check in (check_log, check_sign_in, check_level) for message in check(None)]


def test_good_settings_pass(good: None) -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("LOG_KEEP_DAYS", 179, "access.E023"),
        ("LOG_ANCHOR_KEY", "0" * 64, "access.E024"),
        ("PASSWORD_HASHER", "md5", "access.E021"),
        ("SECOND_FACTOR_ROLES", ["boss"], "access.E022"),
        ("SIGN_IN_FAILURES", 0, "access.E025"),
        ("PASSWORD_LENGTH", 7, "access.W021"),
        ("PASSWORD_CLASSES", 2, "access.W021"),
        ("PASSWORD_DAYS", 0, "access.W021"),
        ("PASSWORD_DAYS", 91, "access.W021"),
        ("FIRST_PASSWORD_MUST_CHANGE", False, "access.W021"),
        ("CONSOLE_IDLE_SECONDS", 1801, "access.W021"),
        ("SECOND_FACTOR_ROLES", [], "access.W021"),
    ],
)
def test_each_that_is_wrong_or_weak_is_named(
    name: str, value: object, found: str, good: None, settings: LazySettings
) -> None:
    setattr(settings, name, value)
    assert ids() == [found]


@pytest.mark.parametrize(
    ("roles", "lacking"),
    [
        (["superuser", "province", "auditor"], ["system,security,audit"]),
        (["security", "audit"], ["system"]),
        (["system", "security", "audit"], []),
    ],
)
def test_separate_duties_need_a_second_factor(
    roles: list[str], lacking: list[str], good: None, settings: LazySettings
) -> None:
    settings.SEPARATE_DUTIES = True
    settings.SECOND_FACTOR_ROLES = roles
    assert [found.msg for found in check_level(None)] == [f"SECOND_FACTOR_ROLES 宜包括 {each}" for each in lacking]
