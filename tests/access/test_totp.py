"""Codes of an authenticator, and hashes of passwords, against vectors of others."""

import base64
import hashlib

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.auth.hashers import check_password, identify_hasher, make_password

from access.hashers import PBKDF2SM3PasswordHasher
from access.totp import address_for, code_at, new_secret, step_of

# RFC 6238, appendix B: its eight digits end in our six.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(SECRET, seconds // 30) == code


def test_a_clock_may_be_off_by_one_period_and_no_code_counts_twice() -> None:
    with time_machine.travel(1_234_567_890, tick=False):
        now = 1_234_567_890 // 30
        assert [step_of(SECRET, code_at(SECRET, now + off), after=0) for off in (-2, -1, 0, 1, 2)] == [
            *(None, now - 1, now, now + 1, None)
        ]
        assert step_of(SECRET, code_at(SECRET, now), after=now) is None
        assert step_of(SECRET, code_at(SECRET, now + 1), after=now) == now + 1


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "abcdef", "\0"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert step_of(SECRET, typed, after=0) is None


def test_the_address_to_scan_says_whose_it_is() -> None:
    secret = new_secret()
    address = address_for(secret, issuer="示范省", account="wang@x?")
    assert address.startswith("otpauth://totp/%E7%A4%BA%E8%8C%83%E7%9C%81%3Awang%40x%3F?secret=")
    assert len(base64.b32decode(secret)) == 20 and secret != new_secret()


def test_sm3_hashes_are_those_of_openssl() -> None:
    hasher = PBKDF2SM3PasswordHasher()
    encoded = hasher.encode("Gaosu-2026-yun", "salt", 10)
    assert encoded.split("$")[:3] == ["pbkdf2_sm3", "10", "salt"]
    expected = hashlib.pbkdf2_hmac("sm3", b"Gaosu-2026-yun", b"salt", 10)
    assert base64.b64decode(encoded.split("$")[3]) == expected
    assert hasher.verify("Gaosu-2026-yun", encoded) and not hasher.verify("Gaosu-2026-yuN", encoded)


def test_an_old_hash_is_made_anew_with_the_chosen_hasher(settings: LazySettings) -> None:
    sha256 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    sm3 = "access.hashers.PBKDF2SM3PasswordHasher"
    settings.PASSWORD_HASHERS = [sha256, sm3]
    old = make_password("Gaosu-2026-yun")
    settings.PASSWORD_HASHERS = [sm3, sha256]
    renewed: list[str] = []
    assert check_password("Gaosu-2026-yun", old, setter=renewed.append)
    assert renewed == ["Gaosu-2026-yun"]
    assert identify_hasher(make_password("x")).algorithm == "pbkdf2_sm3"
