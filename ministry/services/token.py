"""A new token at the wish of staff, before the old one is refused."""

from access.actors import Actor
from access.choices import Outcome
from access.services.logs import record
from ministry.models import UpperPlatform
from ministry.services.channel import Channel
from protocol.errors import RemoteError


def exchange_token(*, platform: UpperPlatform, actor: Actor) -> None:
    """Exchange it now; what waited for a token is tried at once. RemoteError when there is no new one."""
    try:
        Channel(platform).exchange_token()
    except RemoteError as error:
        _log(actor, platform, Outcome.FAILED, error.message)
        raise
    _log(actor, platform, Outcome.DONE, "")
    UpperPlatform.objects.filter(pk=platform.pk).update(failures=0, retry_at=None, last_error="")


def _log(actor: Actor, platform: UpperPlatform, outcome: Outcome, reason: str) -> None:
    record(
        actor,
        "更换上级平台令牌",
        object_kind="upper_platform",
        object_id=platform.pk,
        object_name=platform.name,
        outcome=outcome,
        reason=reason,
    )
