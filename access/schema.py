"""The published schema: what drf-spectacular is told of each verb (its `operation`), and of the OAuth token."""

from collections.abc import Mapping
from typing import Any, cast

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentIdentity, ComponentRegistry, ResolvedComponent

from access.openapi import oauth_operation
from access.operations import Operation, Parameter, Schema, Shape, choice, text
from access.verbs import VerbView
from protocol.codes import Code

_TITLE = "高速公路视频云平台 · 接口"
_DESCRIPTION = (
    "《全国高速公路视频云联网技术要求（修订版）》附录 1、附录 2 的接口。\n\n"
    "- 答复一律是 UTF-8 的 JSON 信封，HTTP 状态码恒为 200，只看 `code`。接入方可设为“与 `code` 相同”，"
    "那时 HTTP 状态码等于 `code`，内容不变。\n"
    "- 键按所列次序给出，没有别的键；`message` 是 `msg` 的重复，可按接入方关闭。\n"
    "- 参数名不分大小写，未知参数忽略，空值视为缺省，重复的参数返回 400。\n"
    "- 请求体为 UTF-8 的 JSON，请求头 `Content-Type: application/json`；只有接入方设为“严格”时才检查该头。\n"
    "- 示例取自文件，只说明键与格式：平台给出的地址以 `.flv`、`.m3u8` 结尾，同一摄像机在一个答复里只出现一次。"
)
_TOKENS = "令牌"
_MEANINGS = {
    Code.OK: "成功",
    Code.MALFORMED: "格式错误，`msg` 指出位置",
    Code.FORBIDDEN: "不允许",
    Code.NOT_FOUND: "没有该单位、摄像机或接口",
    Code.INTERNAL: "平台内部出错，`msg` 带错误编号",
}
_REFUSALS = [Code.MALFORMED, Code.FORBIDDEN, Code.NOT_FOUND, Code.INTERNAL]
_APP_VERSION = {
    "name": "AppVersion",
    "in": "header",
    "description": "应用版本号（附录 1）；可缺省，给出时必须是 v1.0",
    "schema": {"type": "string", "enum": ["v1.0"]},
}
_RETRY_AFTER = {
    "description": "超过频率（`code` 403）时：多少秒后再试",
    "schema": {"type": "integer", "minimum": 0},
}
_SECURITY_SCHEMES = {
    "TAuth": {
        "type": "apiKey",
        "in": "header",
        "name": "TAuth",
        "description": "当前令牌（附录 1、附录 2）：由 `TokenInfo` 更换，第一个由线下交付",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "同一令牌，或 `/oauth/token/` 授予的令牌"},
    "ClientBasic": {"type": "http", "scheme": "basic", "description": "OAuth 2.0 客户端的编号与密钥"},
}


def _envelope(name: str, said: str, codes: list[Code], keys: Mapping[str, Schema | Shape]) -> Shape:
    return Shape(
        name,
        said,
        {
            "code": choice("响应码（附录 3）", {code: _MEANINGS[code] for code in codes}),
            "msg": text("响应消息", shortest=1),
            **keys,
            "message": text("与 msg 相同；附加字段，可按接入方关闭", shortest=1),
        },
        optional=frozenset({"message"}),
    )


_REFUSAL = _envelope("Refusal", "没有成功的答复", _REFUSALS, {})


class _Components:
    """Shapes as references to components of the schema, each written once."""

    def __init__(self, registry: ComponentRegistry) -> None:
        self._registry = registry

    def schema_of(self, given: Schema | Shape) -> Schema:
        if isinstance(given, Shape):
            return self._reference(given)
        nested = {
            key: self.schema_of(value) if key == "items" else [self.schema_of(each) for each in value]
            for key, value in given.items()
            if key in ("items", "oneOf", "anyOf")
        }
        return {**given, **nested}

    def _reference(self, shape: Shape) -> Schema:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=shape.name,
            type=ResolvedComponent.SCHEMA,
            object=ComponentIdentity(shape.name),  # type: ignore[no-untyped-call]
            schema=self._object(shape),
        )
        if component not in self._registry:
            self._registry.register(component)
        elif self._registry[component].schema != component.schema:
            raise ValueError(f"two shapes are called {shape.name}")
        return dict(component.ref)

    def _object(self, shape: Shape) -> Schema:
        return {
            "type": "object",
            "description": shape.said,
            "properties": {key: self.schema_of(schema) for key, schema in shape.keys.items()},
            "required": [key for key in shape.keys if key not in shape.optional],
            "additionalProperties": shape.is_open,
        }


class VerbSchema(AutoSchema):
    """Writes the operation of a verb, in place of what drf-spectacular would guess from serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any]:
        verb = path.removeprefix("/service/").removeprefix("video.")
        view = cast(VerbView, self.view)
        told = view.operation
        components = _Components(registry)
        operation = {
            "operationId": verb,
            "tags": [view.scope.label if view.authentication_classes else _TOKENS],
            "summary": told.summary,
            "description": f"{told.said}\n\n依据：{told.clause}。",
            "security": _security(view),
            "parameters": [*map(_parameter, told.parameters), _APP_VERSION],
            "responses": {"200": _response(verb, told, components)},
        }
        if told.body is not None:
            operation["requestBody"] = _request_body(told, components)
        return operation


def _security(view: VerbView) -> list[dict[str, list[str]]]:
    if not view.authentication_classes:
        return []
    scope = str(view.scope)
    return [{"TAuth": [scope]}, {"Bearer": [scope]}]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.schema)
    return {
        "name": parameter.name,
        "in": "query",
        "description": schema.pop("description"),
        "required": parameter.is_required,
        # An empty value counts as absent.
        "allowEmptyValue": not parameter.is_required,
        "schema": schema,
    }


def _request_body(told: Operation, components: _Components) -> dict[str, Any]:
    assert told.body is not None  # noqa: S101 - for the type checker
    content: dict[str, Any] = {"schema": components.schema_of(told.body)}
    if examples := {each.title: {"value": each.body} for each in told.examples if each.body is not None}:
        content["examples"] = examples
    return {"required": True, "content": {"application/json": content}}


def _response(verb: str, told: Operation, components: _Components) -> dict[str, Any]:
    """HTTP 200 with one of the envelopes this verb answers in."""
    shapes = [_envelope(f"{verb}Answer", f"{told.summary}：成功", [Code.OK], told.answer)]
    if told.codes_with_answer:
        codes = [Code(code) for code in told.codes_with_answer]
        shapes.append(_envelope(f"{verb}Refusal", f"{told.summary}：不允许", codes, told.answer))
    return {
        "description": "信封。HTTP 状态码恒为 200，只看 `code`；`mirror` 方式的接入方除外，见总说明",
        "headers": {"Retry-After": _RETRY_AFTER},
        "content": {
            "application/json": {
                "schema": {"oneOf": [components.schema_of(shape) for shape in (*shapes, _REFUSAL)]},
                "examples": {each.title: {"value": each.answer} for each in told.examples},
            }
        },
    }


def only_verbs(endpoints: list[Any]) -> list[Any]:
    """Hook of drf-spectacular: the interface to partners is what is published."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/service/")]


def finished(result: dict[str, Any], generator: Any, request: object, public: bool) -> dict[str, Any]:
    """Hook of drf-spectacular: its words, and the token address of OAuth, which is a view of a library."""
    operation = oauth_operation(_Components(generator.registry).schema_of)
    result["info"] |= {"title": _TITLE, "description": _DESCRIPTION}
    result["paths"]["/oauth/token/"] = {"post": operation}
    result["components"] = generator.registry.build({"securitySchemes": _SECURITY_SCHEMES})
    return result
