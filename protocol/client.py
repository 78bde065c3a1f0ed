"""HTTP to other platforms and to gateways, in the manner of the document (appendix 1 and 2).

Synchronous, thread-safe, no redirects, bounded answers. Whatever goes wrong on the way is a
RemoteError; whether it is worth another try stands in `permanent` (protocol.errors).
"""

import datetime
import email.utils
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec
import urllib3

from protocol.codes import Code
from protocol.connections import Deadline, connection_pool
from protocol.envelope import Answer, parse_answer
from protocol.errors import RemoteError
from protocol.faults import fault_words
from protocol.sm2 import sign
from protocol.tls import certificate_end
from protocol.tokens import DEFAULT_SIGN_TEMPLATE, sign_text

Method = Literal["GET", "POST"]
Style = Literal["verbs", "single"]
Param = str | int | float | None

MOST_ANSWER_BYTES: Final = 32 * 1024 * 1024
LONGEST_RETRY_AFTER_SECONDS: Final = 86_400
APP_VERSION: Final = "v1.0"
_CHUNK_BYTES: Final = 64 * 1024
# A slow trickle never trips the read time-out, so a whole request gets this many of them unless told otherwise.
_READS_PER_ANSWER: Final = 6
_LONGEST_SERVER: Final = 200
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an upper platform gave us. `device_code` is the BASE64 as sent, `private_key` 64 hex digits."""

    user: str
    device_code: str
    token: str = field(repr=False)
    private_key: str = field(repr=False)
    sign_template: str = DEFAULT_SIGN_TEMPLATE


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and what came of it: an answer, or the error that stands for none. `seconds` on the clock."""

    verb: str
    seconds: float
    answer: Answer | None = None
    error: RemoteError | None = None


