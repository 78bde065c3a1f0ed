"""What staff decide about the viewing of single cameras: limits, and hours in which they are hot."""

from django.db import transaction

from access.actors import Actor
from access.services.logs import record
from streaming.models import HotHours, ViewerLimit

Rule = ViewerLimit | HotHours


@transaction.atomic
def save_rule(*, rule: Rule, actor: Actor) -> None:
    """Store a rule that has passed `full_clean`; it holds from the next viewer, or the next two seconds, on."""
    rule.save()
    _note(rule, "修改", actor)


@transaction.atomic
def delete_rule(*, rule: Rule, actor: Actor) -> None:
    _note(rule, "删除", actor)
    rule.delete()


def _note(rule: Rule, what: str, actor: Actor) -> None:
    detail: dict[str, object] = (
        {"同时观看上限": rule.most_viewers}
        if isinstance(rule, ViewerLimit)
        else {"自": f"{rule.begins:%H:%M}", "至": f"{rule.ends:%H:%M}"}
    )
    record(
        actor,
        f"{what}{rule._meta.verbose_name}",
        object_kind="camera",
        object_id=rule.camera_id,
        object_name=rule.camera.name,
        detail=detail,
    )
