"""Sheets that are hostile, or larger than a ledger is."""

import io

import pytest
import xlsxwriter

from cameras import xlsx
from cameras.xlsx import Limits, Rows, SheetError, read_sheet

LIMITS = Limits(unpacked_bytes=10 * 2**20, rows=1000)


def sheet(rows: list[list[str]]) -> io.BytesIO:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet()
        for line, cells in enumerate(rows):
            page.write_row(line, 0, cells)
    file.seek(0)
    return file


def read(rows: list[list[str]]) -> Rows:
    return read_sheet(sheet(rows), "", LIMITS)


def test_no_more_cells_than_a_ledger_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_MOST_CELLS", 12)
    rows = [["a"] * 4] * 3
    assert len(read(rows)) == 3
    with pytest.raises(SheetError, match=r"到 A4 为止已超过 12 个单元格"):
        read([*rows, ["a"]])


def test_cells_passed_over_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_MOST_CELLS", 100)
    assert len(read([["a"] * 100])[1]) == 64
    with pytest.raises(SheetError, match=r"到 CW1 为止"):
        read([["a"] * 101])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("_xD800_", "_xD800_"),
        ("_xdfff_", "_xdfff_"),
        ("a_x0041_b", "aAb"),
        # As the name of a strange column, of which the preview tells.
        ("桩号_xD83D__xDE00_", "桩号_xD83D__xDE00_"),
    ],
)
def test_half_of_a_pair_stays_as_it_is_written(written: str, text: str) -> None:
    # The writer escapes what looks escaped already: the file is given the text itself.
    cell = xlsx._unescaped(written)
    assert cell == text
    assert cell.encode()
