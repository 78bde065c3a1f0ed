"""The token this gateway holds, kept over restarts and never used before it is on disk."""

import hmac
import threading
from pathlib import Path

import msgspec

from gateway.keeping import write_private
from protocol.tokens import token_digest


class StateError(Exception):
    """The state file cannot be read or written; the text (Chinese) says which and why."""


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    current: str
    previous: str
    configured: str  # digest of the configured token the chain began with


class TokenState:
    """The current and the previous token. Thread-safe: the client renews from a thread."""

    def __init__(self, path: Path, configured: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._configured = token_digest(configured)
        kept = self._load()
        # Another token in the configuration is one newly handed over: the kept chain is history.
        if kept is None or (kept.configured != self._configured and kept.current != configured):
            kept = _Kept(current=configured, previous="", configured=self._configured)
            self.is_fresh = True
        else:
            self.is_fresh = kept.previous == ""
        self._current, self._previous = kept.current, kept.previous

    @property
    def current(self) -> str:
        with self._lock:
            return self._current

    def renew(self, token: str) -> None:
        """Write the new token down, then use it. Raises StateError and keeps the old one."""
        with self._lock:
            if token == self._current:
                return
            self._store(_Kept(current=token, previous=self._current, configured=self._configured))
            self._current, self._previous = token, self._current
            self.is_fresh = False

    def accepts(self, token: str) -> bool:
        """Whether this is one of the two newest tokens; the time taken does not tell how near it was."""
        given = token.encode()
        with self._lock:
            held = [self._current.encode(), self._previous.encode()]
        matches = [hmac.compare_digest(given, one) for one in held if one]
        return any(matches)

    def _load(self) -> _Kept | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"状态文件 {self._path} 无法读取：{error.strerror}") from error
        except msgspec.DecodeError as error:
            raise StateError(f"状态文件 {self._path} 内容损坏，请删除后重启：{error}") from error

    def _store(self, kept: _Kept) -> None:
        try:
            write_private(self._path, msgspec.json.encode(kept))
        except OSError as error:
            raise StateError(f"状态文件 {self._path} 无法写入：{error.strerror}") from error
