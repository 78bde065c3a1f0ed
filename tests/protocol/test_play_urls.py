import hashlib
import hmac
import itertools
import re

import pytest

from protocol.play_urls import (
    UrlVerdict,
    check_hls_session,
    check_path,
    new_rand,
    new_rands,
    sign_hls_session,
    sign_path,
    uid_of,
)

KEY = "provincekey1234"
BACKUP = "backupkey5678"
FLV = "/live_sdjilgs/sxjgl_sdjilgs_370000011011001001046.flv"
HLS = "/live_sdjilgs/sxjgl_sdjilgs_370000011011001001046.m3u8"
UNTIL = 1538982230
FLV_AUTH = "1538982230-0-0-d2a65cec538fabd94f88b799421a7a18"
HLS_AUTH = "1538982230-0-0-ec7804405c9b835753faa1f19ec90f04"


def signed_by_hand(tail: str, key: str) -> str:
    text = f"{FLV}-{tail}-{key}"
    return f"{tail}-{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}"


def test_vectors() -> None:
    assert sign_path(FLV, KEY, timestamp=UNTIL) == FLV_AUTH
    assert sign_path(HLS, KEY, timestamp=UNTIL) == HLS_AUTH


def test_good_until_the_last_moment() -> None:
    assert check_path(FLV, FLV_AUTH, [KEY], now=UNTIL - 5) is UrlVerdict.OK
    assert check_path(FLV, FLV_AUTH, [KEY], now=UNTIL) is UrlVerdict.OK
    assert check_path(FLV, FLV_AUTH, [KEY], now=UNTIL + 0.001) is UrlVerdict.EXPIRED


def test_main_and_backup_key() -> None:
    by_backup = sign_path(FLV, BACKUP, timestamp=UNTIL)
    for keys in ([KEY, BACKUP], [BACKUP, KEY], (BACKUP,)):
        assert check_path(FLV, by_backup, keys, now=UNTIL) is UrlVerdict.OK
    assert check_path(FLV, by_backup, [KEY], now=UNTIL) is UrlVerdict.FORGED
    assert check_path(FLV, by_backup, [], now=UNTIL) is UrlVerdict.FORGED


def test_an_unset_key_opens_nothing() -> None:
    # What anybody can compute when the backup key is empty.
    forged = signed_by_hand(f"{UNTIL}-0-0", "")
    assert check_path(FLV, forged, [KEY, ""], now=UNTIL) is UrlVerdict.FORGED
    with pytest.raises(ValueError, match="empty key"):
        sign_path(FLV, "", timestamp=UNTIL)


MAC = FLV_AUTH.rpartition("-")[2]
FORGED = {
    "empty": "",
    "only the mac": MAC,
    "later": FLV_AUTH.replace("1538982230", "1538982231"),
    "other rand": FLV_AUTH.replace("-0-0-", "-1-0-"),
    "other uid": FLV_AUTH.replace("-0-0-", "-0-1-"),
    "rand with a hyphen": f"1538982230-0-a-0-{MAC}",
    "empty rand": f"1538982230--0-{MAC}",
    "no uid": f"1538982230-0-{MAC}",
    "mac upper case": f"1538982230-0-0-{MAC.upper()}",
    "mac cut": FLV_AUTH[:-1],
    "mac longer": FLV_AUTH + "0",
    "line break": FLV_AUTH + "\n",
    "leading zero": "0" + FLV_AUTH,
    "negative": "-" + FLV_AUTH,
    "hex time": FLV_AUTH.replace("1538982230", "5bbb0156"),
    "full-width digits": FLV_AUTH.replace("1538982230", "１５３８９８２２３０"),
    "not ascii": f"1538982230-0-0-{'é' * 32}",
    "lone surrogate": f"1538982230-\ud800-0-{MAC}",
    "very long": "1" * 100_000,
}


@pytest.mark.parametrize("auth_key", FORGED.values(), ids=FORGED.keys())
def test_wrong_shapes_are_forged(auth_key: str) -> None:
    assert check_path(FLV, auth_key, [KEY, BACKUP], now=UNTIL - 1) is UrlVerdict.FORGED


@pytest.mark.parametrize(
    "tail", [f"{UNTIL}-a-b-0", f"{UNTIL}-0-a-b", f"{UNTIL}--0", f"{UNTIL}-0", f"0{UNTIL}-0-0"]
)
def test_a_genuine_signature_of_a_wrong_shape_is_forged(tail: str) -> None:
    assert check_path(FLV, signed_by_hand(tail, KEY), [KEY], now=UNTIL) is UrlVerdict.FORGED


@pytest.mark.parametrize("path", [HLS, FLV.upper(), FLV + "/", FLV + "?x=1", "", "\ud800"])
def test_another_path_is_forged(path: str) -> None:
    assert check_path(path, FLV_AUTH, [KEY], now=UNTIL - 1) is UrlVerdict.FORGED


