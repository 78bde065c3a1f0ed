from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from access.indexes import build_beside


class Migration(migrations.Migration):
    # Millions of rows: cameras are turned meanwhile.
    atomic = False

    dependencies = [
        ("cameras", "0010_change_history_imports_and_rejections"),
        ("ptz", "0002_orders_by_time"),
    ]

    operations = [
        *build_beside(
            "ptzorder",
            models.Index(fields=["-at", "-id"], name="ptz_order_time"),
        ),
        *build_beside(
            "ptzorder",
            models.Index(fields=["actor_kind", "actor_id", "-at", "-id"], name="ptz_order_actor"),
        ),
        *build_beside(
            "ptzorder",
            models.Index(fields=["address", "-at", "-id"], name="ptz_order_address"),
        ),
        *build_beside(
            "ptzorder",
            models.Index(
                condition=models.Q(("outcome", "done"), _negated=True),
                fields=["-at", "-id"],
                name="ptz_order_undone",
            ),
        ),
        RemoveIndexConcurrently("ptzorder", "ptz_order_at"),
    ]
