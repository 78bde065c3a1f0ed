"""The ministry's end of the token ring (document appendix 2)."""

import secrets
import time
from dataclasses import dataclass

from tests.mock_ministry.memory import Memory
from tests.mock_ministry.signatures import is_signed_by

LIFETIME_SECONDS = 2 * 3600
GRACE_SECONDS = 600


class RefusedError(Exception):
    """Answered with code 403."""


@dataclass(frozen=True)
class Account:
    """What was handed over offline."""

    user: str
    device_code: str
    first_token: str
    public_key: str


class TokenRing:
    def __init__(self, account: Account, memory: Memory) -> None:
        self._account = account
        self._kept = memory.tokens
        if "current" not in self._kept.rows:
            self._keep(account.first_token, previous=None)

    def check(self, token: str) -> None:
        """Accepts the newest token, and the one before it until the newest has been used."""
        row = self._kept.rows["current"]
        if row.get("is_expired"):
            raise RefusedError("令牌已过期")
        if secrets.compare_digest(token, row["token"]):
            if time.time() > row["issued_at"] + LIFETIME_SECONDS:
                raise RefusedError("令牌已过期")
            if not row["used"]:
                self._kept.put([("current", {**row, "used": True})])
        elif not self._is_previous(token):
            raise RefusedError("令牌无效")

    def exchange(self, *, user: str, device_code: str, token: str, sign: str) -> str:
        row = self._kept.rows["current"]
        is_current = secrets.compare_digest(token, row["token"])
        if not is_current and not self._is_previous(token):
            raise RefusedError("令牌无效")
        if (user, device_code) != (self._account.user, self._account.device_code):
            raise RefusedError("用户或编号与令牌不符")
        text = f"deviceCode={device_code}&user={user}&token={token}"
        if not is_signed_by(self._account.public_key, text, sign):
            raise RefusedError("签名验证失败")
        if not is_current and not row.get("is_expired"):
            return str(row["token"])  # the answer with it was lost
        return self._keep(secrets.token_hex(16), previous=token)

    def expire(self) -> None:
        """No token is good for a request now; each can still be exchanged as before."""
        row = self._kept.rows["current"]
        self._kept.put([("current", {**row, "is_expired": True})])

    def _is_previous(self, token: str) -> bool:
        row = self._kept.rows["current"]
        return (
            row["previous"] is not None
            and secrets.compare_digest(token, row["previous"])
            and not row["used"]
            and time.time() <= row["issued_at"] + GRACE_SECONDS
        )

    def _keep(self, token: str, *, previous: str | None) -> str:
        row = {
            "token": token,
            "previous": previous,
            "issued_at": time.time(),
            "is_expired": False,
            "used": False,
        }
        self._kept.put([("current", row)])
        return token
