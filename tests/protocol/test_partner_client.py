import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from protocol import sm2
from protocol.client import Credentials, PartnerClient
from protocol.connections import forget_connections
from protocol.errors import RemoteError
from protocol.tokens import sign_text
from tests.protocol.peer import Peer, Reply, Request, peer_answering, reply

PRIVATE_KEY = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC_KEY = sm2.public_key_of(PRIVATE_KEY)
THREADS = 6
CREDENTIALS = Credentials("省平台", "R0Ev+w==", "token-1", PRIVATE_KEY)


class Ministry:
    """Checks TokenInfo as the document has it and gives token-2 after token-1, and so on."""

    def __init__(self, live: str) -> None:
        self.live = live
        self.refuses_exchange = False
        self.together: threading.Barrier | None = None

    def respond(self, request: Request) -> Reply:
        if request.path.endswith("TokenInfo"):
            return self.exchange(request)
        if self.together is not None and request.token == "token-1":
            self.together.wait(60)
        return reply(200) if request.token == self.live else reply(403)

    def exchange(self, request: Request) -> Reply:
        query = request.query
        text = sign_text(query["deviceCode"], query["user"], query["token"])
        is_signed = sm2.verify(PUBLIC_KEY, text, query["sign"])
        if self.refuses_exchange or not is_signed or query["deviceCode"] != "R0Ev+w==":
            return reply(403)
        number = int(query["token"].removeprefix("token-")) + 1
        self.live = f"token-{number}"
        token = {"user": query["user"], "deviceCode": query["deviceCode"], "token": self.live}
        return reply(200, token=token)


@pytest.fixture(autouse=True)
def fresh_connections() -> Iterator[None]:
    yield
    forget_connections()


@pytest.fixture
def ministry() -> Ministry:
    return Ministry("token-2")


@pytest.fixture
def peer(ministry: Ministry) -> Iterator[Peer]:
    with peer_answering(ministry.respond) as started:
        yield started


def test_a_call_with_a_live_token(peer: Peer, ministry: Ministry) -> None:
    ministry.live = "token-1"
    partner = PartnerClient(peer.base_url, CREDENTIALS)
    assert partner.call("VideoInformation", method="POST", params={"department": "江苏"}, body=[{"a": 1}]).ok
    (request,) = peer.requests
    assert request.path == "/service/video.VideoInformation"
    assert request.query == {"department": "江苏", "user": "省平台"}
    assert request.body == b'[{"a":1}]'
    for name, value in {"tauth": "token-1", "appversion": "v1.0", "content-type": "application/json"}.items():
        assert request.headers[name] == value


def test_bytes_are_sent_as_they_are(peer: Peer, ministry: Ministry) -> None:
    ministry.live = "token-1"
    PartnerClient(peer.base_url, CREDENTIALS).call("ReportAnalyse", method="POST", body=b'[ {"data": "{}"} ]')
    assert peer.requests[0].body == b'[ {"data": "{}"} ]'


def test_a_dead_token_is_exchanged_once_and_the_request_repeated(peer: Peer) -> None:
    kept: list[str] = []
    partner = PartnerClient(peer.base_url, CREDENTIALS, on_token=kept.append)
    assert partner.call("VideoInformation", method="POST", body=[]).ok
    assert [request.path.rpartition(".")[2] for request in peer.requests] == [
        "VideoInformation",
        "TokenInfo",
        "VideoInformation",
    ]
    assert kept == [partner.token] == ["token-2"]
    exchange = peer.of("TokenInfo")[0]
    assert exchange.method == "GET"
    assert exchange.headers["content-type"] == "application/json"
    assert (exchange.query["token"], exchange.query["user"]) == ("token-1", "省平台")
    assert partner.call("VideoInformation", method="POST", body=[]).ok
    assert len(peer.of("TokenInfo")) == 1


