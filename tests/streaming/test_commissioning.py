"""A play domain is proven before it is used: over the network, with every key, by FLV and by HLS."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from cameras.models import Gateway
from cameras.services.status import set_stream_presence
from protocol.errors import MalformedError
from streaming.choices import HlsWay, PlayResult, SignerKind
from streaming.models import PlayCheck, PlayDomain
from streaming.services.commissioning import Finding, commission
from streaming.services.domains import add_play_domain
from streaming.services.opening import HLS_TRIES
from streaming.services.playability import check_playability
from tests.cameras.ledger import camera
from tests.protocol.peer import Peer, Reply, Request
from tests.streaming.edge import READERS, VIDEO, Edge
from tests.streaming.roadside import MediaDouble

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEY, BACKUP, STRANGE = "provincekey1234", "another-key-5678", "0" * 32
PLAYS, BACKUP_PLAYS = "主密钥签发的地址能播放", "备用密钥签发的地址能播放"
OTHER_STREAM, STRANGE_KEY = "签名不能用于别的码流", "密钥不对的签名被拒绝"
DIES, HLS = "地址在 5 秒（允许误差 2 秒）后失效", "HLS 能播放"
CLOSED = Reply(b"", raw=b"")


@pytest.fixture(autouse=True)
def clock(gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    set_stream_presence(present=[camera(1).pk, camera(3).pk])
    return time_machine


@pytest.fixture
def peer(media: MediaDouble) -> Peer:
    return media.peer


def domain(peer: Peer, edge: Edge | None = None, kind: str = "aliyun_a", **changes: Any) -> PlayDomain:
    """One that stands before `edge`."""
    if edge is not None:
        peer.respond = edge.respond
    fields = {"base_url": peer.base_url, "key": KEY, "backup_key": "", "is_active": True, **changes}
    return add_play_domain(name="cdn", actor=SYSTEM, signer=SignerKind(kind), **fields)


def own_domain(peer: Peer, edge: Edge) -> PlayDomain:
    return domain(peer, edge, "own", key="", hls_way=HlsWay.DOMAIN)


def findings(made: PlayDomain, clock: TimeMachineFixture) -> list[Finding]:
    return list(commission(domain=made, camera=camera(1), wait=clock.shift))


def bad(found: list[Finding]) -> list[str]:
    return [finding.title for finding in found if not finding.is_good]


@pytest.mark.parametrize("kind", READERS)
def test_a_domain_that_does_what_it_should(peer: Peer, clock: TimeMachineFixture, kind: str) -> None:
    edge = Edge(kind, KEY, BACKUP, validity=60)
    found = findings(domain(peer, edge, kind, backup_key=BACKUP, validity_seconds=60), clock)
    coarse = kind == "aliyun_b"
    assert bad(found) == (["签名精度"] if coarse else [])
    assert len(found) == (7 if coarse else 6)


@pytest.mark.parametrize(
    ("edge", "wrong"),
    [
        (Edge("aliyun_a", KEY, BACKUP, validity=600), [DIES]),
        (Edge("aliyun_a", BACKUP), [PLAYS]),
        (Edge("aliyun_a", KEY), [BACKUP_PLAYS]),
        (Edge("aliyun_a", KEY, BACKUP, STRANGE), [STRANGE_KEY]),
    ],
)
def test_one_that_does_not(peer: Peer, clock: TimeMachineFixture, edge: Edge, wrong: list[str]) -> None:
    assert bad(findings(domain(peer, edge, backup_key=BACKUP), clock)) == wrong


def test_one_that_checks_nothing(peer: Peer, clock: TimeMachineFixture) -> None:
    edge = Edge("aliyun_a")
    edge.refusal = Reply(VIDEO)
    assert bad(findings(domain(peer, edge), clock)) == [OTHER_STREAM, STRANGE_KEY, DIES]


def test_one_that_signs_as_we_do(peer: Peer, clock: TimeMachineFixture, settings: LazySettings) -> None:
    settings.PLAY_URL_KEYS = [KEY, BACKUP]
    made = own_domain(peer, Edge("aliyun_a", KEY, BACKUP))
    assert bad(findings(made, clock)) == []
    peer.respond = Edge("aliyun_a", KEY, STRANGE).respond
    assert bad(findings(made, clock)) == [BACKUP_PLAYS, STRANGE_KEY]


class TestRefusalsWithoutAStatus:
    """SRS closes the connection; a reverse proxy before it says 502."""

    @pytest.mark.parametrize("refusal", [CLOSED, Reply(b"", 502)])
    def test_they_are_refusals_while_a_good_address_plays(
        self, peer: Peer, clock: TimeMachineFixture, settings: LazySettings, refusal: Reply
    ) -> None:
        settings.PLAY_URL_KEYS = [KEY]
        edge = Edge("aliyun_a", KEY)
        edge.refusal = refusal
        found = findings(own_domain(peer, edge), clock)
        assert bad(found) == []
        assert "有效地址此时能播放" in {finding.title: finding.words for finding in found}[DIES]

    def test_a_domain_out_of_order_refuses_nobody(self, peer: Peer, clock: TimeMachineFixture) -> None:
        assert bad(findings(domain(peer, Edge("aliyun_a")), clock)) == [PLAYS]
        made = domain(peer)
        peer.respond = lambda _: CLOSED
        assert bad(findings(made, clock)) == [PLAYS, OTHER_STREAM, STRANGE_KEY, DIES, HLS]

    def test_another_status_is_no_refusal(self, peer: Peer, clock: TimeMachineFixture) -> None:
        edge = Edge("aliyun_a", KEY)
        edge.refusal = Reply(b"", 500)
        assert bad(findings(domain(peer, edge), clock)) == [OTHER_STREAM, STRANGE_KEY, DIES]


class TestHls:
    def tried(self, peer: Peer, edge: Edge, clock: TimeMachineFixture) -> Finding:
        return findings(domain(peer, edge), clock)[-1]

    def test_a_server_may_take_a_while_to_cut_the_stream(self, peer: Peer, clock: TimeMachineFixture) -> None:
        edge = Edge("aliyun_a", KEY)
        edge.hls.misses = HLS_TRIES - 1
        assert self.tried(peer, edge, clock).is_good
        edge.hls.misses = HLS_TRIES
        assert self.tried(peer, edge, clock) == Finding(HLS, False, "没有该码流 HTTP 404")

    @pytest.mark.parametrize(
        ("segment", "words"),
        [
            (Reply(b"", 403), "鉴权被拒 HTTP 403"),
            (Reply(b"<html>" + bytes(400)), "不是视频 分片不是 TS 数据"),
            (Reply(b"G"), "不是视频 分片不是 TS 数据"),
        ],
    )
    def test_a_playlist_without_a_video_behind_it(
        self, peer: Peer, clock: TimeMachineFixture, segment: Reply, words: str
    ) -> None:
        edge = Edge("aliyun_a", KEY)
        edge.hls.segment = segment
        assert self.tried(peer, edge, clock) == Finding(HLS, False, words)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Reply(b"<html>"), "不是视频 不是 HLS 播放列表"),
            (Reply(b"#EXTM3U\n"), "没有该码流 播放列表中没有分片"),
            (Reply(b"", 302, {"Location": "index.m3u8"}), "连接不上 跳转次数过多"),
        ],
    )
    def test_what_is_no_playlist(
        self, peer: Peer, clock: TimeMachineFixture, answer: Reply, words: str
    ) -> None:
        made = domain(peer, Edge("aliyun_a", KEY))
        peer.respond = lambda _: answer
        assert findings(made, clock)[-1] == Finding(HLS, False, words)

    def test_a_list_of_lists_is_followed(self, peer: Peer, clock: TimeMachineFixture) -> None:
        edge = Edge("aliyun_a", KEY)
        made = domain(peer, edge)

        def respond(request: Request) -> Reply:
            if request.path.startswith("/live/") and request.path.endswith(".m3u8"):
                return Reply(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/s/1/2/live/x/index.m3u8\n")
            return edge.respond(request)

        peer.respond = respond
        assert findings(made, clock)[-1].is_good


def test_a_camera_that_shows_nothing_proves_nothing(peer: Peer) -> None:
    with pytest.raises(MalformedError, match="不在线"):
        list(commission(domain=domain(peer), camera=camera(2)))


def test_the_command_says_what_is_wrong_with_the_question(peer: Peer) -> None:
    domain(peer)
    with pytest.raises(CommandError, match="没有名为 x 的播放域名"):
        call_command("check_play_domain", "x")
    with pytest.raises(CommandError, match="没有可用来验收的在线摄像机"):
        call_command("check_play_domain", "cdn", "--camera", "nobody")


def test_the_hourly_self_check_goes_through_it(peer: Peer) -> None:
    domain(peer, Edge("tencent", "its-own-key"), "tencent")
    assert check_playability() == 2
    assert set(PlayCheck.objects.values_list("result", flat=True)) == {PlayResult.REFUSED}
