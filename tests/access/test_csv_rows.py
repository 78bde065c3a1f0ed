"""CSV as a spreadsheet opens it."""

import csv
import io
from collections.abc import Iterator

import pytest

from access.csv_rows import Cell, csv_pieces, csv_response


def read(pieces: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(pieces.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("济南收费站", "济南收费站"),
        ("K1100+300", "K1100+300"),
        ('说“离线”, "故障"', '说“离线”, "故障"'),
        ("两行\n名称", "两行\n名称"),
        ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
        ("+86 531", "'+86 531"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        (" =1+1", "' =1+1"),
        ("\t=1+1", "'\t=1+1"),
        ("\r=1+1", "'\r=1+1"),
        ("a\0b", "ab"),
        (-3, "-3"),
        (0.5, "0.5"),
        (None, ""),
    ],
)
def test_what_a_cell_becomes(cell: Cell, shown: str) -> None:
    assert read(b"".join(csv_pieces([["前", cell, "后"]]))) == [["前", shown, "后"]]


def test_a_spreadsheet_knows_the_encoding_and_the_lines() -> None:
    assert b"".join(csv_pieces([["名称"], ["甲"]])) == "\ufeff名称\r\n甲\r\n".encode()


def test_many_rows_come_in_pieces() -> None:
    pieces = list(csv_pieces([number] for number in range(1200)))
    assert len(pieces) == 3
    assert read(b"".join(pieces)) == [[str(number)] for number in range(1200)]


def test_rows_are_read_while_they_are_sent() -> None:
    read_so_far = []

    def rows() -> Iterator[list[Cell]]:
        for number in range(2000):
            read_so_far.append(number)
            yield [number]

    next(csv_pieces(rows()))
    assert len(read_so_far) == 500


def test_a_download_may_have_a_chinese_name() -> None:
    response = csv_response("在线统计 2026-11.csv", [["名称"]])
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = "%E5%9C%A8%E7%BA%BF%E7%BB%9F%E8%AE%A1%202026-11.csv"
    assert response.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
