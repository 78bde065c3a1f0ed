from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def _anew(model: str, index: models.Index) -> list[Operation]:
    """What a run that was cut off left half built goes first, so that it can be run again."""
    half = migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop)
    return [half, AddIndexConcurrently(model, index)]


class Migration(migrations.Migration):
    # Millions of rows: cameras are turned meanwhile.
    atomic = False

    dependencies = [
        ("cameras", "0010_change_history_imports_and_rejections"),
        ("ptz", "0002_orders_by_time"),
    ]

    operations = [
        *_anew(
            "ptzorder",
            models.Index(fields=["-at", "-id"], name="ptz_order_time"),
        ),
        *_anew(
            "ptzorder",
            models.Index(fields=["actor_kind", "actor_id", "-at", "-id"], name="ptz_order_actor"),
        ),
        *_anew(
            "ptzorder",
            models.Index(fields=["address", "-at", "-id"], name="ptz_order_address"),
        ),
        *_anew(
            "ptzorder",
            models.Index(
                condition=models.Q(("outcome", "done"), _negated=True),
                fields=["-at", "-id"],
                name="ptz_order_undone",
            ),
        ),
        RemoveIndexConcurrently("ptzorder", "ptz_order_at"),
    ]
