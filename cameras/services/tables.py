"""A sheet of the ledger as handed in: which column stands where, and the texts of each row."""

import re
import uuid
from collections.abc import Mapping
from typing import IO, Final

import msgspec

from cameras.columns import COLUMNS, SHEET_NAME, key_of_title
from cameras.xlsx import Cell, Limits, Rows, SheetError, column_name, read_sheet
from protocol.fields import LINE_BREAKS

# Beyond the planning scale of a province, 40,000 cameras; unpacked they are some 60 MB.
MOST_ROWS: Final = 50_000
MOST_UNPACKED_BYTES: Final = 256 * 2**20
# Titles may have a heading above them.
_HEAD_ROWS: Final = 20
_FEWEST_TITLES: Final = 3
_LONGEST_TEXT: Final = 4000
# From here on a spreadsheet has rounded what was typed.
_MOST_DIGITS: Final = 15
# The database cannot hold the first, nobody sees the others; line breaks and tabs are for each column to say.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FORMULA: Final = "是公式，请复制后“粘贴为数值”再导入"


class Line(msgspec.Struct):
    """One row: texts by column key, and faults of cells that say nothing (key, words)."""

    number: int
    texts: dict[str, str]
    faults: list[tuple[str, str]] = []
    # Its camera number was made here.
    is_numbered: bool = False


class Table(msgspec.Struct):
    """`columns`: key -> letter; `unknown`: titles that mean nothing to us."""

    columns: dict[str, str]
    lines: list[Line]
    unknown: list[str] = []

    def cell(self, line: int, key: str) -> str:
        """`F12`, or the row alone where the sheet has no such column."""
        letter = self.columns.get(key)
        return f"{letter}{line}" if letter else f"第 {line} 行"


def read_table(file: IO[bytes]) -> Table:
    """SheetError in words when it is no sheet of the ledger."""
    limits = Limits(unpacked_bytes=MOST_UNPACKED_BYTES, rows=MOST_ROWS + _HEAD_ROWS)
    rows = read_sheet(file, SHEET_NAME, limits)
    head = _head_of(rows)
    keys, unknown = _columns_of(rows[head])
    lines = [_line(number, row, keys) for number, row in sorted(rows.items()) if number > head]
    table = Table(
        columns={key: column_name(column) for column, key in keys.items()},
        lines=[line for line in lines if line.texts or line.faults],
        unknown=unknown,
    )
    if not table.lines:
        raise SheetError("表头下面没有数据")
    if len(table.lines) > MOST_ROWS:
        raise SheetError(f"超过 {MOST_ROWS:,} 行，请分成几个文件导入")
    for line in table.lines:
        if not line.texts.get("number", "").strip() and not line.faults:
            line.texts["number"], line.is_numbered = str(uuid.uuid4()), True
    return table


def _head_of(rows: Rows) -> int:
    """The row of titles: the one that has most of them."""
    counts = {
        number: len({key for cell in row.values() if (key := key_of_title(cell.text))})
        for number, row in sorted(rows.items())[:_HEAD_ROWS]
    }
    best = max(counts, key=lambda number: (counts[number], -number), default=0)
    if not best or counts[best] < _FEWEST_TITLES:
        titles = "、".join(column.title for column in COLUMNS[:5])
        raise SheetError(f"没有找到表头：应有一行写着 {titles} 等列名，可先下载模板")
    return best


def _columns_of(row: Mapping[int, Cell]) -> tuple[dict[int, str], list[str]]:
    keys: dict[int, str] = {}
    unknown = []
    for column, cell in sorted(row.items()):
        key = key_of_title(cell.text)
        if key is None:
            unknown.append(_visible(cell.text.strip()[:40]))
        elif key in keys.values():
            raise SheetError(f"表头 {column_name(column)} 列“{_visible(cell.text.strip()[:40])}”与前面的列重复")
        else:
            keys[column] = key
    return keys, unknown


def _line(number: int, row: Mapping[int, Cell], keys: Mapping[int, str]) -> Line:
    line = Line(number, {}, [])
    for column, cell in row.items():
        key = keys.get(column)
        if key is None:
            continue
        if fault := _fault(key, cell):
            line.faults.append((key, fault))
        text = _visible(cell.text[:_LONGEST_TEXT])
        # By the number rows are held against the ledger before it is parsed.
        line.texts[key] = text.translate(LINE_BREAKS) if key == "number" else text
    return line


def _visible(text: str) -> str:
    """Control characters as the file writes them."""
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _fault(key: str, cell: Cell) -> str:
    if cell.is_formula:
        return _FORMULA
    if len(cell.text) > _LONGEST_TEXT:
        return f"超过 {_LONGEST_TEXT} 个字符"
    if found := _CONTROL.search(cell.text):
        return f"第 {found.start() + 1} 个字符是看不见的控制字符 {_visible(found[0])}，请删去或重新输入"
    digits = sum(char.isdigit() for char in cell.text)
    if key == "number" and cell.is_number and ("e" in cell.text or digits > _MOST_DIGITS):
        return "被表格软件当成了数值，末位已丢失，请把这一列设为文本后重填"
    return ""
