"""The ministry as a stranger would write it: standard library, Tongsuo's SM2, the document. Nothing of ours."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from tongsuopy.crypto import hashes
from tongsuopy.crypto.asymciphers.ec import ECDSA, SM2, derive_private_key

TIMEOUT_SECONDS: Final = 15


class MinistryClient:
    """Calls the provincial platform by the document's own words."""

    def __init__(self, base_url: str, user: str, device_code: str, token: str, private_key: str) -> None:
        self._base_url = base_url
        self._user = user
        self._device_code = device_code
        self._private_key = derive_private_key(int(private_key, 16), SM2())
        self.token = token

    def exchange_token(self) -> dict[str, Any]:
        text = f"deviceCode={self._device_code}&user={self._user}&token={self.token}"
        signature = self._private_key.sign(text.encode(), ECDSA(hashes.SM3())).hex()
        answer = self.call("TokenInfo", deviceCode=self._device_code, token=self.token, sign=signature)
        if answer["code"] == 200:
            self.token = answer["token"]["token"]
        return answer

    def call(self, verb: str, **params: object) -> dict[str, Any]:
        query = urllib.parse.urlencode({**params, "user": self._user})
        request = urllib.request.Request(  # noqa: S310
            f"{self._base_url}/service/video.{verb}?{query}",
            headers={"TAuth": self.token, "AppVersion": "v1.0", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            answer: dict[str, Any] = json.loads(response.read())
            return answer


def fetch(url: str) -> tuple[int, bytes, str]:
    """Status, body and final address (after redirects) of a whole answer."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            return response.status, response.read(), response.url
    except urllib.error.HTTPError as error:
        return error.code, error.read(), url


class FlvViewer:
    """An open HTTP-FLV connection that is read piece by piece."""

    def __init__(self, url: str) -> None:
        self._response = urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS)  # noqa: S310
        self.received = b""

    def read(self, size: int) -> bytes:
        """At least `size` bytes more; fewer only when the stream ended."""
        fresh = b""
        while len(fresh) < size:
            piece = self._response.read1(64 * 1024)
            if not piece:
                break
            fresh += piece
        self.received += fresh
        return fresh

    def close(self) -> None:
        self._response.close()
