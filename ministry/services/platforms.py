"""Upper platforms: their records and the client that speaks to each."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.models import Organisation
from access.services.alarms import close_alarm
from access.services.logs import record
from access.services.organisations import ensure_root
from ministry.models import UpperPlatform
from protocol.client import Credentials, PartnerClient
from protocol.errors import MalformedError, NotFoundError
from protocol.sm2 import is_private_key


def add_upstream(
    *,
    name: str,
    base_url: str,
    user: str,
    device_code: str,
    token: str,
    private_key: str,
    actor: Actor,
    ca_file: str = "",
    organisation: Organisation | None = None,
) -> UpperPlatform:
    """Create an upper platform, or bring the one of that name up to date, its token ring included."""
    platform = UpperPlatform.objects.filter(name=name).first() or UpperPlatform(name=name)
    platform.base_url, platform.user, platform.device_code = base_url, user, device_code
    platform.token, platform.private_key, platform.ca_file = token, private_key, ca_file
    platform.organisation = organisation or ensure_root()
    try:
        platform.full_clean()
    except ValidationError as error:
        raise MalformedError("；".join(error.messages)) from error
    if not is_private_key(private_key):
        raise MalformedError("private_key 应为 64 位十六进制的 SM2 私钥")
    return save_upstream(platform=platform, actor=actor)


def save_upstream(*, platform: UpperPlatform, actor: Actor, has_new_token: bool = True) -> UpperPlatform:
    """Store an upper platform that has passed `full_clean`; it is tried at once, not after a back-off.

    Without a new token the one in the database stays: an exchange may have changed it since the record
    was read, and the old one written back would cut the ring.
    """
    is_new = platform.pk is None
    platform.failures, platform.retry_at = 0, None
    with transaction.atomic():
        if is_new or has_new_token:
            platform.save()
        else:
            names = {field.name for field in platform._meta.concrete_fields}
            platform.save(update_fields=names - {"id", "token", "token_at"})
        _log(actor, "新增上级平台" if is_new else "修改上级平台", platform)
    return platform


def remove_upstream(*, name: str, actor: Actor) -> None:
    platform = UpperPlatform.objects.filter(name=name).first()
    if platform is None:
        raise NotFoundError(f"没有名为 {name} 的上级平台")
    delete_upstream(platform=platform, actor=actor)


def delete_upstream(*, platform: UpperPlatform, actor: Actor) -> None:
    """What it acknowledged is forgotten with it; it is not told to forget our cameras."""
    with transaction.atomic():
        _log(actor, "删除上级平台", platform)
        close_alarm(key=alarm_key(platform))
        platform.delete()


def alarm_key(platform: UpperPlatform) -> str:
    return f"upper-platform:{platform.pk}"


def _log(actor: Actor, verb: str, platform: UpperPlatform) -> None:
    record(actor, verb, object_kind="upper_platform", object_id=platform.pk, object_name=platform.name)


def client_for(platform: UpperPlatform) -> PartnerClient:
    """A client on the platform's token ring; new tokens are stored before they are used."""

    def keep(token: str) -> None:
        UpperPlatform.objects.filter(pk=platform.pk).update(token=token, token_at=timezone.now())

    @contextmanager
    def guard() -> Iterator[str | None]:
        # One exchange at a time over all processes: the row is locked while it runs.
        with transaction.atomic():
            yield (
                UpperPlatform.objects.select_for_update().values_list("token", flat=True).get(pk=platform.pk)
            )

    credentials = Credentials(platform.user, platform.device_code, platform.token, platform.private_key)
    return PartnerClient(
        platform.base_url,
        credentials,
        ca_file=platform.ca_file or None,
        on_token=keep,
        guard=guard,
    )
