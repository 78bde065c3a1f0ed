"""CSV as a spreadsheet opens it: the only place where CSV is written.

UTF-8 with a byte order mark, lines that end with CR LF, and no cell that a spreadsheet would take for a formula: a
camera is called what its gateway calls it (threats.md, CSV injection).
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from django.http import StreamingHttpResponse

_BYTE_ORDER_MARK: Final = "\ufeff"
# Also after blanks, which some spreadsheets drop; a tab or line break may begin a cell anew.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BREAKS: Final = ("\t", "\r", "\n")
# Rows of one piece: few enough to lie in memory, many enough not to cost a system call each.
_ROWS_AT_ONCE: Final = 500

Cell = str | int | float | None


def csv_pieces(rows: Iterable[Iterable[Cell]]) -> Iterator[bytes]:
    """The rows, a few hundred at a time; numbers stay numbers."""
    lines: list[str] = [_BYTE_ORDER_MARK]
    writer = csv.writer(_Lines(lines))
    for number, row in enumerate(rows, 1):
        writer.writerow([_defused(cell) for cell in row])
        if number % _ROWS_AT_ONCE == 0:
            yield "".join(lines).encode()
            lines.clear()
    if lines:
        yield "".join(lines).encode()


def csv_response(filename: str, rows: Iterable[Iterable[Cell]]) -> StreamingHttpResponse:
    """`filename` may be Chinese; rows are read while they are sent."""
    response = StreamingHttpResponse(csv_pieces(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = attachment(filename)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def attachment(filename: str) -> str:
    """Content-Disposition of a download whose name may be Chinese (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def _defused(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\0", "")
    if text.startswith(_BREAKS) or text.lstrip().startswith(_FORMULA):
        return f"'{text}"
    return text


class _Lines:
    """What csv.writer writes to."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, line: str) -> None:
        self._lines.append(line)
