"""大屏账号: an account for a wall that nobody sits at. It is never idle, only watches, and only from where it hangs."""

import re
import time
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from access.actors import Actor, address_of
from access.choices import ActorKind, Outcome
from access.models import User
from access.services.logs import record
from access.sessions import signed_in_at
from protocol.errors import MalformedError
from protocol.forwarding import is_among, networks_of, plain_address

MOST_NETWORKS: Final = 20
_BETWEEN: Final = re.compile(r"[\s,，、;；]+")
# Anything wider does not name a place.
_WIDEST: Final = {4: 16, 6: 48}
ELSEWHERE: Final = "大屏账号只能在登记的地址登录"


def networks_in(text: str) -> list[str]:
    """Addresses and networks, set apart by blanks, lines or commas; MalformedError unless there are some, all narrow."""
    words = list(dict.fromkeys(word for word in _BETWEEN.split(text) if word))
    if not words:
        raise MalformedError("请填写大屏所在的地址或网段，每行一个")
    if len(words) > MOST_NETWORKS:
        raise MalformedError(f"至多 {MOST_NETWORKS} 个地址或网段")
    for word in words:
        try:
            (network,) = networks_of([word])
        except ValueError:
            raise MalformedError(f"“{word[:50]}”不是地址或网段，例如 10.8.1.20 或 10.8.1.0/24") from None
        if network.prefixlen < _WIDEST[network.version]:
            raise MalformedError(f"“{word}”范围过大，IPv4 不大于 /16，IPv6 不大于 /48")
    return words


def may_come_from(user: User, address: str | None) -> bool:
    return is_among(plain_address(address or ""), networks_of(user.screen_networks))


def may_stay(request: HttpRequest, user: User) -> bool:
    """Asked at every request; whoever shows the session elsewhere has it from somebody, so that it ends with this."""
    if not may_come_from(user, address_of(request)):
        actor = Actor(ActorKind.STAFF, user.pk, user.display_name, address_of(request))
        record(actor, "结束登录会话", outcome=Outcome.REFUSED, reason="大屏账号的会话出现在登记以外的地址")
        return False
    at = signed_in_at(request)
    return at is not None and time.time() - at <= span().total_seconds()


def begin(request: HttpRequest) -> None:
    """Its cookie outlives the weeks that others have without a touch."""
    request.session.set_expiry(int(span().total_seconds()))


def span() -> timedelta:
    return timedelta(days=settings.SCREEN_SESSION_DAYS)
