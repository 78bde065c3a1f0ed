"""Why a camera gives no pictures, as far as can be told from outside of it."""

import enum
import re
from dataclasses import dataclass


class Trouble(enum.Enum):
    UNREACHABLE = "无法连接"
    WRONG_PASSWORD = "用户名或密码错误"  # noqa: S105 - words, not a password
    NO_VIDEO = "没有视频"
    FROZEN = "无应答或画面停滞"


@dataclass(frozen=True)
class Defect:
    trouble: Trouble
    reason: str  # Chinese, without credentials


# Numbers as whole words: the addresses in front of ffmpeg's messages hold any digits.
_PATTERNS = (
    (r"\b401\b", Trouble.WRONG_PASSWORD, "用户名或密码错误"),
    (r"\b404\b", Trouble.NO_VIDEO, "没有这路视频"),
    ("refused", Trouble.UNREACHABLE, "连接被拒绝"),
    ("no route", Trouble.UNREACHABLE, "网络不通"),
    ("unreachable", Trouble.UNREACHABLE, "网络不通"),
    ("timed out", Trouble.FROZEN, "连接超时"),
    ("no such file", Trouble.NO_VIDEO, "文件不存在"),
    ("matches no streams", Trouble.NO_VIDEO, "没有视频"),
)


def explain(said: str) -> Defect | None:
    """What ffmpeg's words about its input mean; None when they give no reason."""
    text = said.lower()
    for pattern, trouble, reason in _PATTERNS:
        if re.search(pattern, text):
            return Defect(trouble, reason)
    return None
