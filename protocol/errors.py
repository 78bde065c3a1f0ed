"""Everything that can go wrong, with the code the document gives it.

    ProtocolError
    ├── MalformedError      400  the request is not what the document asks for; msg says where
    │   └── CameraItemError 400  one item of a list (protocol.cameras, protocol.bodies); all its faults
    ├── ForbiddenError      403  no token, wrong scope, held by a higher level, too many requests
    ├── NotFoundError       404  no such camera, department or verb
    ├── InternalError       500  something failed inside; msg carries an error id
    └── RemoteError         500  another platform or gateway failed; `permanent` drives retries

Messages are Chinese and meant for the partner; they never hold a secret or a stack trace.
"""

import json
from typing import ClassVar, Final

from protocol.codes import Code

LONGEST_SHOWN: Final = 40
_WIDE_SPACE: Final = "\u3000"


def shorten(value: object) -> str:
    """The value as a message may quote it: one line, at most 40 characters, printable everywhere."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    shown = "".join(
        char if char.isprintable() or char == _WIDE_SPACE else f"\\u{ord(char):04x}"
        for char in text[:LONGEST_SHOWN]
    )
    return shown + "…" if len(text) > LONGEST_SHOWN else shown


class ProtocolError(Exception):
    """Root of the tree. `message` is Chinese and may be shown to whoever asked."""

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class MalformedError(ProtocolError):
    code = Code.MALFORMED


class CameraItemError(MalformedError):
    """One item of a list that cannot be taken. `faults`: every fault in words, field and value named."""

    def __init__(self, camera_num: str, faults: tuple[str, ...]) -> None:
        super().__init__("；".join(faults))
        self.camera_num = camera_num
        self.faults = faults


class ForbiddenError(ProtocolError):
    """`retry_after` in whole seconds, when waiting helps; it becomes the Retry-After header."""

    code = Code.FORBIDDEN

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFoundError(ProtocolError):
    code = Code.NOT_FOUND


class InternalError(ProtocolError):
    code = Code.INTERNAL


class RemoteError(ProtocolError):
    """Another platform or gateway failed.

    Retry classes:
    - `permanent` False: nothing was understood or the other side is unwell (no connection, time-out,
      broken or oversized answer, HTTP 408, 425, 429 and 5xx, code 500, anything with Retry-After).
      The same request may succeed later; wait at least `retry_after` seconds when it is set.
    - `permanent` True: the other side understood and refused (code 400, 403, 404, HTTP 3xx and other 4xx),
      or the request cannot be sent at all. Sending it again unchanged is useless.

    `remote_code` is the `code` of the answer, `http_status` the HTTP status; None when there was none.
    `is_timeout`: the request was sent and nothing came in time, so that it may still be worked on.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        remote_code: int | None = None,
        http_status: int | None = None,
        retry_after: int | None = None,
        is_timeout: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.is_timeout = is_timeout
        self.remote_code = remote_code
        self.http_status = http_status
        self.retry_after = retry_after
