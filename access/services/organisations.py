"""Growing the organisation tree."""

from django.conf import settings
from django.db import transaction

from access.choices import OrganisationKind
from access.models import Organisation
from access.selectors import root_organisation


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
    if within.kind == OrganisationKind.OFFICE and within.name == road_section:
        company = within.parent
        if company is not None and company.name == department:
            return within
    company = _place(within, department, OrganisationKind.COMPANY)
    if not road_section:
        return company
    return _place(company, road_section, OrganisationKind.OFFICE)


def _place(within: Organisation, name: str, kind: OrganisationKind) -> Organisation:
    if within.kind == kind and within.name == name:
        return within
    below = Organisation.objects.filter(path__startswith=within.path, name=name, kind=kind)
    found = below.exclude(pk=within.pk).order_by("path").first()
    if found is not None:
        return found
    # The unique index decides between two who make it at once; the later one gets the earlier one's node.
    with transaction.atomic():
        node, _ = Organisation.objects.get_or_create(parent=within, name=name, defaults={"kind": kind})
    return node