def test_a_code_as_string_or_http_status_is_a_dead_token_too(peer: Peer, ministry: Ministry) -> None:
    def respond(request: Request) -> Reply:
        is_old = request.token == "token-1" and not request.path.endswith("TokenInfo")
        return reply("403", status=403) if is_old else ministry.respond(request)

    peer.respond = respond
    assert PartnerClient(peer.base_url, CREDENTIALS).call("ReportCameraStatus").ok


def test_a_second_403_is_a_refusal(peer: Peer) -> None:
    def respond(request: Request) -> Reply:
        return reply(200, token={"token": "token-2"}) if request.path.endswith("TokenInfo") else reply(403)

    peer.respond = respond
    answer = PartnerClient(peer.base_url, CREDENTIALS).call("PTZControl")
    assert answer.code == 403
    assert len(peer.of("PTZControl")) == 2
    assert len(peer.of("TokenInfo")) == 1


def test_other_refusals_exchange_nothing(peer: Peer) -> None:
    for code in (400, 404, 500):
        peer.respond = lambda _, code=code: reply(code)  # type: ignore[misc]
        assert PartnerClient(peer.base_url, CREDENTIALS).call("PTZControl").code == code
    peer.respond = lambda _: reply(403, headers={"Retry-After": "30"})
    assert PartnerClient(peer.base_url, CREDENTIALS).call("PTZControl").retry_after == 30
    assert not peer.of("TokenInfo")


def run_together(partner: PartnerClient) -> list[object]:
    def one(_: int) -> object:
        try:
            return partner.call("ReportCameraStatus", method="POST", body=[]).code
        except RemoteError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_many_threads_exchange_once(peer: Peer, ministry: Ministry) -> None:
    ministry.together = threading.Barrier(THREADS)
    partner = PartnerClient(peer.base_url, CREDENTIALS, connect_timeout=60, read_timeout=60)
    assert run_together(partner) == [200] * THREADS
    assert len(peer.of("TokenInfo")) == 1
    assert len(peer.of("ReportCameraStatus")) == 2 * THREADS


def test_many_threads_share_one_failure(peer: Peer, ministry: Ministry) -> None:
    ministry.together = threading.Barrier(THREADS)
    ministry.refuses_exchange = True
    partner = PartnerClient(peer.base_url, CREDENTIALS, connect_timeout=60, read_timeout=60)
    outcomes = run_together(partner)
    assert len(peer.of("TokenInfo")) == 1
    for outcome in outcomes:
        assert isinstance(outcome, RemoteError)
        assert (outcome.remote_code, outcome.permanent) == (403, True)
    ministry.refuses_exchange = False
    ministry.together = None
    assert partner.call("ReportCameraStatus").ok


def test_exchange_on_demand(peer: Peer) -> None:
    partner = PartnerClient(peer.base_url, CREDENTIALS)
    assert partner.exchange_token() == partner.token == "token-2"
    assert partner.exchange_token() == "token-3"


def test_a_token_that_could_not_be_kept_is_not_taken_up(peer: Peer, ministry: Ministry) -> None:
    kept: list[str] = []

    def keep(token: str) -> None:
        if not kept:
            kept.append(token)
            raise LookupError("the database is away")

    partner = PartnerClient(peer.base_url, CREDENTIALS, on_token=keep)
    with pytest.raises(LookupError):
        partner.call("ReportCameraStatus")
    assert partner.token == "token-1"
    assert partner.call("ReportCameraStatus").ok
    assert [request.query["token"] for request in peer.of("TokenInfo")] == ["token-1", "token-1"]


