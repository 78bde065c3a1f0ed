"""What msgspec finds wrong with a configuration, in Chinese."""

import re

_KINDS = {
    "str": "字符串",
    "int": "整数",
    "float": "数字",
    "bool": "布尔值",
    "array": "数组",
    "object": "对象",
    "null": "空值",
}
_PATTERNS = (
    (re.compile(r"Object contains unknown field `(?P<name>[^`]*)`"), "未知的键 {name}"),
    (re.compile(r"Object missing required field `(?P<name>[^`]*)`"), "缺少键 {name}"),
    (re.compile(r"Invalid value '?(?P<name>[^']*)'?$"), "取值 {name} 无效"),
    (re.compile(r"Invalid enum value '(?P<name>[^']*)'"), "取值 {name} 无效"),
    (
        re.compile(r"Expected `array` of (?:at (?:least|most) )?length (?P<name>\d+)"),
        "应为 {name} 个元素的数组",
    ),
)
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<given>[^`]*)`")


def place_and_reason(message: str) -> tuple[str, str]:
    """msgspec's message: where the fault is (empty for the outermost), and what it is."""
    what, _, place = message.partition(" - at `$")
    return place.rstrip("`").lstrip("."), _reason(what)


def _reason(what: str) -> str:
    for pattern, words in _PATTERNS:
        if match := pattern.match(what):
            return words.format(name=match["name"])
    if match := _EXPECTED.match(what):
        wanted = " 或 ".join(_KINDS.get(kind.strip(), kind.strip()) for kind in match["wanted"].split("|"))
        return f"应为{wanted}，收到{_KINDS.get(match['given'], match['given'])}"
    return what


def position(raw: bytes, message: str) -> str:
    """Where the text stops being JSON."""
    match = re.search(r"\(byte (\d+)\)", message)
    offset = int(match[1]) if match else len(raw)
    before = raw[:offset]
    line = before.count(b"\n") + 1
    column = offset - (before.rfind(b"\n") + 1) + 1
    return f"第 {line} 行第 {column} 列"
