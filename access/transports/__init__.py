"""Ways by which alarms go out: one file each, and one line here."""

from typing import Final

from access.choices import TargetKind
from access.transports.base import Entry, Message, Transport
from access.transports.mail import MailTransport
from access.transports.webhook import WebhookTransport

__all__ = ["TRANSPORTS", "Entry", "Message", "Transport"]

TRANSPORTS: Final[dict[str, Transport]] = {
    TargetKind.WEBHOOK: WebhookTransport(),
    TargetKind.MAIL: MailTransport(),
}
