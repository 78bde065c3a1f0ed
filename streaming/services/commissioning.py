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
from protocol.url_signers import SIGNERS
from streaming.addresses import Outlet, Signer
from streaming.choices import HlsWay, PlayResult, SignerKind, VideoType
from streaming.models import PlayDomain, PushSession
from streaming.selectors import Placement
from streaming.services.opening import Tried, try_flv, try_hls

# Clocks of a CDN's nodes differ a little.
TOLERANCE_SECONDS: Final = 2
_UID: Final = "check"
_STRANGE_KEY: Final = "0" * 32
_KEY_NAMES: Final = ("主密钥", "备用密钥")


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
    outlet = Outlet(Placement().adapter(server_id), domain)
    yield from _Trial(domain, outlet, camera.stream_name(VideoType.LOW), wait).findings()


def _server_of(camera: Camera) -> int | None:
    sessions = PushSession.objects.filter(camera=camera, video_type=VideoType.LOW)
    return sessions.values_list("media_server_id", flat=True).first()


@dataclass(frozen=True, slots=True)
class _Trial:
    """One domain, tried with one stream."""

    domain: PlayDomain
    outlet: Outlet
    stream: str
    wait: Callable[[float], None]

    def findings(self) -> Iterator[Finding]:
        for name, key in zip(_KEY_NAMES, self._keys(), strict=False):
            if key:
                yield _plays(f"{name}签发的地址能播放", try_flv(self._flv(key=key)))
        mixed = _with_path_of(self._flv(), self._flv(f"{self.stream}x"), self.domain)
        yield self._refused("签名不能用于别的码流", mixed)
        yield self._refused("密钥不对的签名被拒绝", self._flv(key=_STRANGE_KEY))
        yield from self._dies()
        is_through = self.domain.hls_way == HlsWay.DOMAIN
        ca_file = "" if is_through else self.outlet.adapter.server.ca_file
        yield _plays("HLS 能播放", try_hls(lambda: self._sign()[1], ca_file=ca_file, wait=self.wait))

    def _keys(self) -> list[str]:
        """The first and the one in reserve; what is not set is empty."""
        if self.domain.signer == SignerKind.OWN:
            return list(settings.PLAY_URL_KEYS)
        return [self.domain.key, self.domain.backup_key]

    def _dies(self) -> Iterator[Finding]:
        slack = SIGNERS[self.domain.signer].slack_seconds if self.domain.signer != SignerKind.OWN else 0
        life = int(settings.PLAY_URL_TTL_SECONDS) + slack
        began, url = time.time(), self._flv()
        # Its time was rounded up to a whole second.
        self.wait(max(0.0, began + 1 + life + TOLERANCE_SECONDS - time.time()))
        yield self._refused(f"地址在 {life} 秒（允许误差 {TOLERANCE_SECONDS} 秒）后失效", url)
        if slack:
            yield Finding("签名精度", False, f"该方式的时间精确到分，地址最多可用 {life} 秒，不符合 5 秒的要求")

    def _refused(self, title: str, url: str) -> Finding:
        tried = try_flv(url)
        # SRS refuses by closing, which is also what a domain out of order does: that one plays nothing.
        if tried.is_dropped and try_flv(self._flv()).result == PlayResult.PLAYABLE:
            return Finding(title, True, f"{tried.detail}，有效地址此时能播放")
        return Finding(title, tried.result == PlayResult.REFUSED, _words(tried))

    def _flv(self, stream: str = "", key: str | None = None) -> str:
        return self._sign(stream, key)[0]

    def _sign(self, stream: str = "", key: str | None = None) -> tuple[str, str]:
        return Signer(_UID, int(settings.PLAY_URL_TTL_SECONDS), key).sign(self.outlet, stream or self.stream)


def _plays(title: str, tried: Tried) -> Finding:
    is_good = tried.result == PlayResult.PLAYABLE
    return Finding(title, is_good, f"首字节 {tried.first_byte_ms} ms" if is_good else _words(tried))


def _words(tried: Tried) -> str:
    return f"{tried.result.label} {tried.detail}".strip()


def _with_path_of(url: str, other: str, domain: PlayDomain) -> str:
    """The signature of `url` around the path of `other`, wherever this kind carries it."""
    ours, theirs = url.removeprefix(domain.base_url), other.removeprefix(domain.base_url)
    path, _, query = ours.partition("?")
    if query:
        return f"{domain.base_url}{theirs.partition('?')[0]}?{query}"
    # /<one>/<two>/<path>: types B and C of Aliyun.
    return f"{domain.base_url}/{'/'.join(path.split('/')[1:3])}/{'/'.join(theirs.split('/')[3:])}"
