"""Upper platforms: their records and the client that speaks to each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from access.actors import Actor
from access.models import Organisation
from access.services.logs import record
from access.services.organisations import ensure_root
from ministry.models import InterfaceState, UpperPlatform
from ministry.services.health import close_all_alarms
from ministry.services.slots import wait_until_free
from protocol.client import Credentials, PartnerClient, Sent
from protocol.errors import MalformedError, NotFoundError, RemoteError
from protocol.sm2 import is_private_key

_LOCK_SPACE = 0x544F4B
_CONNECT_SECONDS = 3.0


def add_upstream(
    *,
    name: str,
    base_url: str,
    user: str,
    device_code: str,
    actor: Actor,
    token: str = "",
    private_key: str = "",
    ca_file: str = "",
    organisation: Organisation | None = None,
    concurrency: int | None = None,
    requests_per_second: float | None = None,
) -> UpperPlatform:
    """Create an upper platform, or bring the one of that name up to date; of that, token and key stay unless given."""
    platform = UpperPlatform.objects.filter(name=name).first() or UpperPlatform(name=name)
    platform.base_url, platform.user, platform.device_code = base_url, user, device_code
    platform.ca_file = ca_file
    platform.token, platform.private_key = token or platform.token, private_key or platform.private_key
    if organisation is not None or platform.pk is None:
        platform.organisation = organisation or ensure_root()
    if concurrency is not None:
        platform.concurrency = concurrency
    if requests_per_second is not None:
        platform.requests_per_second = requests_per_second
    try:
        platform.full_clean()
    except ValidationError as error:
        raise MalformedError("；".join(error.messages)) from error
    if not is_private_key(platform.private_key):
        raise MalformedError("private_key 应为 64 位十六进制的 SM2 私钥")
    return save_upstream(platform=platform, actor=actor, has_new_token=bool(token))


def save_upstream(*, platform: UpperPlatform, actor: Actor, has_new_token: bool = True) -> UpperPlatform:
    """Store an upper platform that has passed `full_clean`; it is tried at once, not after a back-off.

    Without a new token the one in the database stays: an exchange may have changed it since the record
    was read, and the old one written back would cut the ring.
    """
    is_new = platform.pk is None
    platform.failures, platform.retry_at = 0, None
    if has_new_token:
        # When it was issued we do not know.
        platform.token_at = None
    with transaction.atomic():
        if is_new or has_new_token:
            platform.save()
        else:
            names = {field.name for field in platform._meta.concrete_fields}
            platform.save(update_fields=names - {"id", "token", "token_at"})
        InterfaceState.objects.filter(platform=platform).update(failures=0, retry_at=None)
        if not platform.is_active:
            close_all_alarms(platform)
        _log(actor, "新增上级平台" if is_new else "修改上级平台", platform)
    return platform


def remove_upstream(*, name: str, actor: Actor) -> None:
    platform = UpperPlatform.objects.filter(name=name).first()
    if platform is None:
        raise NotFoundError(f"没有名为 {name} 的上级平台")
    delete_upstream(platform=platform, actor=actor)


def delete_upstream(*, platform: UpperPlatform, actor: Actor) -> None:
    """What it acknowledged is forgotten with it; it is not told to forget our cameras."""
    # Runs see it and end; what they wrote meanwhile would keep the record alive.
    UpperPlatform.objects.filter(pk=platform.pk).update(is_active=False)
    with transaction.atomic():
        wait_until_free(platform)
        _log(actor, "删除上级平台", platform)
        close_all_alarms(platform)
        platform.delete()

def _log(actor: Actor, verb: str, platform: UpperPlatform) -> None:
    record(actor, verb, object_kind="upper_platform", object_id=platform.pk, object_name=platform.name)


def client_for(platform: UpperPlatform, *, observe: Callable[[Sent], None] | None = None) -> PartnerClient:
    """A client on the platform's token ring; new tokens are stored before they are used."""

    def keep(token: str) -> None:
        UpperPlatform.objects.filter(pk=platform.pk).update(token=token, token_at=timezone.now())

    credentials = Credentials(platform.user, platform.device_code, platform.token, platform.private_key)
    seconds = float(settings.MINISTRY_READ_SECONDS)
    return PartnerClient(
        platform.base_url,
        credentials,
        ca_file=platform.ca_file or None,
        on_token=keep,
        connect_timeout=min(_CONNECT_SECONDS, seconds),
        read_timeout=seconds,
        request_seconds=seconds,
        guard=lambda: _one_exchange(platform),
        observe=observe,
    )


@contextmanager
def _one_exchange(platform: UpperPlatform) -> Iterator[str | None]:
    """One exchange at a time over all processes; gives the token stored by now.

    Who waited behind an exchange that failed does not try the same again.
    """
    came_at = timezone.now()
    rows = UpperPlatform.objects.filter(pk=platform.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_SPACE, platform.pk])
        try:
            stored = rows.get()
            if stored.exchange_failed_at is not None and stored.exchange_failed_at > came_at:
                raise RemoteError(f"令牌更换刚刚失败：{stored.last_error}")
            try:
                yield stored.token
            except RemoteError:
                rows.update(exchange_failed_at=timezone.now())
                raise
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, platform.pk])
