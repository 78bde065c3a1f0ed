"""One run's way to one upper platform: requests counted, refusals told apart from trouble."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ministry.models import UpperPlatform
from ministry.services.platforms import client_for
from protocol.codes import Code
from protocol.envelope import Answer
from protocol.errors import RemoteError

T = TypeVar("T")

# One run leaves the rest to the next, so that no run outlives its task.
MOST_REQUESTS = 60
LONGEST_RUN_SECONDS = 60


class RefusedError(Exception):
    """The platform understood the request and refused it as a whole."""

    def __init__(self, error: RemoteError) -> None:
        super().__init__(error.message)
        self.error = error
        self.is_malformed = error.remote_code == Code.MALFORMED


class Channel:
    """The requests of one run to one platform."""

    def __init__(self, platform: UpperPlatform) -> None:
        self.platform = platform
        self.answered = 0
        self._client = client_for(platform)
        self._ends_at = time.monotonic() + LONGEST_RUN_SECONDS

    def may_go_on(self) -> bool:
        return self.answered < MOST_REQUESTS and time.monotonic() < self._ends_at

    def call(self, verb: str, body: object, department: str | None = None) -> Answer:
        """The answer when it is code 200; RefusedError on code 400 and 404, RemoteError on anything else."""
        answer = self._client.call(verb, method="POST", params={"department": department}, body=body)
        self.answered += 1
        if answer.code == Code.OK and answer.ok:
            return answer
        error = answer.error(f"{verb}：上级平台")
        # Whoever mends it needs all of what the platform said.
        error.message = f"{verb}：上级平台答复 {answer.code}：{words(answer.msg) or '无说明'}"
        if answer.code in (Code.MALFORMED, Code.NOT_FOUND):
            raise RefusedError(error)
        raise error

    def deliver(
        self, batch: Sequence[T], send: Callable[[Sequence[T]], None], put_off: Callable[[T, str], None]
    ) -> None:
        """Send a batch; one that is refused as malformed is halved until only the culprit is put off."""
        try:
            send(batch)
        except RefusedError as refusal:
            if not refusal.is_malformed:
                raise
            if len(batch) == 1:
                put_off(batch[0], refusal.error.message)
                return
            middle = len(batch) // 2
            self.deliver(batch[:middle], send, put_off)
            self.deliver(batch[middle:], send, put_off)


def words(said: object) -> str:
    """What another platform said, in one line that the database can hold."""
    text = said if isinstance(said, str) else ""
    return "".join(char if char.isprintable() else " " for char in text[:200]).strip()