class _Transport:
    """One base URL and its connections."""

    def __init__(
        self,
        base_url: str,
        ca_file: str | None,
        connect_timeout: float,
        read_timeout: float,
        request_seconds: float | None = None,
    ) -> None:
        self._base_url = _normal_base_url(base_url)
        self._ca_file = ca_file
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._request_seconds = request_seconds or read_timeout * _READS_PER_ANSWER

    def send(
        self,
        method: Method,
        path: str,
        *,
        token: str,
        params: Mapping[str, Param] | None = None,
        body: object | None = None,
    ) -> Answer:
        headers = _headers(token)
        query = urllib.parse.urlencode(_present(params or {}), quote_via=urllib.parse.quote, errors="replace")
        url = f"{self._base_url}{path}" + (f"?{query}" if query else "")
        payload = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        # Looked up each time: a client may outlive a fork or the CA file of its first request.
        pool = connection_pool(url, self._ca_file)
        with Deadline(self._request_seconds) as deadline:
            try:
                response = pool.request(
                    method,
                    url,
                    body=payload,
                    headers=headers,
                    timeout=self._timeout,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                # Behind the answer its connection may be another's.
                until = certificate_end(getattr(response.connection, "sock", None))
                try:
                    raw = _read(response)
                except BaseException:
                    # What was not read to its end cannot carry the next request.
                    response.close()
                    raise
                response.release_conn()
                # A connection that was cut may look like one that ended.
                deadline.check()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                deadline.check()
                is_timeout = isinstance(error, urllib3.exceptions.ReadTimeoutError)
                raise RemoteError(f"对方无法访问：{fault_words(error)}", is_timeout=is_timeout) from error
        answer = parse_answer(
            raw, response.status, retry_after=_retry_after(response.headers.get("Retry-After"))
        )
        server = response.headers.get("Server", "")[:_LONGEST_SERVER]
        return replace(answer, server=server, certificate_until=until)


class PartnerClient:
    """Calls an upper platform with the token ring of appendix 2.

    On code 403 the token is exchanged once and the request repeated once; a second 403 is a refusal
    and returned as it is. However many threads meet the same dead token, one of them exchanges and the
    others repeat, or share its failure.

    `on_token` hears each new token before it is used: a token that could not be kept is not taken up,
    and the exchange can be repeated with the old one.
    `guard` is for several processes that share one ring: a context manager entered around an exchange
    which gives the token that is stored now (or None), e.g. a locked database row.
    `observe` hears of every request, exchanges among them, in the thread that sent it.
    `request_seconds` bounds each request as a whole, from connecting to the last byte of its answer.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        ca_file: str | None = None,
        on_token: Callable[[str], None] | None = None,
        connect_timeout: float = 3,
        read_timeout: float = 10,
        request_seconds: float | None = None,
        guard: Callable[[], AbstractContextManager[str | None]] = nullcontext,
        observe: Callable[[Sent], None] | None = None,
    ) -> None:
        self._transport = _Transport(base_url, ca_file, connect_timeout, read_timeout, request_seconds)
        self._observe = observe
        self._credentials = credentials
        self._on_token = on_token
        self._guard = guard
        self._lock = threading.Lock()
        self._token = credentials.token
        self._exchanges = 0
        self._last_failure: RemoteError | None = None

    @property
    def token(self) -> str:
        return self._token

    def call(
        self,
        verb: str,
        *,
        method: Method = "GET",
        params: Mapping[str, Param] | None = None,
        body: object | None = None,
        repeat_within: float | None = None,
    ) -> Answer:
        """`/service/video.<verb>` with `user` added; the answer whatever its code, or RemoteError.

        A verb that names another family than `video` is called by its full name.

        `body` is sent as it is when it is bytes, else as JSON. A parameter that is None is left out.
        `repeat_within` seconds after the call began, the request is not repeated with a new token any more:
        RemoteError instead.
        """
        query: dict[str, Param] = {**(params or {}), "user": self._credentials.user}
        began = time.monotonic()
        used, exchanges = self._token, self._exchanges
        answer = self._send(verb, method, token=used, params=query, body=body)
        # A throttled request would be throttled again, with any token.
        if answer.code != Code.FORBIDDEN or answer.retry_after is not None:
            return answer
        fresh = self._renew(used, exchanges)
        if repeat_within is not None and time.monotonic() - began > repeat_within:
            raise RemoteError("更换令牌用时过长，请求未重发")
        return self._send(verb, method, token=fresh, params=query, body=body)

    def _send(
        self, verb: str, method: Method, *, token: str, params: Mapping[str, Param], body: object | None = None
    ) -> Answer:
        began = time.monotonic()
        try:
            answer = self._transport.send(method, verb_path(verb), token=token, params=params, body=body)
        except RemoteError as error:
            self._tell(Sent(verb, time.monotonic() - began, error=error))
            raise
        self._tell(Sent(verb, time.monotonic() - began, answer=answer))
        return answer

    def _tell(self, sent: Sent) -> None:
        if self._observe is not None:
            self._observe(sent)

    def exchange_token(self) -> str:
        """Exchange the token now, whatever its state, and return the new one; RemoteError when refused."""
        with self._lock:
            return self._exchange(is_forced=True)

    def _renew(self, used: str, exchanges: int) -> str:
        with self._lock:
            if self._token != used:
                return self._token
            if self._exchanges != exchanges and self._last_failure is not None:
                raise self._last_failure.with_traceback(None)
            return self._exchange(is_forced=False)

    def _exchange(self, *, is_forced: bool) -> str:
        self._exchanges += 1
        try:
            with self._guard() as stored:
                if stored and stored != self._token:
                    self._token = stored
                    if not is_forced:
                        return stored
                fresh = self._request_token()
                if self._on_token is not None:
                    self._on_token(fresh)
        except RemoteError as error:
            self._last_failure = error
            raise
        self._last_failure = None
        self._token = fresh
        return fresh

    def _request_token(self) -> str:
        given, token = self._credentials, self._token
        text = sign_text(given.device_code, given.user, token, given.sign_template)
        try:
            signature = sign(given.private_key, text)
        except ValueError:
            raise RemoteError("令牌交换失败：本方 SM2 私钥无效", permanent=True) from None
        params = {"deviceCode": given.device_code, "user": given.user, "token": token, "sign": signature}
        answer = self._send("TokenInfo", "GET", token=token, params=params)
        if not answer.ok:
            raise answer.error("令牌交换：对方")
        fresh = _token_in(answer)
        if fresh is None:
            raise RemoteError("令牌交换：答复中没有可用的令牌", http_status=answer.http_status)
        return fresh


def call_with_token(
    base_url: str,
    verb: str,
    *,
    token: str,
    method: Method = "GET",
    params: Mapping[str, Param] | None = None,
    body: Mapping[str, object] | None = None,
    style: Style = "verbs",
    ca_file: str | None = None,
    timeout: float = 10,
) -> Answer:
    """Platform to gateway: one request with a token that is not exchanged here.

    Style `single` is the one POST /service of gateways in the field, with the verb as `sipAction` and
    parameters and body in one object. `timeout` seconds hold for connecting and for each read.
    """
    transport = _Transport(base_url, ca_file, min(3.0, timeout), timeout)
    if style == "verbs":
        return transport.send(method, verb_path(verb), token=token, params=params, body=body)
    order = {"sipAction": full_name(verb), **_present(params or {}), **(body or {})}
    return transport.send("POST", "/service", token=token, body=order)


def full_name(verb: str) -> str:
    """The document's own verbs are of the family `video`, and called without it."""
    return verb if "." in verb else f"video.{verb}"


def verb_path(verb: str) -> str:
    return f"/service/{full_name(verb)}"


def _headers(token: str) -> dict[str, str]:
    if not _TOKEN.fullmatch(token):
        raise RemoteError("令牌为空或含有不能放入 HTTP 头的字符", permanent=True)
    return {
        "TAuth": token,
        "AppVersion": APP_VERSION,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }


def _present(params: Mapping[str, Param]) -> dict[str, Param]:
    return {name: value for name, value in params.items() if value is not None}


def _normal_base_url(base_url: str) -> str:
    """Scheme, host, port and an optional prefix. A pasted `/service` at the end is taken off."""
    try:
        parts = urllib.parse.urlsplit(base_url.strip())
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = None
    if not is_usable or parts.username is not None or parts.query or parts.fragment:
        raise RemoteError("对方地址应为 http(s)://主机:端口", permanent=True)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/service')}"


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(_CHUNK_BYTES):
        size += len(chunk)
        if size > MOST_ANSWER_BYTES:
            raise RemoteError(
                f"对方的答复超过 {MOST_ANSWER_BYTES} 字节", permanent=True, http_status=response.status
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _retry_after(value: str | None) -> int | None:
    """Whole seconds from `120` or from an HTTP date; None when absent or unreadable."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(int(value.strip()[:9]), LONGEST_RETRY_AFTER_SECONDS)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    seconds = (at - datetime.datetime.now(datetime.UTC)).total_seconds()
    return min(max(0, round(seconds)), LONGEST_RETRY_AFTER_SECONDS)


def _token_in(answer: Answer) -> str | None:
    given = answer.body.get("token")
    token = given.get("token") if isinstance(given, dict) else given
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None
