"""Secrets of other platforms at rest: SM4-GCM under a key derived from STORED_SECRET_KEY."""

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

_PREFIX = "sm4gcm$"
_NONCE_BYTES = 12
_TAG_BYTES = 16


def _key() -> bytes:
    return hashlib.new("sm3", f"stored-secret|{settings.STORED_SECRET_KEY}".encode()).digest()[:16]


def encrypt_text(plain: str) -> str:
    """`sm4gcm$` + BASE64 of nonce (12 bytes), ciphertext, tag (16 bytes)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    encryptor = Cipher(algorithms.SM4(_key()), modes.GCM(nonce)).encryptor()
    sealed = nonce + encryptor.update(plain.encode()) + encryptor.finalize() + encryptor.tag
    return _PREFIX + base64.b64encode(sealed).decode()


def decrypt_text(stored: str) -> str:
    """The plain text; a wrong key or an altered value raises `ImproperlyConfigured`."""
    sealed = base64.b64decode(stored.removeprefix(_PREFIX))
    nonce, body, tag = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(_key()), modes.GCM(nonce, tag)).decryptor()
    try:
        return (decryptor.update(body) + decryptor.finalize()).decode()
    except InvalidTag as error:
        raise ImproperlyConfigured("存储的密文无法解密：STORED_SECRET_KEY 与写入时不同") from error


def fingerprint(text: str) -> str:
    """Tells whether a text with secrets in it is another, and nothing else about it; 64 hex digits."""
    return hmac.new(_key(), text.encode(), "sm3").hexdigest()


class EncryptedTextField(_TextField):
    """Text that reaches the database only encrypted; it cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt_text(value) if value else value

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        # What is stored plain was written before the column was encrypted; the next save seals it.
        return decrypt_text(value) if value and value.startswith(_PREFIX) else value
