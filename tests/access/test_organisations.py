"""The organisation tree."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from access.choices import OrganisationKind
from access.duty_checks import check_root
from access.models import Organisation
from access.selectors import organisations_named
from access.services.organisations import ensure_root, place_department
from tests.access.test_token_ring_parallel import at_once

pytestmark = pytest.mark.django_db


def place(within: Organisation, department: str, road_section: str = "") -> Organisation:
    return place_department(within=within, department=department, road_section=road_section)


def test_root_bears_the_name_of_the_province(province: Organisation) -> None:
    assert (province.name, province.kind, province.path) == (
        "示范省",
        OrganisationKind.PROVINCE,
        f"/{province.pk}/",
    )
    Organisation.objects.filter(pk=province.pk).update(name="山东省")
    assert ensure_root().pk == province.pk


def test_department_and_section_become_company_and_office(province: Organisation) -> None:
    office = place(province, "山东高速", "济南管理处")
    assert (office.kind, office.parent.kind) == (OrganisationKind.OFFICE, OrganisationKind.COMPANY)  # type: ignore[union-attr]
    assert office.path == f"/{province.pk}/{office.parent_id}/{office.pk}/"
    assert place(province, "山东高速", "济南管理处") == office
    assert place(province, "山东高速") == office.parent
    # The same name of an office below another company is another office.
    assert place(province, "齐鲁交通", "济南管理处") != office


def test_the_partners_own_company_or_office_is_taken_itself(
    company: Organisation, office: Organisation
) -> None:
    assert place(company, "山东高速") == company
    assert place(company, "山东高速", "济南管理处") == office
    assert place(office, "山东高速", "济南管理处") == office


@pytest.mark.parametrize(("department", "section"), [("齐鲁交通", ""), ("齐鲁交通", "济南管理处")])
def test_nothing_is_placed_outside_the_partners_subtree(
    company: Organisation, office: Organisation, other_company: Organisation, department: str, section: str
) -> None:
    for within in (company, office):
        placed = place(within, department, section)
        assert within.contains(placed)
        assert placed not in (company, office, other_company)


def test_a_company_that_staff_moved_is_found_again(province: Organisation, company: Organisation) -> None:
    group = place(province, "山东高速集团")
    company.parent = group
    company.save()
    assert place(province, "山东高速") == company


def test_a_moved_node_takes_its_subtree_along(
    company: Organisation, office: Organisation, other_company: Organisation
) -> None:
    company.parent = other_company
    company.save()
    office.refresh_from_db()
    assert company.path == f"{other_company.path}{company.pk}/"
    assert office.path == f"{company.path}{office.pk}/"


def test_a_node_cannot_hang_below_itself(company: Organisation, office: Organisation) -> None:
    for parent in (company, office):
        company.parent = parent
        with pytest.raises(ValidationError, match="上级单位"):
            company.full_clean()


def test_a_name_at_several_places_means_companies_first_then_all(province: Organisation) -> None:
    one, two = place(province, "甲公司", "城东管理处"), place(province, "乙公司", "城东管理处")
    # In the order of their paths, which are texts: 99 stands behind 100.
    assert set(organisations_named("城东管理处", province)) == {one, two}
    company = place(province, "城东管理处")
    assert organisations_named("城东管理处", province) == [company]
    assert organisations_named("城东管理处", place(province, "乙公司")) == [two]
    assert organisations_named("没有这家", province) == []


@pytest.mark.django_db(transaction=True)
def test_six_at_once_make_one_tree() -> None:
    offices = at_once(6, lambda: place(ensure_root(), "山东高速", "济南管理处").pk)
    assert len(set(offices)) == 1
    assert Organisation.objects.count() == 3


def test_a_subtree_is_read_through_its_index(company: Organisation) -> None:
    query = Organisation.objects.filter(path__startswith=company.path)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "organisation_path" in query.explain()


def test_there_is_one_root(province: Organisation, company: Organisation) -> None:
    """Whoever holds a role on it holds it for the whole province."""
    for node in (Organisation(name="另一个省", kind=OrganisationKind.PROVINCE), company):
        node.parent = None
        with pytest.raises(ValidationError, match="省中心只有一个"):
            node.full_clean()
    province.full_clean()
    assert check_root(None, databases=["default"]) == []
    Organisation.objects.create(name="另一个省", kind=OrganisationKind.PROVINCE)
    assert [found.id for found in check_root(None, databases=["default"])] == ["access.W027"]
