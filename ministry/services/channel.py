"""The way to one upper platform: every request told to the log and to the breakers, every answer sorted."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from access.days import day_of
from ministry.choices import Interface
from ministry.models import DeliveryCall, UpperPlatform
from ministry.services import calls, health
from ministry.services.claims import REQUESTS_A_CALL
from ministry.services.platforms import client_for
from protocol.client import Sent
from protocol.codes import Code
from protocol.envelope import Answer
from protocol.errors import RemoteError

_PACE: Final = """
UPDATE ministry_upperplatform
SET paced_until = GREATEST(COALESCE(paced_until, %(now)s), %(now)s) + make_interval(secs => %(gap)s)
WHERE id = %(platform)s RETURNING paced_until - make_interval(secs => %(gap)s)
"""
# What is written about a platform that answers well: at most so often.
_PRAISE_SECONDS: Final = 1.0
# What the log can hold; other codes are not the document's.
_LARGEST_CODE: Final = 32_767
# Somebody in between gave up waiting for an answer.
_GIVEN_UP: Final = frozenset({408, 504})
_TOKEN_VERB: Final = "TokenInfo"  # noqa: S105
# They only say something of the request, so nothing of it was done.
_NOT_DONE: Final = (Code.MALFORMED, Code.FORBIDDEN, Code.NOT_FOUND)


class Outcome(Enum):
    """What became of a request."""

    DONE = auto()
    MALFORMED = auto()
    """Code 400: refused as a whole."""
    UNKNOWN = auto()
    """Code or HTTP status 404: no such verb, department or camera."""
    CRASHED = auto()
    """Code 500: something failed inside, and some of it may have been done."""
    FORBIDDEN = auto()
    """Code 403 twice, or no new token."""
    TIMED_OUT = auto()
    """Nothing came in time: it may still be worked on."""
    LOST = auto()
    """Anything else: no connection, an answer cut off, HTML, too many requests."""


@dataclass(frozen=True, slots=True)
class Reply:
    outcome: Outcome
    words: str = ""
    answer: Answer | None = None
    # The request may have had effect although it was not answered with success.
    is_in_doubt: bool = False
    # Of the platform, when the outcome says something of it.
    failures: int = 0


class Channel:
    """One run's way to one upper platform; its threads share it."""

    def __init__(self, platform: UpperPlatform) -> None:
        self.platform = platform
        self.answered = 0
        self._client = client_for(platform, observe=self._observe)
        self._lock = threading.Lock()
        self._praised: dict[Interface, float] = {}
        self._resting_until: datetime | None = None
        self._call = threading.local()
        calls.ensure_partition(day_of(timezone.now()))

    @property
    def is_resting(self) -> bool:
        """A breaker opened, or the platform asked for a pause, since this run began."""
        return self._resting_until is not None and self._resting_until > timezone.now()

    def pace(self) -> None:
        """Wait for this request's turn; nothing where no rate is set."""
        rate = self.platform.requests_per_second
        if rate <= 0:
            return
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(_PACE, {"now": now, "gap": 1 / rate, "platform": self.platform.pk})
            row = cursor.fetchone()
        if row is not None:
            time.sleep(max(0.0, (row[0] - now).total_seconds()))

    def call(
        self,
        interface: Interface,
        verb: str,
        body: object,
        *,
        count: int,
        department: str | None = None,
        results: str | None = None,
    ) -> Reply:
        """One POST, with its token exchanged when it is dead; never raises what the other side is to blame for.

        `results` names a list without which an answer of success says nothing.
        """
        self._call.sent = []
        self._call.about = (interface, count, department or "")
        try:
            answer = self._client.call(
                verb,
                method="POST",
                params={"department": department},
                body=body,
                repeat_within=(REQUESTS_A_CALL - 1) * settings.MINISTRY_READ_SECONDS,
            )
        except RemoteError as error:
            return self._failed(interface, verb, error)
        with self._lock:
            self.answered += 1
        if answer.code == Code.OK and answer.ok:
            if results and not isinstance(answer.body.get(results), list):
                useless = RemoteError(f"{verb}：上级平台的答复缺少 {results}")
                return self._lost(interface, useless, Outcome.LOST, is_in_doubt=True)
            self._praise(interface)
            return Reply(Outcome.DONE, words(answer.msg), answer)
        return self._refused(interface, verb, answer)

    def ask(self, verb: str, params: dict[str, str | int | None]) -> Answer:
        """One GET of their ledger; RemoteError unless it is answered with code 200."""
        self._call.sent = []
        self._call.about = (Interface.LEDGER, 0, str(params.get("department") or ""))
        answer = self._client.call(verb, params=params)
        if answer.code != Code.OK or not answer.ok:
            raise answer.error(f"{verb}：上级平台")
        return answer

    def exchange_token(self) -> None:
        """A new token now, whatever the old one is worth; RemoteError when there is none."""
        self._call.sent = []
        self._call.about = (Interface.TOKEN, 0, "")
        self._client.exchange_token()

    def _refused(self, interface: Interface, verb: str, answer: Answer) -> Reply:
        # Whoever mends it needs all of what the platform said.
        said = f"{verb}：上级平台答复 {answer.code}：{words(answer.msg) or '无说明'}"
        error = answer.error()
        error.message = said
        outcome = _REFUSALS.get(answer.code)
        is_plain = outcome is not None and answer.retry_after is None and not _is_gateway_page(answer)
        if outcome is None or not is_plain:
            return self._lost(interface, error, Outcome.LOST, is_in_doubt=answer.code not in _NOT_DONE)
        if outcome == Outcome.FORBIDDEN and not self._has_new_token():
            return self._lost(interface, error, outcome, is_in_doubt=False)
        health.note_refusal(self.platform, interface, said)
        self._praised.pop(interface, None)
        return Reply(outcome, said, answer, is_in_doubt=outcome == Outcome.CRASHED)

    def _has_new_token(self) -> bool:
        """The token was exchanged in this call: what is refused is the request, not the token."""
        return any(sent.verb == _TOKEN_VERB and sent.answer is not None for sent in self._call.sent)

    def _failed(self, interface: Interface, verb: str, shared: RemoteError) -> Reply:
        # Threads share the failure of an exchange.
        error = RemoteError(
            f"{verb}：{shared.message}",
            remote_code=shared.remote_code,
            http_status=shared.http_status,
            retry_after=shared.retry_after,
            is_timeout=shared.is_timeout,
        )
        if error.remote_code == Code.FORBIDDEN:
            return self._lost(interface, error, Outcome.FORBIDDEN, is_in_doubt=False)
        last = self._call.sent[-1] if self._call.sent else None
        was_sent = last is not None and last.verb == verb and last.error is not None
        if error.http_status == Code.NOT_FOUND and was_sent:
            health.note_refusal(self.platform, interface, error.message)
            return Reply(Outcome.UNKNOWN, error.message)
        outcome = Outcome.TIMED_OUT if _may_go_on(error) else Outcome.LOST
        # Otherwise its last answer was 403, and it is the exchange that failed.
        return self._lost(interface, error, outcome, is_in_doubt=was_sent)

    def _lost(
        self, interface: Interface, error: RemoteError, outcome: Outcome, *, is_in_doubt: bool
    ) -> Reply:
        failures = health.note_failure(
            self.platform, interface, error, is_forbidden=outcome == Outcome.FORBIDDEN
        )
        self._praised.clear()
        self._resting_until = (
            UpperPlatform.objects.filter(pk=self.platform.pk).values_list("retry_at", flat=True).first()
        )
        return Reply(outcome, error.message, is_in_doubt=is_in_doubt, failures=failures)

    def _praise(self, interface: Interface) -> None:
        now = time.monotonic()
        if now - self._praised.get(interface, -_PRAISE_SECONDS) >= _PRAISE_SECONDS:
            self._praised[interface] = now
            health.note_success(self.platform, interface)

    def _observe(self, sent: Sent) -> None:
        interface, count, department = self._call.about
        self._call.sent.append(sent)
        is_token = sent.verb == _TOKEN_VERB
        answer, error = sent.answer, sent.error
        failed = error.message if error else "" if answer is None or answer.code == Code.OK else answer.msg
        DeliveryCall.objects.create(
            platform=self.platform,
            at=timezone.now() - timedelta(seconds=sent.seconds),
            interface=Interface.TOKEN if is_token else interface,
            verb=sent.verb,
            department="" if is_token else department[:64],
            count=0 if is_token else count,
            code=answer.code if answer and abs(answer.code) <= _LARGEST_CODE else None,
            duration_ms=round(sent.seconds * 1000),
            error=words(failed),
        )


_REFUSALS: Final[dict[int, Outcome]] = {
    Code.MALFORMED: Outcome.MALFORMED,
    Code.FORBIDDEN: Outcome.FORBIDDEN,
    Code.NOT_FOUND: Outcome.UNKNOWN,
    Code.INTERNAL: Outcome.CRASHED,
}


def _may_go_on(error: RemoteError) -> bool:
    """Whether it may still be worked on over there."""
    return error.is_timeout or error.http_status in _GIVEN_UP


def _is_gateway_page(answer: Answer) -> bool:
    """An HTTP status that contradicts the code: somebody in between has spoken."""
    return answer.http_status >= 400 and answer.http_status != answer.code


def words(said: object) -> str:
    """What another platform said, in one line that the database can hold."""
    text = said if isinstance(said, str) else ""
    return "".join(char if char.isprintable() else " " for char in text[:200]).strip()
