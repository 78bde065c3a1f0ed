"""What the details of the behaviour log say: Chinese names and local times, also in rows of long ago."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.log_words import detail_line, detail_words

ROOT = Path(__file__).resolve().parents[2]
_SKIPPED = {"tests", "node_modules", "deploy", "bench", "docs"}
# By these names a detail goes on its way to the log.
_CALLS = re.compile(r"_?record(_\w+)?|_log|record")
_HELD_IN = {"detail", "stretch", "about"}
_NAMES_OF_STANDARDS = {"SM3"}


def sources() -> Iterator[Path]:
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if parts[0] not in _SKIPPED and not parts[0].startswith(".") and "migrations" not in parts:
            yield path


def dicts_in(tree: ast.AST) -> Iterator[ast.Dict]:
    for node in ast.walk(tree):
        given: list[ast.AST] = []
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if _CALLS.fullmatch(name):
                given = [*node.args, *(word.value for word in node.keywords if word.arg == "detail")]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id in _HELD_IN for target in targets):
                given = [node.value]
        for each in given:
            yield from (found for found in ast.walk(each) if isinstance(found, ast.Dict))


def names_logged() -> set[str]:
    found = set()
    for path in sources():
        text = path.read_text()
        if "access.services.logs" in text or "RecordedAdmin" in text:
            keys = (key for one in dicts_in(ast.parse(text)) for key in one.keys)
            found |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return found


def test_every_name_that_is_logged_is_shown_in_chinese() -> None:
    names = names_logged()
    assert {"hold", "from", "to", "秒", "fields", "through_block", "is_good", "项数", "之前", "接口"} <= names
    shown = {detail_words({name: 1})[0][0] for name in names}
    assert {name for name in shown if not re.search(r"[\u4e00-\u9fff]", name)} <= _NAMES_OF_STANDARDS


def test_a_hold_of_long_ago_is_told_in_words_and_local_time() -> None:
    detail = {"to": "2026-11-29T14:00:00+08:00", "from": "2026-11-29T05:00:00+00:00", "hold": 1}
    assert detail_words(detail) == [
        ("自", "2026-11-29 13:00:00"),
        ("至", "2026-11-29 14:00:00"),
        ("留存编号", "1"),
    ]


def test_what_says_what_it_is_needs_no_name() -> None:
    assert detail_line({"秒": 109, "方式": "ws", "码流": "低码流"}) == "109 秒，WebSocket-FLV，低码流"
    assert detail_line({"张数": 12, "方式": "other"}) == "other，张数 12"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, None], "1、无"),
        ({"启用": False}, "启用 否"),
        ({"之前": {"from": "2026-11-29T14:00:00+08:00"}}, "之前 自 2026-11-29 14:00:00"),
        ("", "无"),
        ("2026-11-29T14:00:00", "2026-11-29T14:00:00"),
        ("2026-99-29T14:00:00+08:00", "2026-99-29T14:00:00+08:00"),
        ("摄像机编号一二三T四五六七八九十", "摄像机编号一二三T四五六七八九十"),
        (0, "0"),
    ],
)
def test_values_of_all_kinds(value: object, words: str) -> None:
    assert detail_words({"项": value}) == [("项", words)]
