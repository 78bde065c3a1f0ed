"""Changes of cameras' states: what is old is dropped, but never what still holds."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from cameras.models import Camera

# Cameras of one statement: it is over soon, and a task that is stopped has done something.
_AT_ONCE = 500


def forget_old_changes(changes: type[models.Model], *, now: datetime | None = None) -> int:
    """Drop the rows of `changes` (which have `camera_id` and `at`) beyond HISTORY_KEEP_DAYS; how many.

    The newest of them stays for each camera: it says how the first day that is kept began.
    """
    before = (now or timezone.now()) - timedelta(days=settings.HISTORY_KEEP_DAYS)
    table = connection.ops.quote_name(changes._meta.db_table)
    statement = (
        f"DELETE FROM {table} c WHERE camera_id BETWEEN %s AND %s AND at < "  # noqa: S608 - a table of ours
        f"(SELECT max(at) FROM {table} n WHERE n.camera_id = c.camera_id AND n.at <= %s)"
    )
    ids = list(Camera.objects.order_by("pk").values_list("pk", flat=True))
    dropped = 0
    for begin in range(0, len(ids), _AT_ONCE):
        batch = ids[begin : begin + _AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(statement, [batch[0], batch[-1], before])
            dropped += cursor.rowcount
    return dropped
