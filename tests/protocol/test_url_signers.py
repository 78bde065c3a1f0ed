"""Addresses of play domains against the vendors' published examples and the vectors measured beforehand."""

import pytest

from protocol.url_signers import SIGNERS

KEY = "provincekey1234"
STREAM = "/live_sdjilgs/sxjgl_sdjilgs_370000011011001001046"
ISSUED = 1538982225
ENDS = ISSUED + 5


@pytest.mark.parametrize(
    ("kind", "path", "validity", "signed"),
    [
        (
            "aliyun_a",
            f"{STREAM}.m3u8",
            0,
            f"{STREAM}.m3u8?auth_key=1538982230-0-0-ec7804405c9b835753faa1f19ec90f04",
        ),
        ("aliyun_c", f"{STREAM}.flv", 5, f"/9bee0f87da50a081073b7e2e99b21442/5bbb0151{STREAM}.flv"),
        (
            "tencent",
            f"{STREAM}.flv",
            0,
            f"{STREAM}.flv?txSecret=3ecaaf074618f2f713179bfa1f4d4cfb&txTime=5bbb0156",
        ),
        (
            "huawei_b",
            f"{STREAM}.flv",
            0,
            f"{STREAM}.flv?txSecret=3ecaaf074618f2f713179bfa1f4d4cfb&txTime=5bbb0156",
        ),
        (
            "huawei_d",
            f"{STREAM}.flv",
            60,
            f"{STREAM}.flv?hwSecret=41578d6a2503305c01ba46f396c4650202e38c1fbe59c69ab301f98b3fb9a897&hwTime=5bbb011a",
        ),
    ],
)
def test_vectors(kind: str, path: str, validity: int, signed: str) -> None:
    assert SIGNERS[kind].sign(path, KEY, ends_at=ENDS, validity_seconds=validity) == signed


def test_type_b_as_aliyun_prints_it() -> None:
    """2015-08-15 08:00 in Beijing."""
    path = "/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3"
    signed = SIGNERS["aliyun_b"].sign(path, "aliyuncdnexp1234", ends_at=1439596800)
    assert signed == f"/201508150800/9044548ef1527deadafa49a890a377f0{path}"


@pytest.mark.parametrize("second", [0, 1, 59])
def test_type_b_is_never_dead_when_it_is_issued(second: int) -> None:
    ends_at = 1439596800 - 60 + second
    stamp = SIGNERS["aliyun_b"].sign("/a.flv", KEY, ends_at=ends_at).split("/")[1]
    assert stamp == ("201508150759" if second == 0 else "201508150800")
    assert SIGNERS["aliyun_b"].slack_seconds == 59


@pytest.mark.parametrize("kind", SIGNERS)
class TestEveryKind:
    def test_another_stream_has_another_signature(self, kind: str) -> None:
        first, second = (
            SIGNERS[kind].sign(f"/live/{name}.flv", KEY, ends_at=ENDS).replace(name, "")
            for name in ("cam1_0", "cam2_0")
        )
        assert first != second

    def test_the_time_is_what_the_domains_own_validity_leaves(self, kind: str) -> None:
        sign = SIGNERS[kind].sign
        assert sign("/live/c_0.flv", KEY, ends_at=ENDS, validity_seconds=600) == sign(
            "/live/c_0.flv", KEY, ends_at=ENDS - 600
        )

    def test_an_unset_key_signs_nothing(self, kind: str) -> None:
        with pytest.raises(ValueError, match="empty key"):
            SIGNERS[kind].sign("/live/c_0.flv", "", ends_at=ENDS)

    def test_a_validity_beyond_all_time_is_told(self, kind: str) -> None:
        with pytest.raises(ValueError, match="timestamp|1970"):
            SIGNERS[kind].sign("/live/c_0.flv", KEY, ends_at=ENDS, validity_seconds=ENDS)
