"""`field__any_of=[...]`: thousands of values as one array, where `__in` makes a parameter of each."""

from typing import Any

from django.db.models import CharField, Lookup


@CharField.register_lookup
class AnyOf(Lookup[list[str]]):
    lookup_name = "any_of"
    # The list goes to the database as it is, not through the field value by value.
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", (*params, self.rhs)