class Store:
    """The stored token of several processes, with its lock."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.entered = 0

    @contextmanager
    def guard(self) -> Iterator[str | None]:
        self.entered += 1
        yield self.token

    def keep(self, token: str) -> None:
        self.token = token


def test_a_token_another_process_has_exchanged_is_taken_up(peer: Peer, ministry: Ministry) -> None:
    store = Store("token-2")
    partner = PartnerClient(peer.base_url, CREDENTIALS, on_token=store.keep, guard=store.guard)
    assert partner.call("ReportCameraStatus").ok
    assert not peer.of("TokenInfo")
    assert (store.entered, partner.token) == (1, "token-2")


@pytest.mark.parametrize("stored", ["token-1", None])
def test_without_a_newer_stored_token_it_is_exchanged(peer: Peer, stored: str | None) -> None:
    store = Store(stored)
    partner = PartnerClient(peer.base_url, CREDENTIALS, on_token=store.keep, guard=store.guard)
    assert partner.call("ReportCameraStatus").ok
    assert store.token == "token-2"


@pytest.mark.parametrize(
    "token",
    [None, {}, {"token": ""}, {"token": 7}, {"token": "a\r\nb"}, {"token": "令牌"}, {"token": "x" * 5000}],
)
def test_an_exchange_without_a_usable_token(peer: Peer, token: object) -> None:
    peer.respond = lambda _: reply(200, token=token)
    with pytest.raises(RemoteError) as caught:
        PartnerClient(peer.base_url, CREDENTIALS).exchange_token()
    assert not caught.value.permanent
    assert "没有可用的令牌" in caught.value.message


@pytest.mark.parametrize(("code", "is_permanent"), [(400, True), (403, True), (404, True), (500, False)])
def test_retry_class_of_a_refused_exchange(peer: Peer, code: int, is_permanent: bool) -> None:
    peer.respond = lambda _: reply(code)
    with pytest.raises(RemoteError) as caught:
        PartnerClient(peer.base_url, CREDENTIALS).exchange_token()
    assert (caught.value.permanent, caught.value.remote_code) == (is_permanent, code)
    assert "令牌交换" in caught.value.message


def test_a_bad_private_key(peer: Peer) -> None:
    partner = PartnerClient(peer.base_url, Credentials("u", "R0E=", "token-1", "00" * 32))
    with pytest.raises(RemoteError) as caught:
        partner.exchange_token()
    assert caught.value.permanent
    assert not peer.requests


def test_a_template_of_the_other_side(peer: Peer) -> None:
    template = "deviceCode={deviceCode}& user = {user}& token= {token}"
    peer.respond = lambda _: reply(200, token={"token": "token-2"})
    PartnerClient(peer.base_url, Credentials("u", "R0E=", "t", PRIVATE_KEY, template)).exchange_token()
    signature = peer.requests[0].query["sign"]
    assert sm2.verify(PUBLIC_KEY, sign_text("R0E=", "u", "t", template), signature)
    assert not sm2.verify(PUBLIC_KEY, sign_text("R0E=", "u", "t"), signature)


def test_every_request_is_observed(peer: Peer) -> None:
    seen: list[tuple[str, int | None]] = []
    partner = PartnerClient(
        peer.base_url,
        CREDENTIALS,
        observe=lambda sent: seen.append((sent.verb, sent.answer.code if sent.answer else None)),
    )

    def respond(request: Request) -> Reply:
        if request.path.endswith("TokenInfo"):
            return reply(200, token={"user": "u", "deviceCode": "x", "token": "token-2"})
        return reply(200 if request.token == "token-2" else 403)

    peer.respond = respond
    assert partner.call("ReportCameraStatus").ok
    assert seen == [("ReportCameraStatus", 403), ("TokenInfo", 200), ("ReportCameraStatus", 200)]
    peer.respond = lambda _: Reply(b"<html>")
    with pytest.raises(RemoteError):
        partner.call("ReportCameraStatus")
    assert seen[3:] == [("ReportCameraStatus", None)]


def test_a_late_repetition_is_not_sent(peer: Peer) -> None:
    partner = PartnerClient(peer.base_url, CREDENTIALS)

    def respond(request: Request) -> Reply:
        if request.path.endswith("TokenInfo"):
            return reply(200, token={"user": "u", "deviceCode": "x", "token": "token-2"})
        return reply(403)

    peer.respond = respond
    with pytest.raises(RemoteError, match="未重发"):
        partner.call("ReportCameraStatus", repeat_within=0)
    assert [request.path.rpartition(".")[2] for request in peer.requests] == ["ReportCameraStatus", "TokenInfo"]
    assert partner.token == "token-2"
