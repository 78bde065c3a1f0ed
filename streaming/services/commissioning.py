"""Commissioning of a play domain: proof that an address plays, that it dies on time, and that no other is taken.

Done over the network as a viewer does it, before the domain is put to use and whenever its settings change.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from cameras.choices import OnlineStatus
from cameras.models import Camera
from protocol.errors import MalformedError
from protocol.play_urls import new_rand
from protocol.url_signers import SIGNERS
from streaming.addresses import Outlet, Signer
from streaming.choices import PlayResult, SignerKind, VideoType
from streaming.models import PlayDomain, PushSession
from streaming.selectors import Placement
from streaming.services.playability import Tried, try_url

# Clocks of a CDN's nodes differ a little.
TOLERANCE_SECONDS: Final = 2
_UID: Final = "check"
_STRANGE_KEY: Final = "0" * 32


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried; `words` say what came of it."""

    title: str
    is_good: bool
    words: str


def commission(
    *, domain: PlayDomain, camera: Camera, wait: Callable[[float], None] = time.sleep
) -> Iterator[Finding]:
    """Finding after finding, as they come; takes as long as an address lives. MalformedError: nothing to try with."""
    if camera.status != OnlineStatus.ONLINE:
        raise MalformedError(f"摄像机 {camera.name} 不在线，无法用来验收")
    server_id = _server_of(camera)
    if domain.media_server_id not in (None, server_id):
        raise MalformedError(f"摄像机 {camera.name} 的码流不在该域名的回源服务器上")
    ttl_seconds = int(settings.PLAY_URL_TTL_SECONDS)
    outlet = Outlet(Placement().adapter(server_id), domain)
    signer = Signer(_UID, ttl_seconds)
    began = time.time()
    url, _ = signer.sign(outlet, camera.stream_name(VideoType.LOW))
    yield _plays("有效地址能播放", try_url(url))
    other, _ = signer.sign(outlet, f"{camera.stream_name(VideoType.LOW)}x")
    yield _refused("签名不能用于别的码流", try_url(_with_path_of(url, other, domain)))
    yield _refused("密钥不对的签名被拒绝", try_url(_forged(domain, outlet, camera, ttl_seconds)))
    slack = SIGNERS[domain.signer].slack_seconds if domain.signer != SignerKind.OWN else 0
    # Its time was rounded up to a whole second.
    wait(max(0.0, began + 1 + ttl_seconds + slack + TOLERANCE_SECONDS - time.time()))
    life = ttl_seconds + slack
    yield _refused(f"地址在 {life} 秒（允许误差 {TOLERANCE_SECONDS} 秒）后失效", try_url(url))
    if slack:
        yield Finding("签名精度", False, f"该方式的时间精确到分，地址最多可用 {life} 秒，不符合 5 秒的要求")


def _server_of(camera: Camera) -> int | None:
    sessions = PushSession.objects.filter(camera=camera, video_type=VideoType.LOW)
    return sessions.values_list("media_server_id", flat=True).first()


def _plays(title: str, tried: Tried) -> Finding:
    is_good = tried.result == PlayResult.PLAYABLE
    return Finding(title, is_good, f"首字节 {tried.first_byte_ms} ms" if is_good else _words(tried))


def _refused(title: str, tried: Tried) -> Finding:
    return Finding(title, tried.result == PlayResult.REFUSED, _words(tried))


def _words(tried: Tried) -> str:
    return f"{tried.result.label} {tried.detail}".strip()


def _forged(domain: PlayDomain, outlet: Outlet, camera: Camera, ttl_seconds: int) -> str:
    path = outlet.adapter.play_paths(camera.stream_name(VideoType.LOW)).flv
    kind = SignerKind.ALIYUN_A if domain.signer == SignerKind.OWN else domain.signer
    ends_at = int(time.time()) + ttl_seconds
    signed = SIGNERS[kind].sign(
        path,
        _STRANGE_KEY,
        ends_at=ends_at,
        validity_seconds=domain.validity_seconds,
        rand=new_rand(),
        uid=_UID,
    )
    return domain.base_url + signed


def _with_path_of(url: str, other: str, domain: PlayDomain) -> str:
    """The signature of `url` around the path of `other`, wherever this kind carries it."""
    ours, theirs = url.removeprefix(domain.base_url), other.removeprefix(domain.base_url)
    path, _, query = ours.partition("?")
    if query:
        return f"{domain.base_url}{theirs.partition('?')[0]}?{query}"
    # /<one>/<two>/<path>: types B and C of Aliyun.
    return f"{domain.base_url}/{'/'.join(path.split('/')[1:3])}/{'/'.join(theirs.split('/')[3:])}"
