"""What is wrong with a network camera, told apart without looking at its pictures."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from gateway.adapters import rtsp
from gateway.adapters.base import SourceError, Surroundings
from gateway.adapters.describe import describe
from gateway.digest import Login, authorization
from gateway.troubles import Defect, Trouble, explain
from protocol.codes import VideoType
from protocol.commands import LOW_FORMAT
from tests.gateway.rtsp_standin import PASSWORD, USER, RtspStandIn, rtsp_standin
from tests.ports import free_port

RIGHT = f"{USER}:{quote(PASSWORD, safe='')}@"
WRONG = f"{USER}:guess@"


@pytest.fixture
def standin() -> Iterator[RtspStandIn]:
    with rtsp_standin() as one:
        yield one


def look(url: str) -> Defect | None:
    return asyncio.run(describe(url, 0.5))


def trouble(url: str) -> Trouble | None:
    defect = look(url)
    return defect.trouble if defect else None


def test_a_camera_with_video_is_well(standin: RtspStandIn) -> None:
    assert look(standin.url("main")) is None
    assert look(standin.url("secret", RIGHT)) is None


@pytest.mark.parametrize(
    ("path", "login", "expected"),
    [
        ("secret", WRONG, Trouble.WRONG_PASSWORD),
        ("secret", "", Trouble.WRONG_PASSWORD),
        ("gone", "", Trouble.NO_VIDEO),
        ("sound", "", Trouble.NO_VIDEO),
        ("nonsense", "", Trouble.NO_VIDEO),
        ("endless", "", Trouble.NO_VIDEO),
        ("mute", "", Trouble.FROZEN),
    ],
)
def test_each_trouble_by_its_name(standin: RtspStandIn, path: str, login: str, expected: Trouble) -> None:
    assert trouble(standin.url(path, login)) is expected


def test_a_camera_that_is_away_is_unreachable() -> None:
    defect = look(f"rtsp://admin:hidden@127.0.0.1:{free_port()}/main")
    assert defect is not None
    assert defect.trouble is Trouble.UNREACHABLE
    assert "hidden" not in defect.reason


def test_a_name_that_no_resolver_takes_is_unreachable() -> None:
    assert trouble("rtsp://a..b/main") is Trouble.UNREACHABLE


def test_a_wrong_password_is_not_tried_again_and_again(
    standin: RtspStandIn, surroundings: Surroundings
) -> None:
    camera = rtsp.RtspCamera(rtsp.Settings(standin.url("secret", WRONG), "copy"), surroundings)

    async def insist() -> None:
        for _ in range(3):
            assert await camera.check() is not None
            with pytest.raises(SourceError, match="用户名或密码错误"):
                await camera.plan(LOW_FORMAT, VideoType.LOW)

    asyncio.run(insist())
    assert standin.attempts == 1


def test_the_digest_of_rfc_2069() -> None:
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"'
    header = authorization([challenge], Login("Mufasa", "CircleOfLife"), "GET", "/dir/index.html")
    # The RFC's errata, 749.
    assert header is not None
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header
    assert 'opaque="5ccc"' in header


def test_basic_only_when_nothing_better_is_offered() -> None:
    login = Login("Aladdin", "open sesame")
    basic = authorization(['Basic realm="x"'], login, "GET", "/")
    assert basic == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    both = authorization(['Basic realm="x"', 'Digest realm="x", nonce="1", qop="auth"'], login, "GET", "/")
    assert both is not None
    assert both.startswith("Digest ")
    assert "nc=00000001" in both
    assert authorization(['Digest realm="x", nonce="1", algorithm=SHA-256'], login, "GET", "/") is None


def test_what_ffmpeg_says_of_its_input() -> None:
    assert explain("[rtsp @ 0x5401404a] method DESCRIBE failed: 401 Unauthorized") == Defect(
        Trouble.WRONG_PASSWORD, "用户名或密码错误"
    )
    assert explain("[in#0 @ 0x404040] Error opening input: Connection refused") == Defect(
        Trouble.UNREACHABLE, "连接被拒绝"
    )
    assert explain("[in#0 @ 0x404040] Error opening input: Input/output error") is None
