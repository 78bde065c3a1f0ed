"""Writing the behaviour log."""

from collections.abc import Mapping

from access.actors import Actor
from access.choices import Outcome
from access.models import BehaviourLog


def record(
    actor: Actor,
    verb: str,
    *,
    object_kind: str = "",
    object_id: str | int = "",
    object_name: str = "",
    outcome: Outcome = Outcome.DONE,
    reason: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Adds one row; texts are cut to their columns, so that a hostile name never loses the row."""
    BehaviourLog.objects.create(
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=_fit("actor_name", actor.name),
        address=actor.address,
        verb=_fit("verb", verb),
        object_kind=_fit("object_kind", object_kind),
        object_id=_fit("object_id", str(object_id)),
        object_name=_fit("object_name", object_name),
        outcome=outcome,
        reason=_fit("reason", reason),
        detail=dict(detail or {}),
    )


def _fit(field: str, text: str) -> str:
    # PostgreSQL refuses NUL and lone surrogates in text.
    storable = text.replace("\0", "").encode("utf-8", "replace").decode()
    return storable[: getattr(BehaviourLog._meta.get_field(field), "max_length", None)]
