"""Secrets at rest: SM4-GCM under a key derived from STORED_SECRET_KEY, which can be changed (docs/security.md)."""

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from protocol.sm2 import hmac_sm3, sm3

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

_PREFIX: Final = "sm4gcm$"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


def encrypt_text(plain: str) -> str:
    """`sm4gcm$`, name of the key, `$`, BASE64 of nonce (12 bytes), ciphertext, tag (16 bytes)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    encryptor = Cipher(algorithms.SM4(_key(settings.STORED_SECRET_KEY)), modes.GCM(nonce)).encryptor()
    sealed = nonce + encryptor.update(plain.encode()) + encryptor.finalize() + encryptor.tag
    return f"{_newest()}{base64.b64encode(sealed).decode()}"


def decrypt_text(stored: str) -> str:
    """The plain text; without the key of then, or of an altered value, `ImproperlyConfigured`."""
    # What was written before keys had names has none.
    name, _, body = stored.removeprefix(_PREFIX).rpartition("$")
    sealed = base64.b64decode(body)
    for key in [settings.STORED_SECRET_KEY, *settings.STORED_SECRET_OLD_KEYS]:
        if name and _name(key) != name:
            continue
        try:
            return _opened(sealed, _key(key))
        except InvalidTag:
            continue
    raise ImproperlyConfigured(
        "存储的密文无法解密：写入时的密钥不在 STORED_SECRET_KEY 与 STORED_SECRET_OLD_KEYS 之中"
    )


def is_sealed(stored: str) -> bool:
    """False of what was written plain, before its column was encrypted."""
    return stored.startswith(_PREFIX)


def is_sealed_anew(stored: str) -> bool:
    """Under the newest key."""
    return stored.startswith(_newest())


def fingerprint(text: str) -> str:
    """Tells whether a text with secrets in it is another, and nothing else about it; 64 hex digits."""
    return hmac_sm3(_key(settings.STORED_SECRET_KEY), text.encode()).hex()


def _opened(sealed: bytes, key: bytes) -> str:
    nonce, body, tag = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
    return (decryptor.update(body) + decryptor.finalize()).decode()


def _newest() -> str:
    return f"{_PREFIX}{_name(settings.STORED_SECRET_KEY)}$"


def _name(key: str) -> str:
    return sm3(f"stored-secret-name|{key}".encode()).hex()[:8]


def _key(key: str) -> bytes:
    return sm3(f"stored-secret|{key}".encode())[:16]


class EncryptedTextField(_TextField):
    """Text that reaches the database only encrypted; it cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt_text(value) if value else value

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        # What is stored plain was written before the column was encrypted; the next save seals it.
        return decrypt_text(value) if value and is_sealed(value) else value
