"""Spreadsheets of the ledger as people hand them in."""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from cameras.columns import COLUMNS

TITLES = [column.title for column in COLUMNS]


def row(n: int = 1, **changes: Any) -> dict[str, Any]:
    """Camera `n` by column key, sound in every respect; a new one without a number."""
    return {
        "number": "",
        "name": f"G2 京沪高速 K{400 + n}+300 上行",
        "department": "山东高速",
        "section": "济南管理处",
        "road": "G2",
        "stake": f"K{400 + n}+300",
        "orientation": "上行",
        "longitude": 117.0009 + n * 0.0101,
        "latitude": 36.6758,
        "classify": "道路沿线",
        "camera_type": "球机",
        "area": "370112",
        "gateway": "",
        "poi_name": "京沪高速",
        "others": "",
        **changes,
    }


def sheet(*rows: dict[str, Any], titles: Sequence[str] | None = None, above: int = 0) -> io.BytesIO:
    """A file with these rows; `titles` may leave out columns or name strange ones, `above` are blank rows."""
    listed = list(titles) if titles is not None else TITLES
    keys = {column.title: column.key for column in COLUMNS}
    file = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        page = book.add_worksheet("点位台账")
        page.write_row(above, 0, listed)
        for line, values in enumerate(rows, above + 1):
            for index, title in enumerate(listed):
                value = values.get(keys.get(title, title))
                if isinstance(value, str) and value.startswith("formula:"):
                    page.write_formula(line, index, value.removeprefix("formula:"), value="2")
                elif value is not None and value != "":
                    page.write(line, index, value)
    file.seek(0)
    file.name = "点位.xlsx"
    return file
