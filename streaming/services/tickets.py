"""Who may publish and play, where the media server asks us instead of checking signatures itself."""

import time
from collections.abc import Sequence
from urllib.parse import parse_qs

from django.conf import settings

from protocol.errors import ForbiddenError
from protocol.play_urls import ORIGIN_UID, UrlVerdict, check_path, is_origin_key, uid_of

_MOST_FIELDS = 20


def check_publish(path: str, query: str) -> None:
    """ForbiddenError unless exactly one auth_key signs this path with the publish key and is still good."""
    _check(path, query, (settings.MEDIA_PUBLISH_KEY,), "推流地址")


def check_play(path: str, query: str) -> str:
    """Whom the play address was made for; ForbiddenError like `check_publish`, with the play keys.

    A CDN that takes the stream for its own viewers shows the key of the origin instead.
    """
    if is_origin_key(settings.PLAY_ORIGIN_KEYS, [one_of(query, "origin_key")]):
        return ORIGIN_UID
    return uid_of(_check(path, query, settings.PLAY_URL_KEYS, "播放地址"))


def _check(path: str, query: str, keys: Sequence[str], what: str) -> str:
    auth_key = one_of(query, "auth_key")
    if not auth_key:
        raise ForbiddenError(f"{what}缺少签名，或签名重复")
    verdict = check_path(path, auth_key, keys, now=time.time())
    if verdict is UrlVerdict.EXPIRED:
        raise ForbiddenError(f"{what}已过期")
    if verdict is not UrlVerdict.OK:
        raise ForbiddenError(f"{what}签名无效")
    return auth_key


def one_of(query: str, name: str) -> str:
    """The value that stands exactly once in a query, else an empty text."""
    try:
        values = parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS).get(name, [])
    except ValueError:
        return ""
    return values[0] if len(values) == 1 else ""
