"""docs/threats.md names a test for each threat, and each of them is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "threats.md").read_text()
THREATS = {*range(1, 21)}
_ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def test_every_threat_has_its_tests() -> None:
    rows = {int(number): _NAMED.findall(rest) for number, rest in _ROW.findall(PAGE)}
    assert set(rows) == THREATS
    assert [number for number, named in rows.items() if not named] == []


def test_every_test_that_is_named_exists() -> None:
    missing = [f"{file}::{name}" for file, name in _NAMED.findall(PAGE) if name not in _tests_in(file)]
    assert missing == []


def _tests_in(file: str) -> set[str]:
    path = ROOT / file
    if not path.exists():
        return set()
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
