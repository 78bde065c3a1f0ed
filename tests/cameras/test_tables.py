"""Cells that neither the database nor a reader can make sense of: told by row and column, never an error of ours."""

import io
import zipfile

import pytest

from access.actors import SYSTEM
from access.models import User
from cameras.models import Camera, LedgerImport
from cameras.services.imports import commit_import, preview_import, verdicts_of
from cameras.services.judging import Verdict
from cameras.services.tables import read_table
from cameras.xlsx import SheetError
from tests.cameras.sheets import TITLES, row, sheet

pytestmark = pytest.mark.django_db


def previewed(user: User, file: io.BytesIO) -> tuple[LedgerImport, list[Verdict]]:
    made = preview_import(user=user, file=file, filename="点位.xlsx", size=len(file.getvalue()))
    return made, verdicts_of(made)


# The writer makes `_x0000_` of it, as spreadsheets do.
@pytest.mark.parametrize("control", ["\x00", "\x07", "\x1f", "\x7f", "\x9f"])
@pytest.mark.parametrize("key", ["number", "name", "section", "gateway", "others", "longitude"])
def test_a_control_character_is_told_with_its_cell(superuser: User, control: str, key: str) -> None:
    made, found = previewed(superuser, sheet(row(1, **{key: f"ab{control}c"}), row(2)))
    wrong, right = found
    cell, title, text, words = wrong.faults[0]
    assert (wrong.kind, right.kind) == ("wrong", "new")
    assert cell[-1] == "2" and title in TITLES
    assert text == f"ab_x{ord(control):04X}_c" and words.startswith("第 3 个字符是看不见的控制字符 _x")
    commit_import(user=superuser, import_id=made.pk, skips_wrong=True, actor=SYSTEM)
    assert Camera.objects.count() == 1


def test_in_titles_and_strange_columns_it_does_no_harm(superuser: User) -> None:
    titles = [*TITLES, "备\x00注"]
    made, found = previewed(superuser, sheet({**row(1), "备\x00注": "\x00"}, titles=titles))
    assert (made.summary["unknown"], [each.kind for each in found]) == (["备_x0000_注"], ["new"])
    with pytest.raises(SheetError, match="没有找到表头"):
        read_table(sheet(row(1), titles=[f"\x00{title}" for title in TITLES]))


def test_a_line_break_inside_a_number_is_no_part_of_it(superuser: User) -> None:
    made, _ = previewed(superuser, sheet(row(1, number="AB-1")))
    commit_import(user=superuser, import_id=made.pk, skips_wrong=False, actor=SYSTEM)
    made, found = previewed(superuser, sheet(row(1, number="AB\n-1\t", name="G2 京沪高速 K401+300 下行")))
    assert [(each.kind, each.number) for each in found] == [("changed", "AB-1")]
    commit_import(user=superuser, import_id=made.pk, skips_wrong=False, actor=SYSTEM)
    made, found = previewed(superuser, sheet(row(1, number="CD\n1")))
    commit_import(user=superuser, import_id=made.pk, skips_wrong=False, actor=SYSTEM)
    assert set(Camera.objects.values_list("number", flat=True)) == {"AB-1", "CD1"}


def test_an_encoding_that_is_none_is_a_broken_file() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(sheet(row(1))) as given, zipfile.ZipFile(file, "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name).replace(b"UTF-8", b"UT-8"))
    file.seek(0)
    with pytest.raises(SheetError, match="文件已损坏"):
        read_table(file)
