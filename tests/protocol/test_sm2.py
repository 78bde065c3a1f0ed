import base64
import hmac
import random

import pytest
from gmssl import sm2 as gmssl_sm2
from tongsuopy.crypto import hashes
from tongsuopy.crypto.asymciphers import ec
from tongsuopy.crypto.exceptions import InvalidSignature

from protocol import sm2

# GB/T 32918.5 annex A, the signature example on the recommended curve.
PRIVATE_KEY = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC_KEY = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
MESSAGE = b"message digest"
NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF


def der_integer(value: int) -> bytes:
    raw = value.to_bytes((value.bit_length() // 8) + 1, "big")
    return b"\x02" + bytes([len(raw)]) + raw


def der(r: int, s: int) -> bytes:
    body = der_integer(r) + der_integer(s)
    return b"\x30" + bytes([len(body)]) + body


RAW = bytes.fromhex(R + S)
DER = der(int(R, 16), int(S, 16))


def test_public_key_of_the_standard_example() -> None:
    assert sm2.public_key_of(PRIVATE_KEY) == PUBLIC_KEY.lower()


def test_signature_of_the_standard_example(monkeypatch: pytest.MonkeyPatch) -> None:
    # The scalar is split with the same function; any split gives the same point.
    given = iter([NONCE, 12345])
    public_key = sm2.public_key_of(PRIVATE_KEY)
    monkeypatch.setattr(sm2, "public_key_of", lambda _: public_key)
    monkeypatch.setattr(sm2, "_nonce", lambda: next(given))
    assert sm2.sign(PRIVATE_KEY, MESSAGE) == (R + S).lower()


def test_verify_the_standard_example() -> None:
    assert sm2.verify(PUBLIC_KEY, MESSAGE, R + S)
    assert not sm2.verify(PUBLIC_KEY, b"message digesT", R + S)
    assert not sm2.verify(PUBLIC_KEY, MESSAGE, R + S, signer_id=b"ALICE123@YAHOO.COM")
    assert not sm2.verify(PUBLIC_KEY, MESSAGE, R + S, with_z=False)


@pytest.mark.parametrize("has_hashlib", [True, False])
def test_sm3_vectors(monkeypatch: pytest.MonkeyPatch, has_hashlib: bool) -> None:
    # GB/T 32905 annex A.
    monkeypatch.setattr(sm2, "_HASHLIB_HAS_SM3", has_hashlib)
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm2.sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


@pytest.mark.parametrize("has_hashlib", [True, False])
@pytest.mark.parametrize("key", [b"", b"k", b"k" * 64, b"k" * 65])
def test_hmac_sm3(monkeypatch: pytest.MonkeyPatch, has_hashlib: bool, key: bytes) -> None:
    expected = hmac.new(key, b"data", "sm3").digest()
    monkeypatch.setattr(sm2, "_HASHLIB_HAS_SM3", has_hashlib)
    assert sm2.hmac_sm3(key, b"data") == expected


def test_hashlib_is_tried() -> None:
    assert sm2._hashlib_has_sm3() is True


def test_tongsuo_accepts_our_signatures() -> None:
    pair = sm2.generate_key_pair()
    signature = bytes.fromhex(sm2.sign(pair.private_key, "deviceCode=R0FURQ==&user=接入方".encode()))
    numbers = ec.EllipticCurvePublicNumbers(
        int(pair.public_key[:64], 16), int(pair.public_key[64:], 16), ec.SM2()
    )
    encoded = der(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    key = numbers.public_key()
    key.verify(encoded, "deviceCode=R0FURQ==&user=接入方".encode(), ec.ECDSA(hashes.SM3()))
    with pytest.raises(InvalidSignature):
        key.verify(encoded, b"something else", ec.ECDSA(hashes.SM3()))


def test_we_accept_tongsuos_signatures() -> None:
    key = ec.derive_private_key(int(PRIVATE_KEY, 16), ec.SM2())
    signature = key.sign(MESSAGE, ec.ECDSA(hashes.SM3()))
    assert sm2.verify(PUBLIC_KEY, MESSAGE, signature.hex())
    assert sm2.verify(PUBLIC_KEY, MESSAGE, base64.b64encode(signature).decode())
    assert not sm2.verify(PUBLIC_KEY, b"something else", signature.hex())


@pytest.mark.parametrize(
    "text",
    [
        RAW.hex(),
        RAW.hex().upper(),
        DER.hex(),
        base64.b64encode(RAW).decode(),
        base64.b64encode(DER).decode(),
        base64.b64encode(RAW).decode().replace("+", " "),
    ],
    ids=["hex", "HEX", "der hex", "base64", "der base64", "base64 blank"],
)
def test_signature_in_every_accepted_form(text: str) -> None:
    assert sm2.parse_signature(text) == (int(R, 16), int(S, 16))
    assert sm2.verify(PUBLIC_KEY, MESSAGE, text)


def test_the_blank_row_has_blanks() -> None:
    # Without a plus in it that row would prove nothing.
    assert "+" in base64.b64encode(RAW).decode()


def test_blanks_in_der() -> None:
    text = base64.b64encode(der(int("fb" * 31, 16), int(S, 16))).decode()
    assert "+" in text
    assert sm2.parse_signature(text.replace("+", " ")) == (int("fb" * 31, 16), int(S, 16))


def raw_hex(r: int, s: int) -> str:
    return f"{r:064x}{s:064x}"


REFUSED = {
    "empty": "",
    "blank": " ",
    "not hex": "zz" * 64,
    "127 digits": RAW.hex()[:-1],
    "126 digits": RAW.hex()[:-2],
    "130 digits": RAW.hex() + "00",
    "line break behind": RAW.hex() + "\n",
    "full-width digits": "１" * 128,
    "0x": "0x" + RAW.hex()[2:],
    "r = 0": raw_hex(0, int(S, 16)),
    "s = 0": raw_hex(int(R, 16), 0),
    "r = n": raw_hex(N, int(S, 16)),
    "s = n": raw_hex(int(R, 16), N),
    "r + n": der(int(R, 16) + N, int(S, 16)).hex(),
    "s > n": raw_hex(int(R, 16), 2**256 - 1),
    "r + s = n": raw_hex(int(R, 16), N - int(R, 16)),
    "base64 without padding": base64.b64encode(RAW).decode().rstrip("="),
    "base64 with other last bits": base64.b64encode(RAW).decode()[:-3] + "r==",
    "base64url": base64.urlsafe_b64encode(RAW).decode(),
    "base64 with a line break": base64.encodebytes(RAW).decode(),
    "base64 of hex": base64.b64encode(RAW.hex().encode()).decode(),
    "der and more": (DER + b"\0").hex(),
    "der cut": DER[:-1].hex(),
    "der with long length": (b"\x30\x81" + DER[1:]).hex(),
    "der indefinite": (b"\x30\x80" + DER[2:] + b"\0\0").hex(),
    "der padded integer": "3007" + "02020001" + "020101",
    "der length too long": "3007" + "020101" + "020101",
    "der with more inside": "3009" + "020101" + "020101" + "020101",
    "der negative": (b"\x30\x44\x02\x20" + RAW[:32] + b"\x02\x20" + RAW[32:]).hex(),
    "der set": (b"\x31" + DER[1:]).hex(),
    "der one integer": (b"\x30\x23" + der_integer(int(R, 16))).hex(),
    "der three integers": (b"\x30\x49" + DER[2:] + b"\x02\x01\x01").hex(),
    "der r = n": der(N, int(S, 16)).hex(),
    "der empty integers": "300402000200" + "0000",
    "too long": "00" * 5000,
    "lone surrogate": "\ud800" * 128,
    "nul": "\0" * 128,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_strict_signature_parser(text: str) -> None:
    assert sm2.parse_signature(text) is None
    assert sm2.verify(PUBLIC_KEY, MESSAGE, text) is False


def test_the_only_other_last_bits_are_other() -> None:
    changed = REFUSED["base64 with other last bits"]
    assert base64.b64decode(changed) == RAW
    assert changed != base64.b64encode(RAW).decode()


def test_changed_signatures_are_false() -> None:
    for position in (0, 31, 32, 63):
        changed = bytearray(RAW)
        changed[position] ^= 1
        assert sm2.verify(PUBLIC_KEY, MESSAGE, changed.hex()) is False


BAD_POINTS = {
    "empty": "",
    "short": PUBLIC_KEY[:-2],
    "off the curve": PUBLIC_KEY[:-1] + "2",
    "zero": "00" * 64,
    "x not reduced": f"{P + 1:064x}" + PUBLIC_KEY[64:],
    "compressed": "02" + PUBLIC_KEY[:64],
    "03 prefix": "03" + PUBLIC_KEY,
    "line break": PUBLIC_KEY + "\n",
}


@pytest.mark.parametrize("text", BAD_POINTS.values(), ids=BAD_POINTS.keys())
def test_what_is_no_public_key(text: str) -> None:
    assert sm2.is_public_key(text) is False
    assert sm2.verify(text, MESSAGE, R + S) is False
    with pytest.raises(ValueError, match="not a point"):
        sm2.normal_public_key(text)


def test_coordinates_must_be_reduced() -> None:
    a, b = P - 3, 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
    x = next(x for x in range(1, 50) if pow(x**3 + a * x + b, (P - 1) // 2, P) == 1)
    y = pow(x**3 + a * x + b, (P + 1) // 4, P)
    assert sm2.is_public_key(f"{x:064x}{y:064x}")
    assert not sm2.is_public_key(f"{x + P:064x}{y:064x}")


@pytest.mark.parametrize("is_same", [True, False])
def test_where_both_points_of_a_check_meet(monkeypatch: pytest.MonkeyPatch, is_same: bool) -> None:
    """s*G and t*P equal need a doubling, opposite ones end at infinity: gmssl answers None to both."""
    key, s = int(PRIVATE_KEY, 16), 12345
    t = (s if is_same else -s) * pow(key, -1, N) % N
    r = (t - s) % N
    x = int(sm2.public_key_of(f"{2 * s:064x}")[:64], 16)
    monkeypatch.setattr(sm2, "_digest", lambda *_: (r - x) % N)
    assert sm2.verify(PUBLIC_KEY, MESSAGE, raw_hex(r, s)) is is_same


def test_public_keys_that_begin_with_04() -> None:
    """gmssl strips every 0 and 4 at the beginning of a prefixed key."""
    private_key = f"{307:064x}"
    public_key = sm2.public_key_of(private_key)
    assert public_key.startswith("0404")
    signature = sm2.sign(private_key, MESSAGE)
    assert sm2.verify(public_key, MESSAGE, signature)
    assert sm2.verify("04" + public_key, MESSAGE, signature)
    assert sm2.normal_public_key("04" + public_key.upper()) == public_key


@pytest.mark.parametrize(
    "text", ["", "00" * 32, f"{N:064x}", f"{N - 1:064x}", "1", "zz" * 32, PRIVATE_KEY + "00", None, 7]
)
def test_what_is_no_private_key(text: object) -> None:
    assert sm2.is_private_key(text) is False
    for make in (sm2.public_key_of, lambda given: sm2.sign(given, MESSAGE, with_z=False)):
        with pytest.raises(ValueError, match="private key"):
            make(text)  # type: ignore[arg-type]


def test_extreme_private_keys_sign() -> None:
    for number in (1, 2, N - 2):
        private_key = f"{number:064x}"
        assert sm2.verify(sm2.public_key_of(private_key), MESSAGE, sm2.sign(private_key, MESSAGE))


def test_no_random_module_and_no_nonce_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """gmssl takes nonces from random.choice: the private key follows from one signature."""

    def refuse(*_: object) -> None:
        raise AssertionError("random is predictable")

    monkeypatch.setattr(random, "choice", refuse)
    monkeypatch.setattr("gmssl.func.choice", refuse)
    first, second = sm2.sign(PRIVATE_KEY, MESSAGE), sm2.sign(PRIVATE_KEY, MESSAGE)
    assert first != second
    assert sm2.verify(PUBLIC_KEY, MESSAGE, first)
    assert sm2.verify(PUBLIC_KEY, MESSAGE, second)


def test_other_signature_profiles() -> None:
    without_z = sm2.sign(PRIVATE_KEY, MESSAGE, with_z=False)
    assert sm2.verify(PUBLIC_KEY, MESSAGE, without_z, with_z=False)
    assert not sm2.verify(PUBLIC_KEY, MESSAGE, without_z)
    other_id = sm2.sign(PRIVATE_KEY, MESSAGE, signer_id=b"")
    assert sm2.verify(PUBLIC_KEY, MESSAGE, other_id, signer_id=b"")
    assert not sm2.verify(PUBLIC_KEY, MESSAGE, other_id)
    assert not sm2.verify(PUBLIC_KEY, MESSAGE, other_id, signer_id=b"x" * 9000)
    with pytest.raises(ValueError, match="too long"):
        sm2.sign(PRIVATE_KEY, MESSAGE, signer_id=b"x" * 9000)


def test_gmssl_agrees() -> None:
    engine = gmssl_sm2.CryptSM2(private_key=PRIVATE_KEY, public_key=PUBLIC_KEY)
    assert engine.verify_with_sm3(sm2.sign(PRIVATE_KEY, MESSAGE), MESSAGE)


def test_a_key_pair_does_not_show_its_secret() -> None:
    pair = sm2.generate_key_pair()
    assert pair.private_key not in repr(pair)
    assert pair.public_key == sm2.public_key_of(pair.private_key)
