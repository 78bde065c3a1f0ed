"""Sessions of Django in a table that also says who is signed in, since when and from where."""

from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest

from access.actors import address_of

SEEN: Final = "console_seen_at"
_SIGNED_IN: Final = "signed_in"
_MOST_AGENT: Final = 200


def note_sign_in(request: HttpRequest) -> None:
    agent = request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:_MOST_AGENT]
    at = datetime.now(UTC).timestamp()
    request.session[_SIGNED_IN] = {"at": at, "address": address_of(request), "agent": agent}


def signed_in_at(request: HttpRequest) -> float | None:
    """Seconds since the epoch."""
    at = request.session.get(_SIGNED_IN, {}).get("at")
    return float(at) if at is not None else None


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type:
        # Models are not there yet when Django reads this module.
        from access.models import StaffSession

        return StaffSession

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        signed_in = data.get(_SIGNED_IN) or {}
        row.user_id = data.get(SESSION_KEY)
        row.address, row.agent = signed_in.get("address"), signed_in.get("agent", "")
        row.signed_in_at, row.seen_at = _moment(signed_in.get("at")), _moment(data.get(SEEN))
        return row


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
