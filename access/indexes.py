"""Indexes of tables with tens of millions of rows, built while the platform goes on writing."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def build_beside(model: str, index: models.Index) -> list[Operation]:
    """For a migration that is not atomic. What a run that was cut off left half built goes first, so that it can be run
    again.
    """
    half = migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop)
    return [half, AddIndexConcurrently(model, index)]
