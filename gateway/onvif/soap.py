"""SOAP 1.2 as ONVIF devices speak it, with both of their ways to ask for a password."""

import asyncio
import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import aiohttp

from gateway.digest import Login, authorization

ANSWER_SECONDS = 3.0
_MOST_BYTES = 1 << 20
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
}


class OnvifError(Exception):
    """The device could not be asked; the text (Chinese) says why."""


class OnvifRefusal(OnvifError):  # noqa: N818 - an answer, not a failure of the way to it
    """The device answered with a fault."""


@dataclass
class SoapClient:
    """Calls of one device. `clock_offset`: how far its clock is ahead of ours; passwords are stamped with it."""

    login: Login | None
    clock_offset: timedelta = field(default=timedelta())

    async def call(self, url: str, body: str, *, is_open: bool = False) -> ElementTree.Element:
        """The first element inside the answer's Body. `is_open`: a call that wants no password."""
        envelope = self._envelope(body, is_open=is_open).encode()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, answer = await self._post(url, envelope)
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise OnvifError(f"{_place(url)} 无应答") from error
        return _read(answer, status, _place(url))

    async def _post(self, url: str, envelope: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        async with aiohttp.ClientSession() as session:
            async with session.post(url, data=envelope, headers=headers, allow_redirects=False) as response:
                challenges = response.headers.getall("WWW-Authenticate", [])
                status, answer = response.status, await _bounded(response)
            if status == 401 and challenges and self.login:
                parts = urlsplit(url)
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                header = authorization(challenges, self.login, "POST", path)
                if header is not None:
                    headers["Authorization"] = header
                    async with session.post(
                        url, data=envelope, headers=headers, allow_redirects=False
                    ) as response:
                        status, answer = response.status, await _bounded(response)
        return status, answer

    def _envelope(self, body: str, *, is_open: bool) -> str:
        names = " ".join(f"xmlns:{name}={quoteattr(uri)}" for name, uri in NAMESPACES.items())
        header = "" if is_open or self.login is None else f"<s:Header>{self._security(self.login)}</s:Header>"
        return f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {names}>{header}<s:Body>{body}</s:Body></s:Envelope>'

    def _security(self, login: Login) -> str:
        nonce = secrets.token_bytes(16)
        created = f"{datetime.now(UTC) + self.clock_offset:%Y-%m-%dT%H:%M:%S.000Z}"
        # WS-Security prescribes SHA-1; a device whose clock differs refuses the stamp.
        digest = hashlib.sha1(
            nonce + created.encode() + login.password.encode(), usedforsecurity=False
        ).digest()
        return (
            f'<Security s:mustUnderstand="1" xmlns="{_SECURITY}-wssecurity-secext-1.0.xsd"><UsernameToken>'
            f"<Username>{escape(login.user)}</Username>"
            f'<Password Type="{_SECURITY}-username-token-profile-1.0#PasswordDigest">{_b64(digest)}</Password>'
            f'<Nonce EncodingType="{_SECURITY}-soap-message-security-1.0#Base64Binary">{_b64(nonce)}</Nonce>'
            f'<Created xmlns="{_SECURITY}-wssecurity-utility-1.0.xsd">{created}</Created>'
            "</UsernameToken></Security>"
        )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    answer = await response.content.read(_MOST_BYTES + 1)
    while len(answer) <= _MOST_BYTES and (more := await response.content.read(_MOST_BYTES)):
        answer += more
    if len(answer) > _MOST_BYTES:
        raise ValueError("too long")
    return answer


def parse_xml(data: bytes) -> ElementTree.Element:
    """Raises ValueError. A document type could name entities that grow without end: refused."""
    if b"<!DOCTYPE" in data:
        raise ValueError("document type")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - no document type, and the size is bounded
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error


def _read(answer: bytes, status: int, place: str) -> ElementTree.Element:
    try:
        body = parse_xml(answer).find("s:Body", NAMESPACES)
    except ValueError as error:
        if status == 401:
            raise OnvifError(f"{place} 用户名或密码错误") from error
        raise OnvifError(f"{place} 没有给出 ONVIF 应答（HTTP {status}）") from error
    if body is None or len(body) == 0:
        raise OnvifError(f"{place} 没有给出 ONVIF 应答（HTTP {status}）")
    if body[0].tag != f"{{{NAMESPACES['s']}}}Fault":
        return body[0]
    codes = [code.text or "" for code in body[0].iter(f"{{{NAMESPACES['s']}}}Value")]
    if any(code.endswith("NotAuthorized") for code in codes):
        raise OnvifError(f"{place} 用户名或密码错误")
    text = body[0].findtext("s:Reason/s:Text", default="", namespaces=NAMESPACES).strip()
    raise OnvifRefusal(f"{place} 拒绝：{(text or codes[-1] if codes else text)[:80]}")


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"摄像机 {parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
