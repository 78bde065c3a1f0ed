"""What a verb takes and answers, as the published schema tells it (access.schema).

The words of JSON Schema, in functions that leave nothing open: an object lists its keys in the order in which
they are written, and says whether others are allowed. Each app describes its verbs in its `openapi.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

# No control characters, and no white space at either end.
WORDS = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"
# The same, or nothing.
WORDS_OR_NONE = r"^([^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?)?$"
# Whatever else it is: a NUL is refused in every parameter.
WITHOUT_NUL = r"^[^\x00]*$"
UUID4 = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"


def text(said: str, *, longest: int | None = None, shortest: int = 0, pattern: str = "") -> Schema:
    schema: Schema = {"type": "string", "description": said}
    if shortest:
        schema["minLength"] = shortest
    if longest is not None:
        schema["maxLength"] = longest
    if pattern:
        schema["pattern"] = pattern
    return schema


def words(said: str, longest: int) -> Schema:
    """Text as it is taken in from a partner and kept."""
    return text(said, shortest=1, longest=longest, pattern=WORDS)


def integer(said: str, low: int, high: int | None = None, *, default: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "description": said, "minimum": low}
    if high is not None:
        schema["maximum"] = high
    if default is not None:
        schema["default"] = default
    return schema


def choice(said: str, meanings: Mapping[int, str], *, default: int | None = None) -> Schema:
    """One of the document's numbers, with its words."""
    listed = "，".join(f"{value} {meaning}" for value, meaning in meanings.items())
    schema: Schema = {"type": "integer", "description": f"{said}：{listed}", "enum": [*map(int, meanings)]}
    if default is not None:
        schema["default"] = default
    return schema


def also_text(number: Schema, *others: str) -> Schema:
    """The number, or its digits in a string, or one of `others`: how it is taken in, never how it is answered."""
    rest = dict(number)
    said = rest.pop("description")
    texts = [*(str(value) for value in number["enum"]), *others]
    return {"description": f"{said}。也接受字符串", "anyOf": [rest, {"type": "string", "enum": texts}]}


def array(said: str, items: "Schema | Shape", *, most: int | None = None) -> Schema:
    schema: Schema = {"type": "array", "description": said, "items": items}
    if most is not None:
        schema["maxItems"] = most
    return schema


@dataclass(frozen=True)
class Shape:
    """An object with a name of its own in the schema; `keys` in the order in which they are written."""

    name: str
    said: str
    keys: Mapping[str, "Schema | Shape"]
    optional: frozenset[str] = frozenset()
    # What is taken in may have more keys, which are ignored; what is answered never has.
    is_open: bool = False

    def __post_init__(self) -> None:
        if unknown := self.optional - set(self.keys):
            raise ValueError(f"{self.name} has no keys {sorted(unknown)}")


@dataclass(frozen=True)
class Parameter:
    name: str
    schema: Schema
    is_required: bool = False


@dataclass(frozen=True)
class Example:
    """A request and what is answered to it, by the document's samples where it has them."""

    answer: Mapping[str, Any]
    body: Any = None
    # By which a partner that reads the page can tell several apart.
    title: str = "示例"


@dataclass(frozen=True)
class Operation:
    """One verb: `clause` is its place in the document, `answer` what follows `code` and `msg` at code 200."""

    summary: str
    clause: str
    said: str
    parameters: tuple[Parameter, ...]
    examples: tuple[Example, ...]
    answer: Mapping[str, Schema | Shape] = field(default_factory=dict)
    body: Schema | Shape | None = None
    # Codes other than 200 at which the keys of `answer` are there as well.
    codes_with_answer: tuple[int, ...] = ()


CAMERA_NUM = text("摄像机编号，按登记时的写法", pattern="^[A-Za-z0-9_-]{1,64}$")
USER = Parameter("user", words("用户名；可缺省，给出时必须与令牌的接入方一致", 64))
# What no department is called is told as unknown.
DEPARTMENT = Parameter(
    "department", text("摄像机所属单位名称：路公司、其管理处，或它们的上级", pattern=WITHOUT_NUL)
)
PLAIN_EXAMPLE_ANSWER = {"code": 200, "msg": "成功", "message": "成功"}