def test_a_forged_key_is_not_called_expired() -> None:
    assert check_path(FLV, FORGED["other rand"], [KEY], now=UNTIL + 60) is UrlVerdict.FORGED


@pytest.mark.parametrize(
    "bad", [{"rand": "a-b"}, {"rand": ""}, {"uid": "a-b"}, {"uid": "ü"}, {"timestamp": 0}]
)
def test_values_that_could_not_be_read_back_are_not_signed(bad: dict[str, object]) -> None:
    given: dict[str, object] = {"timestamp": UNTIL, **bad}
    with pytest.raises(ValueError, match="not plain"):
        sign_path(FLV, KEY, **given)  # type: ignore[arg-type]


def test_new_rand_is_fresh_and_signs() -> None:
    rand = new_rand()
    assert "-" not in rand
    assert rand != new_rand()
    assert check_path(FLV, sign_path(FLV, KEY, timestamp=UNTIL, rand=rand), [KEY], now=UNTIL) is UrlVerdict.OK


def test_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    genuine = hmac.compare_digest

    def record(left: str, right: str) -> bool:
        seen.append(left)
        return genuine(left, right)

    monkeypatch.setattr(hmac, "compare_digest", record)
    check_path(FLV, FLV_AUTH, [KEY, BACKUP], now=UNTIL)
    assert len(seen) == 2
    mac = sign_hls_session(KEY, "live", "cam_0", UNTIL)
    check_hls_session(KEY, "live", "cam_0", UNTIL, mac, now=UNTIL)
    assert seen[2:] == [mac]


def test_hls_session() -> None:
    mac = sign_hls_session(KEY, "live", "cam_0", UNTIL)
    assert len(mac) >= 32
    assert check_hls_session(KEY, "live", "cam_0", UNTIL, mac, now=UNTIL) is UrlVerdict.OK
    assert check_hls_session(KEY, "live", "cam_0", UNTIL, mac, now=UNTIL + 1) is UrlVerdict.EXPIRED


@pytest.mark.parametrize(
    ("key", "app", "stream", "expires", "uid", "nonce"),
    [
        (BACKUP, "live", "cam_0", UNTIL, "p7", "a"),
        (KEY, "vod", "cam_0", UNTIL, "p7", "a"),
        (KEY, "live", "cam_1", UNTIL, "p7", "a"),
        (KEY, "live", "cam_0", UNTIL + 3600, "p7", "a"),
        (KEY, "live", "cam_0", UNTIL, "p8", "a"),
        (KEY, "live", "cam_0", UNTIL, "", "a"),
        (KEY, "live", "cam_0", UNTIL, "p7", "b"),
        (KEY, "live", "cam_0", UNTIL, "p7", ""),
        (KEY, "live\ncam", "0", UNTIL, "p7", "a"),
        ("", "live", "cam_0", UNTIL, "p7", "a"),
    ],
)
def test_hls_session_of_something_else(
    key: str, app: str, stream: str, expires: int, uid: str, nonce: str
) -> None:
    mac = sign_hls_session(KEY, "live", "cam_0", UNTIL, "p7", "a")
    assert check_hls_session(key, app, stream, expires, mac, uid, nonce, now=UNTIL) is UrlVerdict.FORGED
    assert check_hls_session(KEY, "live", "cam_0", UNTIL, mac, "p7", "a", now=UNTIL) is UrlVerdict.OK


@pytest.mark.parametrize(
    ("auth_key", "uid"), [(sign_path("/x", KEY, timestamp=UNTIL, uid="p7"), "p7"), ("1-2-p7", ""), ("", "")]
)
def test_uid_of_an_auth_key(auth_key: str, uid: str) -> None:
    assert uid_of(auth_key) == uid


@pytest.mark.parametrize("mac", ["", "0" * 64, "x" * 64, "é" * 64, "\ud800" * 64, "0" * 63])
def test_hls_session_with_a_wrong_mac(mac: str) -> None:
    assert check_hls_session(KEY, "live", "cam_0", UNTIL, mac, now=UNTIL) is UrlVerdict.FORGED


def test_hls_session_parts_cannot_be_shifted() -> None:
    with pytest.raises(ValueError, match="line break"):
        sign_hls_session(KEY, "live\ncam", "0", UNTIL)
    with pytest.raises(ValueError, match="empty key"):
        sign_hls_session("", "live", "cam_0", UNTIL)
    with pytest.raises(ValueError, match="uid is not plain"):
        sign_hls_session(KEY, "live", "cam_0", UNTIL, "p7\n")


def test_rands_without_end_are_all_different_and_plain() -> None:
    rands = list(itertools.islice(new_rands(), 1000))
    assert len(set(rands)) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", rand) for rand in rands)
