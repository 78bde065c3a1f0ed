"""The head of the chain told to places outside the database, signed, so that a cut tail is found there."""

import json
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from access.models import LogAnchor, LogBlock
from access.services.alarms import close_alarm, raise_alarm
from protocol.faults import fault_words
from protocol.sm2 import public_key_of, sign, verify

logger = logging.getLogger(__name__)

_ALARM: Final = "log-chain:anchor"
_FACILITY_NOTICE: Final = 13 * 8 + 5  # log audit, RFC 5424
_MOST_DATAGRAM: Final = 1400


@dataclass(frozen=True, slots=True)
class Anchor:
    """One line of the file: at that time this block was the head of the chain."""

    at: str
    number: int
    digest: str
    signature: str

    @property
    def text(self) -> bytes:
        """What is signed."""
        return f"{self.at}|{self.number}|{self.digest}".encode()

    @property
    def is_ours(self) -> bool:
        return verify(public_key_of(settings.LOG_ANCHOR_KEY), self.text, self.signature)


class AnchorError(Exception):
    """A line that is no anchor; its words say which."""


def anchor_file() -> Path:
    return settings.LOG_ANCHOR_FOLDER / "log-anchors.jsonl"


def anchor_head(now: datetime | None = None) -> LogAnchor | None:
    """Tells the head to every place that is configured; None without a chain. One that fails is an alarm."""
    head = LogBlock.objects.defer("entries").order_by("-number").first()
    if head is None:
        return None
    at = now or timezone.now()
    anchor = _signed(at, head)
    line = json.dumps(
        {"at": anchor.at, "number": anchor.number, "digest": anchor.digest, "signature": anchor.signature}
    )
    places, failures = [], []
    for place, tell in ((str(anchor_file()), _append), (settings.LOG_ANCHOR_SYSLOG, _to_syslog)):
        if not place:
            continue
        try:
            tell(place, line)
            places.append(place[:200])
        except (OSError, ValueError) as error:
            logger.warning("the head of the log chain was not told to %s: %s", place, error)
            failures.append(f"{place}：{fault_words(error, '无法写出')}")
    if failures:
        raise_alarm(key=_ALARM, title="行为日志锚点未能写出", message="；".join(failures))
    else:
        close_alarm(key=_ALARM)
    return LogAnchor.objects.create(at=at, number=head.number, digest=head.digest, places=places)


def read_anchors(file: Path) -> Iterator[Anchor]:
    """In the order of the file; `AnchorError` names a line that is none or whose signature is not ours."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                told = json.loads(line)
                anchor = Anchor(*(told[name] for name in ("at", "number", "digest", "signature")))
                datetime.fromisoformat(anchor.at)
                is_ours = isinstance(anchor.number, int) and anchor.is_ours
            except (ValueError, TypeError, KeyError) as error:
                raise AnchorError(f"锚点文件第 {number} 行无法读取") from error
            if not is_ours:
                raise AnchorError(f"锚点文件第 {number} 行的签名不是本平台的")
            yield anchor


def _signed(at: datetime, head: LogBlock) -> Anchor:
    bare = Anchor(at.isoformat(), head.number, head.digest, "")
    return Anchor(bare.at, bare.number, bare.digest, sign(settings.LOG_ANCHOR_KEY, bare.text))


def _append(place: str, line: str) -> None:
    file = Path(place)
    file.parent.mkdir(parents=True, exist_ok=True)
    # O_APPEND: also where the file system allows nothing else (chattr +a).
    opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(opened, f"{line}\n".encode())
        os.fsync(opened)
    finally:
        os.close(opened)


def _to_syslog(place: str, line: str) -> None:
    """One datagram of RFC 5424."""
    host, _, port = place.rpartition(":")
    text = f"<{_FACILITY_NOTICE}>1 {timezone.now().isoformat()} {socket.gethostname()} video-cloud - anchor - {line}"
    family, kind, *_, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as sender:
        sender.sendto(text.encode()[:_MOST_DATAGRAM], address)
