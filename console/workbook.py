"""Tables as an Excel workbook; text is written as text, so that no cell is a formula (threats.md, CSV injection)."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import xlsxwriter
from django.http import HttpResponse

from access.csv_rows import Cell, attachment

_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What XML 1.0 cannot hold, and would keep the file from being opened.
_UNWRITABLE: Final = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}
_LONGEST_CELL: Final = 32_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first row is the head; `widths` of the columns are in characters."""

    name: str
    widths: Sequence[int]
    rows: Iterable[Sequence[Cell]]


def workbook_response(filename: str, sheets: Iterable[Sheet]) -> HttpResponse:
    response = HttpResponse(_workbook(sheets), content_type=_TYPE)
    response["Content-Disposition"] = attachment(filename)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _workbook(sheets: Iterable[Sheet]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bg_color": "#eef1f4", "bottom": 1, "text_wrap": True})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.freeze_panes(1, 1)
            for column, width in enumerate(sheet.widths):
                page.set_column(column, column, width)
            for number, row in enumerate(sheet.rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(number, column, _writable(cell), head if number == 0 else None)
                    elif cell is not None:
                        page.write_number(number, column, cell)
    return file.getvalue()


def _writable(text: str) -> str:
    return text.translate(_UNWRITABLE).encode("utf-8", "replace").decode()[:_LONGEST_CELL]
