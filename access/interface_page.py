"""The published schema as rows of a page: what `templates/access/interface.html` shows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from access.operations import Schema

# Words and, at every second place, code: what stands between backticks.
Pieces = list[str]

_KINDS = {
    "string": "字符串",
    "integer": "整数",
    "number": "数",
    "boolean": "布尔",
    "object": "对象",
    "null": "null",
}


@dataclass(frozen=True)
class Row:
    """A parameter or a key. `shape` names the component that says more."""

    name: str
    kind: str
    shape: str
    is_required: bool
    said: Pieces


@dataclass(frozen=True)
class Example:
    title: str
    text: str


@dataclass(frozen=True)
class Answer:
    status: str
    said: Pieces
    shapes: list[str]
    examples: list[Example]


@dataclass(frozen=True)
class Entry:
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    paragraphs: list[Pieces]
    is_open: bool
    scopes: list[str]
    parameters: list[Row]
    body: Row | None
    body_examples: list[Example]
    answers: list[Answer]


@dataclass(frozen=True)
class ShapeTable:
    name: str
    said: str
    rows: list[Row]


def entries(schema: Schema) -> Iterator[tuple[str, list[Entry]]]:
    """Operations by the first of their tags, in the order of the schema."""
    groups: dict[str, list[Entry]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_entry(path, method, operation))
    yield from groups.items()


def paragraphs(text: str) -> list[Pieces]:
    return [paragraph.split("`") for paragraph in text.split("\n\n")]


def shape_tables(schema: Schema) -> list[ShapeTable]:
    return [
        ShapeTable(name, shape["description"], _rows(shape))
        for name, shape in schema["components"]["schemas"].items()
    ]


def _rows(shape: Schema) -> list[Row]:
    required = shape["required"]
    return [_row(name, each, name in required) for name, each in shape["properties"].items()]


def _row(name: str, schema: Schema, is_required: bool, said: str = "") -> Row:
    kind, shape = _kind(schema)
    return Row(name, kind, shape, is_required, (said or schema.get("description", "")).split("`"))


def _kind(schema: Schema) -> tuple[str, str]:
    """Its type in words, and the component it refers to."""
    if "$ref" in schema:
        return "对象", _named(schema)
    if schema.get("type") == "array":
        kind, shape = _kind(schema["items"])
        most = f"，最多 {schema['maxItems']} 项" if "maxItems" in schema else ""
        return f"数组{most}：{kind}", shape
    if alternatives := schema.get("oneOf") or schema.get("anyOf"):
        told = [_kind(each) for each in alternatives]
        return " 或 ".join(kind for kind, _ in told), next((shape for _, shape in told if shape), "")
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " 或 ".join(_KINDS[kind] for kind in kinds) + _limits(schema), ""


def _limits(schema: Schema) -> str:
    limits = []
    if "enum" in schema:
        limits.append("、".join(str(each) for each in schema["enum"]))
    if "minimum" in schema:
        limits.append(f"{schema['minimum']} 至 {schema.get('maximum', '…')}")
    if "maxLength" in schema:
        limits.append(f"最多 {schema['maxLength']} 字符")
    if "default" in schema:
        limits.append(f"缺省 {schema['default']}")
    return "：" + "；".join(limits) if limits else ""


def _named(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _entry(path: str, method: str, operation: dict[str, Any]) -> Entry:
    body: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    media_type: str | None = next(iter(body), None)
    content: dict[str, Any] = body[media_type] if media_type else {}
    return Entry(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        paragraphs=paragraphs(operation["description"]),
        is_open=not operation["security"],
        scopes=sorted(
            {scope for each in operation["security"] for names in each.values() for scope in names}
        ),
        parameters=[
            _row(each["name"], each["schema"], each.get("required", False), each["description"])
            for each in operation.get("parameters", [])
        ],
        body=_row(media_type, content["schema"], True) if media_type else None,
        body_examples=_examples(content),
        answers=[_answer(status, answer) for status, answer in operation["responses"].items()],
    )


def _answer(status: str, answer: dict[str, Any]) -> Answer:
    content = next(iter(answer["content"].values()))
    alternatives = content["schema"].get("oneOf", [content["schema"]])
    return Answer(status, answer["description"].split("`"), [*map(_named, alternatives)], _examples(content))


def _examples(content: dict[str, Any]) -> list[Example]:
    return [
        Example(title, json.dumps(example["value"], ensure_ascii=False, indent=2))
        for title, example in content.get("examples", {}).items()
    ]
