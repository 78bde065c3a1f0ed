"""Growing the organisation tree."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from access.choices import OrganisationKind
from access.models import Organisation
from access.selectors import root_organisation

# Department and road section, as cameras are reported with them.
Pair = tuple[str, str]


def ensure_root() -> Organisation:
    """The province itself, made on first use; its name may be changed by staff later."""
    found = root_organisation()
    if found is not None:
        return found
    root, _ = Organisation.objects.get_or_create(
        parent=None, name=settings.PROVINCE_NAME, defaults={"kind": OrganisationKind.PROVINCE}
    )
    return root


def place_department(*, within: Organisation, department: str, road_section: str) -> Organisation:
    """The node of `department` (company) and `road_section` (office, may be empty) inside `within`.

    `within` itself is taken when it is that company or office, then a node of that name anywhere below
    it (staff may have rearranged the tree), else a new one is made. Nothing outside `within` is touched.
    """
    pair = department, road_section
    return place_departments(within=within, pairs=[pair])[pair]


def place_departments(*, within: Organisation, pairs: Iterable[Pair]) -> dict[Pair, Organisation]:
    """The same for many pairs of department and road section, with one read for all of them.

    New nodes are made in the order of `pairs`, so that whoever makes many sorts them.
    """
    pairs = list(pairs)
    nodes = _Nodes(within, {name for pair in pairs for name in pair})
    return {
        (department, section): _place_pair(nodes, within, department, section)
        for department, section in pairs
    }


def _place_pair(nodes: "_Nodes", within: Organisation, department: str, road_section: str) -> Organisation:
    if within.kind == OrganisationKind.OFFICE and within.name == road_section:
        company = within.parent
        if company is not None and company.name == department:
            return within
    company = nodes.place(within, department, OrganisationKind.COMPANY)
    if not road_section:
        return company
    return nodes.place(company, road_section, OrganisationKind.OFFICE)


class _Nodes:
    """The nodes of some names in a subtree, by name and kind; grows with those that are made."""

    def __init__(self, within: Organisation, names: Iterable[str]) -> None:
        self._known: dict[tuple[str, int], list[Organisation]] = {}
        below = Organisation.objects.filter(path__startswith=within.path, name__any_of=sorted(names))
        for node in below.order_by("path"):
            self._known.setdefault((node.name, node.kind), []).append(node)

    def place(self, within: Organisation, name: str, kind: OrganisationKind) -> Organisation:
        if within.kind == kind and within.name == name:
            return within
        known = self._known.setdefault((name, kind), [])
        for node in known:
            if node.pk != within.pk and within.contains(node):
                return node
        # The unique index decides between two who make it at once; the later one gets the earlier one's node.
        with transaction.atomic():
            node, _ = Organisation.objects.get_or_create(parent=within, name=name, defaults={"kind": kind})
        known.append(node)
        return node
