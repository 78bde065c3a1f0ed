"""Indexes of logs with tens of millions of rows: built beside those who write, and again after a run that was cut off."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from access.models import BehaviourLog
from ptz.models import PtzOrder

LATEST = [
    ("access", "0010_logs_by_time", BehaviourLog),
    ("ptz", "0003_orders_by_person_and_address", PtzOrder),
]


def indexes_of(table: str) -> dict[str, bool]:
    """Name and whether it can be used."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = %s::regclass",
            [table],
        )
        return dict(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("app", "name", "model"), LATEST)
def test_indexes_of_a_log_are_built_again_after_a_run_that_was_cut_off(
    app: str, name: str, model: type[BehaviourLog | PtzOrder]
) -> None:
    table = model._meta.db_table
    whole = indexes_of(table)
    assert {index.name for index in model._meta.indexes} <= whole.keys()
    newest = model._meta.indexes[-1].name
    with connection.cursor() as cursor:
        # As it is left by a worker that was killed: the first are there, the last is not.
        cursor.execute(f"DROP INDEX {newest}")
    loader = MigrationLoader(connection)
    migration = loader.get_migration(app, name)
    before = loader.project_state((app, name), at_end=False)
    # Outside a transaction, which would keep everybody from writing until the last one is built.
    with connection.schema_editor(atomic=migration.atomic) as editor:
        migration.apply(before, editor)
    assert indexes_of(table) == whole
    assert all(whole.values())
