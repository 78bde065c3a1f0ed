"""Items of ReportCameraQuality and ReportAnalyse (document 1.3 and 1.4; protocol.md section 3)."""

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from protocol import fields
from protocol.cameras import ItemFaults, decode_item, readable_camera_num

QUALITY_FLAGS: Final = 9
# The document's table has nine states, its sample ten digits; more were never seen.
MOST_QUALITY_DIGITS: Final = 64

# The document's heading, and what its address line prints.
ANALYSE_SPELLINGS: Final = ("ReportAnalyse", "ReporlAnalyse")

_DIGITS: Final = re.compile(f"[01]{{{QUALITY_FLAGS}}}[0-9]{{0,{MOST_QUALITY_DIGITS - QUALITY_FLAGS}}}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class QualityItem:
    """One element of ReportCameraQuality: nine digits 0/1, and the whole string as it came."""

    camera_num: str
    flags: str
    received: str


@dataclass(frozen=True, slots=True)
class AnalysisItem:
    """One element of ReportAnalyse: the text of `data` as it came, JSON or not."""

    camera_num: str
    data: str


class _QualityWire(msgspec.Struct):
    cameraNum: Any = None
    cameraStatus: Any = None


class _AnalysisWire(msgspec.Struct):
    cameraNum: Any = None
    data: Any = None


_QUALITY_DECODER: Final = msgspec.json.Decoder(_QualityWire)
_ANALYSIS_DECODER: Final = msgspec.json.Decoder(_AnalysisWire)


def parse_quality(raw: bytes | msgspec.Raw) -> QualityItem:
    """One element of ReportCameraQuality; CameraItemError with all its faults."""
    wire = decode_item(raw, _QUALITY_DECODER)
    faults = ItemFaults()
    received = faults.take("", _parse_digits, wire.cameraStatus, "cameraStatus")
    item = QualityItem(
        camera_num=faults.take_text(wire.cameraNum, "cameraNum", fields.LONGEST_CAMERA_NUM),
        flags=received[:QUALITY_FLAGS],
        received=received,
    )
    faults.finish(readable_camera_num(wire.cameraNum))
    return item


def parse_analysis(raw: bytes | msgspec.Raw) -> AnalysisItem:
    """One element of ReportAnalyse; CameraItemError with all its faults. `data` is not looked into."""
    wire = decode_item(raw, _ANALYSIS_DECODER)
    faults = ItemFaults()
    item = AnalysisItem(
        camera_num=faults.take_text(wire.cameraNum, "cameraNum", fields.LONGEST_CAMERA_NUM),
        data=faults.take("", _parse_data, wire.data, "data"),
    )
    faults.finish(readable_camera_num(wire.cameraNum))
    return item


def quality_to_wire(flags: str, *, digits: int = QUALITY_FLAGS) -> str:
    """Nine flags as an upper platform wants them: nine digits, or ten as in the document's sample."""
    return flags.ljust(digits, "0")


def _parse_digits(value: object, field: str) -> str:
    if isinstance(value, int | float):
        # 000100000 as a number is 100000: which flag is meant is lost.
        raise fields.fault(field, value, "应为字符型：数字会丢失前导的 0")
    text = fields.clean_text(value, field, longest=MOST_QUALITY_DIGITS)
    if not _DIGITS.fullmatch(text):
        raise fields.fault(field, text, f"应为至少 {QUALITY_FLAGS} 位的 0、1 字符串")
    return text


def _parse_data(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise fields.fault(field, value, "应为字符型：分析结果以 JSON 文本放在字符串中")
    # PostgreSQL can hold neither, and JSON has both only escaped.
    if "\0" in value:
        raise fields.fault(field, value, "含有空字符 U+0000")
    if _SURROGATE.search(value):
        raise fields.fault(field, value, "含有不成对的代理项")
    return value
