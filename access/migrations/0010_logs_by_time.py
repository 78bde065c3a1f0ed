from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from access.indexes import build_beside


class Migration(migrations.Migration):
    # Tens of millions of rows: whoever acts meanwhile is logged, and does not wait for minutes.
    atomic = False

    dependencies = [
        ("access", "0009_alarms_know_when_it_began"),
    ]

    operations = [
        *build_beside(
            "behaviourlog",
            models.Index(fields=["-at", "-id"], name="behaviour_time"),
        ),
        *build_beside(
            "behaviourlog",
            models.Index(fields=["actor_kind", "actor_id", "-at", "-id"], name="behaviour_actor_time"),
        ),
        *build_beside(
            "behaviourlog",
            models.Index(fields=["verb", "-at", "-id"], name="behaviour_verb_time"),
        ),
        *build_beside(
            "behaviourlog",
            models.Index(fields=["address", "-at", "-id"], name="behaviour_address_time"),
        ),
        *build_beside(
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
