import base64
import re

import pytest

from protocol.sm2 import hmac_sm3
from protocol.tokens import DEFAULT_SIGN_TEMPLATE, derive_token, is_sign_template, sign_text, token_digest


def test_text_that_is_signed() -> None:
    assert (
        sign_text("R0FURS0wMQ==", "接入方 A", "xxx-xxx").decode()
        == "deviceCode=R0FURS0wMQ==&user=接入方 A&token=xxx-xxx"
    )


def test_text_with_the_blanks_the_document_prints() -> None:
    template = "deviceCode={deviceCode}& user = {user}& token= {token}"
    assert sign_text("R0E=", "u", "t", template) == b"deviceCode=R0E=& user = u& token= t"


def test_values_are_not_templates() -> None:
    assert sign_text("{user}", "{token}", "t") == b"deviceCode={user}&user={token}&token=t"


def test_templates_cannot_reach_into_objects() -> None:
    assert sign_text("d", "u", "t", "{user.__class__}{0}%s{token}") == b"{user.__class__}{0}%st"


def test_lone_surrogates_do_not_raise() -> None:
    assert sign_text("d", "\ud800", "t") == b"deviceCode=d&user=?&token=t"


@pytest.mark.parametrize(
    ("template", "is_good"),
    [
        (DEFAULT_SIGN_TEMPLATE, True),
        ("{token}{user}{deviceCode}", True),
        ("deviceCode={deviceCode}&user={user}", False),
        ("{token}{user}{deviceCode}{token}", False),
        ("", False),
    ],
)
def test_a_template_covers_each_value_once(template: str, is_good: bool) -> None:
    assert is_sign_template(template) is is_good


def test_tokens_follow_from_key_family_and_generation() -> None:
    token = derive_token(b"server key", "family", 7)
    expected = hmac_sm3(b"server key", b"family|7")
    assert base64.urlsafe_b64decode(token + "=") == expected
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert token == derive_token(b"server key", "family", 7)
    others = {
        derive_token(b"server key", "family", 8),
        derive_token(b"server key", "other", 7),
        derive_token(b"another key", "family", 7),
    }
    assert len(others | {token}) == 4


def test_an_empty_server_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        derive_token(b"", "family", 1)


def test_digest_of_any_token() -> None:
    assert token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(token_digest("\ud800")) == 64
