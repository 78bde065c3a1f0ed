"""Changing the key of what is stored encrypted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.db.models import Field, Model
from psycopg import sql

from access.encryption import (
    EncryptedTextField,
    decrypt_text,
    encrypt_text,
    is_sealed,
    is_sealed_anew,
)

_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One encrypted column of one table."""

    model: type[Model]
    field: EncryptedTextField

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"


@dataclass(frozen=True, slots=True)
class Resealed:
    """Of one column: values under the newest key before, and values that were brought under it."""

    column: SealedColumn
    fresh: int
    resealed: int


def sealed_columns() -> list[SealedColumn]:
    """Every encrypted column of every model there is."""
    return [
        SealedColumn(model, field)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
        if isinstance(field, EncryptedTextField)
    ]


def reseal(column: SealedColumn, *, is_trial: bool = False) -> Resealed:
    """Brings all values of a column under the newest key; with `is_trial` only counts them.

    Each value is replaced by itself, and only where nobody wrote another one meanwhile: an end half-way harms
    nothing, and the next call goes on. `ImproperlyConfigured` where the key of a value is not there.
    """
    fresh = resealed = 0
    for pk, stored in _stored(column):
        if is_sealed_anew(stored):
            fresh += 1
            continue
        plain = decrypt_text(stored) if is_sealed(stored) else stored
        resealed += 1 if is_trial else _replace(column, pk, stored, encrypt_text(plain))
    return Resealed(column, fresh, resealed)


def _stored(column: SealedColumn) -> Iterator[tuple[Any, str]]:
    """Key and value of each row that has one, as they lie in the table."""
    last: Any = None
    while True:
        query = sql.SQL("SELECT {pk}, {value} FROM {table} WHERE {value} <> ''").format(**_names(column))
        if last is not None:
            query += sql.SQL(" AND {} > {}").format(_names(column)["pk"], sql.Literal(last))
        query += sql.SQL(" ORDER BY {} LIMIT {}").format(_names(column)["pk"], sql.Literal(_ROWS_AT_ONCE))
        with connection.cursor() as cursor:
            cursor.execute(query)
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = rows[-1][0]


def _replace(column: SealedColumn, pk: Any, old: str, new: str) -> int:
    query = sql.SQL("UPDATE {table} SET {value} = %s WHERE {pk} = %s AND {value} = %s")
    with connection.cursor() as cursor:
        cursor.execute(query.format(**_names(column)), [new, pk, old])
        return int(cursor.rowcount)


def _names(column: SealedColumn) -> dict[str, sql.Identifier]:
    key: Field[Any, Any] = column.model._meta.pk
    return {
        "table": sql.Identifier(column.model._meta.db_table),
        "pk": sql.Identifier(key.column or ""),
        "value": sql.Identifier(column.field.column or ""),
    }
