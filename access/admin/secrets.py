"""Forms with stored secrets: never shown again, and never sent to another address than they were entered for."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django import forms

# Where the address says nothing of it.
_PORTS: Final = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
MOVED: Final = "发往何处变了（协议、主机、端口或方式），原有的不沿用，请重新填写"


def origin_of(address: str, *, scheme: str = "") -> str:
    """Scheme, host and port: who gets what is sent to `address`; what is no address is an origin of its own.

    With `scheme`, of another service on the same host, at its usual port.
    """
    # Where the host ends at a backslash is read in two ways: the caller (urllib3) sends to what stands before it.
    if "\\" in address:
        return address
    try:
        parts = urlsplit(address.strip())
        port = None if scheme else parts.port
    except ValueError:
        return address
    scheme = scheme or parts.scheme
    return f"{scheme}://{parts.hostname}:{port or _PORTS.get(scheme)}"


class SecretsForm(forms.ModelForm[Any]):
    """An empty field keeps the secret there is, unless it would come to somebody new that way: whoever changes an
    address does not know the secret, and must not learn it at an address of their own.
    """

    # Each secret with the fields of the addresses that it is sent to; none for what never leaves the platform.
    sent_to: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for secret in self.sent_to:
            if not self.has_use_for(secret):
                cleaned[secret] = ""
            elif cleaned.get(secret) == "":
                cleaned[secret] = getattr(self.instance, secret)
                if cleaned[secret] and not self._is_kept_from_others(secret):
                    self.add_error(secret, MOVED)
        return cleaned

    def has_use_for(self, secret: str) -> bool:
        """Else it is forgotten."""
        return True

    def _is_kept_from_others(self, secret: str) -> bool:
        # The instance is what is stored: it takes up the form's values only after this.
        stored = {name: getattr(self.instance, name) for name in self.fields if name != secret}
        now = {**stored, **self.cleaned_data}
        return set(self.receivers(secret, now)) <= set(self.receivers(secret, stored))

    def receivers(self, secret: str, values: Mapping[str, Any]) -> Iterable[str]:
        """Who gets the secret while the fields have these values."""
        return (origin_of(values[name]) for name in self.sent_to[secret] if values[name])
