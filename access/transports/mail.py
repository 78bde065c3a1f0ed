"""Mail by the SMTP server of the settings: one letter with everything that happened since the last."""

from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from access.choices import AlarmEvent
from access.days import ZONE
from access.models import AlarmTarget
from access.transports.base import Entry, Message
from protocol.errors import RemoteError, shorten
from protocol.faults import fault_words

_LONGEST_SUBJECT: Final = 120


class MailTransport:
    def send(self, target: AlarmTarget, message: Message) -> None:
        if not settings.EMAIL_HOST:
            raise RemoteError("未配置邮件服务器（EMAIL_HOST）", permanent=True)
        letter = EmailMessage(subject_of(message), text_of(message), to=target.boxes)
        try:
            # An SMTPException is an OSError as well.
            letter.connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
            letter.send()
        except (OSError, ValueError) as error:
            # What the server itself said is worth more than any words of ours.
            said = "" if isinstance(error, TimeoutError) else shorten(str(error))
            raise RemoteError(f"邮件服务器未接受：{fault_words(error, said or '连接失败')}") from error


def subject_of(message: Message) -> str:
    """The gravest of it; no line break of a camera's name may begin another header."""
    worst = max(message.entries, key=lambda entry: (entry.event != AlarmEvent.CLOSED, entry.severity))
    more = f" 等 {len(message.entries)} 条" if len(message.entries) > 1 else ""
    subject = f"[{message.platform}] {_kind(worst)}：{worst.title}"
    return " ".join(subject[:_LONGEST_SUBJECT].split()) + more


def text_of(message: Message) -> str:
    parts = [_lines(entry) for entry in message.entries]
    return "\n\n".join(parts) + "\n"


def _lines(entry: Entry) -> str:
    span = f"{entry.began_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S} 发生"
    if entry.closed_at:
        span += f"，{entry.closed_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S} 恢复"
    lines = [f"【{_kind(entry)}】{entry.title}", entry.message, " · ".join(filter(None, [entry.organisation, span])), entry.url]
    return "\n".join(line for line in lines if line)


def _kind(entry: Entry) -> str:
    if entry.event in (AlarmEvent.CLOSED, AlarmEvent.TEST):
        return str(entry.event.label)
    words = f"{entry.severity.label}"
    return f"{words}（{entry.event.label}）" if entry.event == AlarmEvent.RAISED else words
