"""Secrets at rest: which columns are encrypted, and the change of their key (threats.md 4, 20)."""

import io
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from access.encryption import EncryptedTextField, decrypt_text, encrypt_text, is_sealed_anew
from access.models import Organisation
from access.services import stored_secrets
from access.services.stored_secrets import SealedColumn, reseal, sealed_columns
from cameras.models import Camera, CameraSource
from ministry.models import UpperPlatform
from tests.ptz.ledger import make_camera

# Columns whose name sounds like a secret and which hold none, or nothing that could be read back.
HARMLESS = {
    "access.Partner.public_key",
    "access.Partner.token_family",
    "access.Partner.token_seconds",
    # Hashed with Django's hashers.
    "access.User.password",
    "access.Application.client_secret",
    "access.PasswordRecord.password",
    "access.Application.hash_client_secret",
    # A time.
    "ministry.UpperPlatform.token_at",
}
_SOUNDS = ("password", "secret", "token", "private_key", "backup_key")


def stored(model: Any, field: str, pk: Any) -> str:
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{field}" FROM "{table}" WHERE "{key}" = %s', [pk])  # noqa: S608 - names of ours
        return str(cursor.fetchone()[0])


def test_every_column_that_sounds_like_a_secret_is_encrypted() -> None:
    open_columns = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        # Of tokens that library keeps digests only: tests/access/test_oauth.py.
        if model._meta.app_label != "oauth2_provider"
        for field in model._meta.local_fields
        if any(sound in field.name for sound in _SOUNDS) and not isinstance(field, EncryptedTextField)
    }
    assert open_columns - HARMLESS == set()


def test_every_encrypted_column_of_every_app_is_found() -> None:
    found = {str(column) for column in sealed_columns()}
    assert {
        *("ministry.UpperPlatform.token", "ministry.UpperPlatform.private_key"),
        *("cameras.CameraSource.password", "cameras.CameraSource.ptz_password"),
        *("streaming.MediaServer.secret", "streaming.PlayDomain.key", "streaming.PlayDomain.backup_key"),
    } <= found


@pytest.fixture
def platform(province: Organisation) -> UpperPlatform:
    return UpperPlatform.objects.create(
        name="部级平台",
        base_url="http://127.0.0.1:9",
        token="令牌",
        private_key="ab" * 32,
        organisation=province,
    )


@pytest.fixture
def source(office: Organisation) -> CameraSource:
    camera: Camera = make_camera(office, 1)
    return CameraSource.objects.create(camera=camera, address="rtsp://10.0.0.1/1", user="u", password="口令")


def change_key(settings: LazySettings) -> None:
    settings.STORED_SECRET_OLD_KEYS = [settings.STORED_SECRET_KEY, *settings.STORED_SECRET_OLD_KEYS]
    settings.STORED_SECRET_KEY = "a-new-key-of-more-than-thirty-two-characters"


def run(**options: Any) -> str:
    output = io.StringIO()
    call_command("reseal_secrets", stdout=output, **options)
    return output.getvalue()


def test_a_changed_key_opens_everything_once_it_was_resealed(
    platform: UpperPlatform, source: CameraSource, settings: LazySettings
) -> None:
    change_key(settings)
    source.refresh_from_db()
    assert source.password == "口令"
    with pytest.raises(CommandError, match="共 3 项"):
        run(check=True)
    assert "cameras.CameraSource.password：已重新加密 1，已是新密钥 0" in run()
    settings.STORED_SECRET_OLD_KEYS = []
    platform.refresh_from_db()
    source.refresh_from_db()
    assert (platform.token, platform.private_key, source.password) == ("令牌", "ab" * 32, "口令")
    assert "已重新加密 1" not in run()
    run(check=True)


def test_without_the_old_key_nothing_is_lost(platform: UpperPlatform, settings: LazySettings) -> None:
    before = stored(UpperPlatform, "token", platform.pk)
    old = settings.STORED_SECRET_KEY
    settings.STORED_SECRET_KEY = "another-key-of-more-than-thirty-two-chars"
    with pytest.raises(CommandError, match="ministry.UpperPlatform.token：存储的密文无法解密"):
        run()
    assert stored(UpperPlatform, "token", platform.pk) == before
    settings.STORED_SECRET_KEY = old
    assert UpperPlatform.objects.get().token == "令牌"


def test_values_of_before_keys_had_names_and_plain_ones_are_brought_along(
    platform: UpperPlatform, settings: LazySettings
) -> None:
    named = encrypt_text("旧令牌")
    unnamed = f"sm4gcm${named.rsplit('$', 1)[1]}"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ministry_upperplatform SET token = %s, private_key = 'plain'", [unnamed])
    change_key(settings)
    run()
    settings.STORED_SECRET_OLD_KEYS = []
    platform.refresh_from_db()
    assert (platform.token, platform.private_key) == ("旧令牌", "plain")
    assert is_sealed_anew(stored(UpperPlatform, "private_key", platform.pk))


def test_more_rows_than_are_read_at_once(office: Organisation, settings: LazySettings) -> None:
    for number in range(1, 504):
        camera = make_camera(office, number)
        CameraSource.objects.create(camera=camera, address="rtsp://10.0.0.1/1", user="u", password="p")
    change_key(settings)
    (column,) = [each for each in sealed_columns() if str(each) == "cameras.CameraSource.password"]
    assert reseal(column).resealed == 503
    assert (reseal(column).fresh, reseal(column).resealed) == (503, 0)


def test_what_somebody_wrote_meanwhile_stands(source: CameraSource, settings: LazySettings) -> None:
    column = SealedColumn(CameraSource, CameraSource._meta.get_field("password"))
    old = stored(CameraSource, "password", source.pk)
    CameraSource.objects.update(password="new")
    assert stored_secrets._replace(column, source.pk, old, encrypt_text("old again")) == 0
    source.refresh_from_db()
    assert source.password == "new"


@pytest.mark.parametrize("place", [20, -5])
def test_an_altered_value_is_not_opened(place: int) -> None:
    sealed = encrypt_text("geheim")
    altered = "A" if sealed[place] != "A" else "B"
    with pytest.raises(ImproperlyConfigured):
        decrypt_text(f"{sealed[:place]}{altered}{sealed[place:][1:]}")
