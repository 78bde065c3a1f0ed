"""Which organisation is meant by 单位 and 管理处 of a row, as far as the person who wrote it may go."""

from collections import defaultdict
from dataclasses import dataclass

from access.choices import Action, OrganisationKind
from access.models import Organisation, User
from access.selectors import organisations_visible_to
from access.services.organisations import place_department
from cameras.services.history import place_name
from protocol.errors import MalformedError

# Company and office, as a row names them; the office is empty for cameras of the company itself.
Names = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Office:
    """An organisation that is there (`pk`), or is to be made inside another one."""

    pk: int | None
    words: str
    company: str
    within: int | None = None


class Offices:
    """The organisations in which somebody keeps the ledger, read once."""

    def __init__(self, user: User) -> None:
        nodes = list(organisations_visible_to(user, Action.LEDGER).select_related("parent"))
        self._nodes = {node.pk: node for node in nodes}
        self._named: dict[Names, list[Organisation]] = defaultdict(list)
        self._companies: dict[str, list[Organisation]] = defaultdict(list)
        for node in nodes:
            self._named[names_of(node)].append(node)
            if node.kind == OrganisationKind.COMPANY:
                self._companies[node.name].append(node)
        self._root = next((node for node in nodes if node.parent_id is None), None)

    def find(self, department: str, section: str, held: int | None) -> Office:
        """MalformedError in words when there is none; `held` is where the camera is now, which its names may mean."""
        names = (department, "" if section == department else section)
        found = self._named.get(names, [])
        if len(found) > 1:
            found = [node for node in found if node.pk == held] or found
        if len(found) == 1:
            return self._office(found[0])
        if found:
            raise MalformedError(f"有 {len(found)} 个单位都叫“{department} {section}”，请在管理后台改名后再导入")
        return self._new(*names)

    def _office(self, node: Organisation) -> Office:
        return Office(node.pk, place_name(node), company_of(node))

    def _new(self, department: str, section: str) -> Office:
        companies = self._companies.get(department, [])
        if len(companies) == 1:
            (company,) = companies
            words = f"{department} / {section}" if section else department
            return Office(None, words, company_of(company), within=company.pk)
        if not companies and self._root is not None:
            return Office(None, " / ".join(filter(None, (department, section))), department, within=self._root.pk)
        raise MalformedError(f"单位“{department}”没有登记，或不在您维护的范围内")

    def make(self, names: Names, within: int) -> int:
        """The organisation that `find` said is to be made."""
        node = place_department(
            within=self._nodes[within], department=names[0], road_section="" if names[1] == names[0] else names[1]
        )
        return node.pk


def names_of(node: Organisation) -> Names:
    """How a row names it; `parent` should be loaded."""
    return names_of_row(node.name, node.kind, node.parent.name if node.parent else None)


def names_of_row(name: str, kind: int, parent: str | None) -> Names:
    if kind == OrganisationKind.OFFICE and parent is not None:
        return parent, name
    return name, ""


def company_of(node: Organisation) -> str:
    """The key of its company: the node below the province, by its id."""
    return company_in(node.path)


def company_in(path: str) -> str:
    """The same from `/1/7/23/`; cameras of the province itself are of a company of their own."""
    ids = path.strip("/").split("/")
    return ids[1] if len(ids) > 1 else ids[0]
