from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def _anew(model: str, index: models.Index) -> list[Operation]:
    """What a run that was cut off left half built goes first, so that it can be run again."""
    half = migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop)
    return [half, AddIndexConcurrently(model, index)]


class Migration(migrations.Migration):
    # Tens of millions of rows: whoever acts meanwhile is logged, and does not wait for minutes.
    atomic = False

    dependencies = [
        ("access", "0009_alarms_know_when_it_began"),
    ]

    operations = [
        *_anew(
            "behaviourlog",
            models.Index(fields=["-at", "-id"], name="behaviour_time"),
        ),
        *_anew(
            "behaviourlog",
            models.Index(fields=["actor_kind", "actor_id", "-at", "-id"], name="behaviour_actor_time"),
        ),
        *_anew(
            "behaviourlog",
            models.Index(fields=["verb", "-at", "-id"], name="behaviour_verb_time"),
        ),
        *_anew(
            "behaviourlog",
            models.Index(fields=["address", "-at", "-id"], name="behaviour_address_time"),
        ),
        *_anew(
            "behaviourlog",
            models.Index(
                condition=models.Q(("outcome", "done"), _negated=True),
                fields=["outcome", "-at", "-id"],
                name="behaviour_undone_time",
            ),
        ),
        RemoveIndexConcurrently("behaviourlog", "behaviour_at"),
        RemoveIndexConcurrently("behaviourlog", "behaviour_actor"),
        RemoveIndexConcurrently("behaviourlog", "behaviour_verb"),
        RemoveIndexConcurrently("behaviourlog", "behaviour_not_done"),
    ]
