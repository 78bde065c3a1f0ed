"""TokenInfo and the token address of OAuth 2.0, described."""

from typing import Any

from access.choices import Scope
from access.operations import WITHOUT_NUL, WORDS, Example, Operation, Parameter, Shape, text

_TOKEN = Shape(
    "Token",
    "新令牌",
    {
        "user": text("用户名", shortest=1, longest=64),
        "deviceCode": text("平台编号的 BASE64 值", shortest=1),
        "token": text("新令牌，此后放在 TAuth 头中", shortest=1, longest=128),
    },
)

TOKEN_INFO = Operation(
    summary="更换令牌",
    clause="附录 2",
    said=(
        "以当前令牌换取新令牌。不需要 `TAuth` 头：令牌在参数中，由签名证明。先保存新令牌，再使用。没有收到答复时，"
        "10 分钟内以旧令牌再发一次，得到同一个新令牌，直到它被使用过。新令牌首次使用 60 秒后，旧令牌不能再调用接口。"
    ),
    parameters=(
        Parameter(
            "deviceCode", text("平台编号的 BASE64 值，按分配时的写法", pattern=WORDS), is_required=True
        ),
        Parameter("user", text("用户名", pattern=WORDS, longest=64), is_required=True),
        Parameter("token", text("当前令牌；第一个由线下交付", pattern=WORDS), is_required=True),
        Parameter(
            "sign",
            text(
                "以线下交付的 SM2 私钥对 `deviceCode=<编号>&user=<用户名>&token=<令牌>` 的签名（SM3，含 Z 值）："
                "十六进制或 BASE64，r‖s 或 DER。接入方设为“不要求签名”时可缺省",
                pattern=WITHOUT_NUL,
            ),
        ),
    ),
    answer={"token": _TOKEN},
    examples=(
        Example(
            {
                "code": 200,
                "msg": "成功",
                "token": {"user": "接入方 A", "deviceCode": "xxxxxx", "token": "xxx-xxx-xxx-xxx"},
                "message": "成功",
            }
        ),
    ),
)

_SCOPE = f"({'|'.join(Scope.values)})"
_GRANT = Shape(
    "OAuthGrant",
    "客户端模式的请求；客户端也可用 HTTP Basic 表明身份",
    {
        "grant_type": {"type": "string", "enum": ["client_credentials"], "description": "只支持客户端模式"},
        "client_id": text("客户端编号，见管理后台接入方的页面"),
        "client_secret": text("客户端密钥，由平台管理员生成，只显示一次"),
        "scope": text(
            "请求的范围，以空格分隔；缺省为接入方的全部范围。取值："
            + "，".join(f"{value} {label}" for value, label in Scope.choices),
            pattern=f"^({_SCOPE}( {_SCOPE})*)?$",
        ),
    },
    optional=frozenset({"client_id", "client_secret", "scope"}),
    is_open=True,
)
_GRANTED = Shape(
    "OAuthToken",
    "授予的令牌",
    {
        "access_token": text("令牌，放在 `Authorization: Bearer` 或 `TAuth` 头中", shortest=1),
        "expires_in": {"type": "integer", "minimum": 1, "description": "有效期，秒"},
        "token_type": {"type": "string", "enum": ["Bearer"], "description": "令牌类型"},
        "scope": text("授予的范围，以空格分隔"),
    },
)
_REFUSED = Shape(
    "OAuthError",
    "拒绝的原因（RFC 6749 5.2）",
    {
        "error": {
            "type": "string",
            "description": "原因",
            "enum": ["invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"],
        },
        "error_description": text("文字说明"),
    },
    optional=frozenset({"error_description"}),
)


def oauth_operation(as_schema: Any) -> dict[str, Any]:
    """`/oauth/token/`, which is no verb: real HTTP statuses, a form, no envelope. `as_schema` names a Shape."""

    def answered(said: str, shape: Shape) -> dict[str, Any]:
        return {"description": said, "content": {"application/json": {"schema": as_schema(shape)}}}

    return {
        "operationId": "oauth_token",
        "tags": ["令牌"],
        "summary": "OAuth 2.0 客户端模式",
        "description": "附录 2 所称的标准方式，与 `TokenInfo` 并列，范围相同。不是信封：按 RFC 6749 答复。",
        "security": [{"ClientBasic": []}, {}],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": as_schema(_GRANT)}},
        },
        "responses": {
            "200": answered("令牌", _GRANTED),
            "400": answered("请求有误，或请求了接入方没有的范围", _REFUSED),
            "401": answered("客户端未知、密钥不符或接入方已停用", _REFUSED),
        },
    }
