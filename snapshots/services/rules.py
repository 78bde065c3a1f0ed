"""What staff decide about pictures of a kind of place or an organisation: how they look, how long they are kept."""

from django.db import transaction

from access.actors import Actor
from access.services.logs import record
from snapshots.models import JpegRule, RetentionRule

Rule = JpegRule | RetentionRule


@transaction.atomic
def save_rule(*, rule: Rule, actor: Actor) -> None:
    """Store a rule that has passed `full_clean`; it holds for the pictures taken from now on."""
    rule.save()
    _note(rule, "修改", actor)


@transaction.atomic
def delete_rule(*, rule: Rule, actor: Actor) -> None:
    _note(rule, "删除", actor)
    rule.delete()


def _note(rule: Rule, what: str, actor: Actor) -> None:
    verb = f"{what}{rule._meta.verbose_name}"
    if isinstance(rule, RetentionRule):
        place = rule.organisation
        record(
            actor,
            verb,
            object_kind="organisation",
            object_id=place.pk,
            object_name=place.name,
            detail={"保留天数": rule.days},
        )
    else:
        detail = {"JPEG 质量": rule.quality, "最长边": rule.longest_side}
        record(actor, verb, object_kind="jpeg", object_id=rule.classify, object_name=str(rule), detail=detail)
