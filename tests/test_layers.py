"""What the import linter cannot see: layers of foreign keys, and sizes."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[1]
MOST_FILE_LINES = 400
MOST_TEST_FILE_LINES = 500
MOST_FUNCTION_LINES = 50


def layers() -> dict[str, int]:
    """Package: height, the lowest layer being 0, as the import linter's contract has it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = [each for each in settings["contracts"] if each["name"] == "Packages are layers"]
    return {
        package.strip(): height
        for height, row in enumerate(reversed(contract["layers"]))
        for package in row.split("|")
    }


def foreign_keys() -> Iterator[tuple[str, str, str]]:
    ours = layers()
    for model in apps.get_models():
        for field in model._meta.get_fields():
            related = field.related_model
            if not field.concrete or not isinstance(related, type):
                continue
            owner, target = model._meta.app_label, related._meta.app_label
            if owner in ours and target in ours:
                yield f"{model._meta.label}.{field.name}", owner, target


def test_foreign_keys_point_down() -> None:
    height = layers()
    keys = list(foreign_keys())
    assert len(keys) > 5
    upward = [
        name
        for name, owner, target in keys
        # Neighbours on one layer do not know each other either.
        if owner != target and height[owner] <= height[target]
    ]
    assert upward == []


def own_files() -> list[Path]:
    folders = [*layers(), "gateway", "deploy", "bench", "tests"]
    found = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return [file for file in found if "migrations" not in file.parts]


def test_files_are_short() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in own_files()
        if (lines := len(file.read_text().splitlines()))
        > (MOST_TEST_FILE_LINES if file.is_relative_to(ROOT / "tests") else MOST_FILE_LINES)
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{file.relative_to(ROOT)}: {node.name}": node.end_lineno - node.lineno + 1
        for file in own_files()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MOST_FUNCTION_LINES
    }
    assert long == {}
