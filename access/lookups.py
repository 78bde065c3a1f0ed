"""`field__any_of=[...]`: thousands of values as one parameter, where `__in` makes one of each."""

import json
from typing import Any, ClassVar

from django.db.models import CharField, IntegerField, Lookup


@CharField.register_lookup
class AnyOf(Lookup[list[Any]]):
    """As one JSON text: psycopg writes an array value by value, which takes longer than the search."""

    lookup_name = "any_of"
    # The list goes to the database as it is, not through the field value by value.
    prepare_rhs = False
    kind: ClassVar[str] = "text"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, params = self.process_lhs(compiler, connection)
        # An array out of a subquery has a length unknown to the planner, which then takes the index.
        values = f"ARRAY(SELECT json_array_elements_text(%s::json)::{self.kind})"
        return f"{left} = ANY({values})", (*params, json.dumps(self.rhs))


@IntegerField.register_lookup
class AnyNumberOf(AnyOf):
    """The same for ids."""

    kind = "bigint"
