"""The ledger as an .xlsx file: an empty one to fill in, and one of cameras that comes back unchanged."""

from collections.abc import Iterable, Mapping
from typing import IO, Final

import xlsxwriter
from django.db.models import QuerySet

from cameras.columns import COLUMNS, SHEET_NAME, cells_of
from cameras.models import Camera
from cameras.services.offices import names_of_row

_LAST_ROW: Final = 50_000
_NUMBERS: Final = frozenset({"longitude", "latitude"})
# Text stays text: neither a formula, nor a link, nor a number that loses its zeros.
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_RULES: Final = (
    "一行一路摄像机。带 * 的列必填；列的顺序可以变动，不需要的选填列可以删去。",
    "摄像机编号留空表示新点位，导入时生成编号（UUID4）。已有点位按编号对应，编号不区分大小写，不要改动。",
    "没有编号的行每导入一次就新增一次：导入后请用“导出”得到带编号的表，以后在那份表上修改。",
    "不出现在表里的点位保持原样：导入不删除点位。文件里没有的列保持原值；选填列的空单元格表示清空。",
    "公式单元格不能导入，请复制后“粘贴为数值”。",
    "坐标用 WGS-84。高德、腾讯（GCJ-02）与百度（BD-09）地图上取的坐标有数百米偏移，须先换算。",
)
_FIELDS: Final = (
    *("number", "name", "road", "stake", "orientation", "longitude", "latitude", "classify", "camera_type"),
    *("area", "poi_name", "others", "gateway__code"),
    *("organisation__name", "organisation__kind", "organisation__parent__name"),
)


def write_template(file: IO[bytes]) -> None:
    write_workbook(file, ())


def write_workbook(file: IO[bytes], rows: Iterable[Mapping[str, str]]) -> None:
    """`rows`: texts by column key."""
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        head = book.add_format({"bold": True, "bg_color": "#EEF1F4", "bottom": 1, "valign": "vcenter"})
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(SHEET_NAME)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, 0, len(COLUMNS) - 1)
        for index, column in enumerate(COLUMNS):
            sheet.set_column(index, index, column.width, None if column.key in _NUMBERS else text)
            sheet.write_string(0, index, f"{column.title}*" if column.is_required else column.title, head)
            if column.choices:
                choices = {"validate": "list", "source": list(column.choices), "error_message": "请从列表中选"}
                sheet.data_validation(1, index, _LAST_ROW, index, choices)
        for line, row in enumerate(rows, 1):
            _write_row(sheet, line, row, text)
        _write_rules(book, head)


def _write_row(sheet: xlsxwriter.worksheet.Worksheet, line: int, row: Mapping[str, str], text: object) -> None:
    for index, column in enumerate(COLUMNS):
        value = row[column.key]
        # The file keeps 16 digits of a number: the rare coordinate with 17 stays text.
        if column.key in _NUMBERS and float(f"{float(value):.16G}") == float(value):
            sheet.write_number(line, index, float(value))
        elif value:
            sheet.write_string(line, index, value, text)


def _write_rules(book: xlsxwriter.Workbook, head: object) -> None:
    sheet = book.add_worksheet("填写说明")
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 8)
    sheet.set_column(2, 2, 90)
    for index, title in enumerate(("列", "必填", "说明")):
        sheet.write_string(0, index, title, head)
    for line, column in enumerate(COLUMNS, 1):
        choices = f"：{'、'.join(column.choices)}" if column.choices else ""
        sheet.write_string(line, 0, column.title)
        sheet.write_string(line, 1, "是" if column.is_required else "")
        sheet.write_string(line, 2, f"{column.hint}{choices}")
    for line, words in enumerate(_RULES, len(COLUMNS) + 2):
        sheet.write_string(line, 0, words)


def camera_rows(cameras: QuerySet[Camera]) -> Iterable[Mapping[str, str]]:
    """Of cameras for `write_workbook`, in their own order."""
    for row in cameras.values_list(*_FIELDS).iterator(chunk_size=2000):
        values = dict(zip(_FIELDS, row, strict=True))
        department, section = names_of_row(
            values["organisation__name"], values["organisation__kind"], values["organisation__parent__name"]
        )
        values |= {"department": department, "section": section, "gateway": values["gateway__code"] or ""}
        yield cells_of(values)
