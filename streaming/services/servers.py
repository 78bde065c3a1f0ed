"""Media servers of the platform."""

from django.core.exceptions import ValidationError
from django.db import transaction

from access.actors import Actor
from access.services.logs import record
from protocol.errors import MalformedError
from streaming.choices import MediaKind
from streaming.models import MediaServer
from streaming.services.domains import delete_play_domain


def add_media_server(
    *,
    name: str,
    kind: MediaKind,
    rtmp_url: str,
    http_url: str,
    actor: Actor,
    api_url: str = "",
    secret: str = "",
    ca_file: str = "",
) -> MediaServer:
    """Create a media server, or bring the one of that name up to date."""
    server = MediaServer.objects.filter(name=name).first() or MediaServer(name=name)
    server.kind, server.rtmp_url, server.http_url = kind, rtmp_url, http_url
    server.api_url, server.secret, server.ca_file = api_url, secret, ca_file
    try:
        server.full_clean()
    except ValidationError as error:
        raise MalformedError("；".join(error.messages)) from error
    return save_media_server(server=server, actor=actor)


def save_media_server(*, server: MediaServer, actor: Actor) -> MediaServer:
    """Store a media server that has passed `full_clean`."""
    is_new = server.pk is None
    with transaction.atomic():
        server.save()
        record(
            actor,
            "新增媒体服务器" if is_new else "修改媒体服务器",
            object_kind="media_server",
            object_id=server.pk,
            object_name=server.name,
        )
    return server


@transaction.atomic
def delete_media_server(*, server: MediaServer, actor: Actor) -> None:
    """And the play domains that are before it alone; ProtectedError while it carries streams."""
    for domain in server.play_domains.all():
        delete_play_domain(domain=domain, actor=actor)
    record(actor, "删除媒体服务器", object_kind="media_server", object_id=server.pk, object_name=server.name)
    server.delete()
