"""What a gateway shows of itself, and the alarm before its certificate ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from access.choices import Severity
from access.models import Alarm
from cameras.gateways import begin_push
from cameras.models import Gateway
from cameras.services.certificates import warn_of_certificates
from protocol.codes import VideoType
from protocol.commands import LOW_FORMAT, PushCommand
from protocol.tls import server_context
from tests.cameras.ledger import make_gateway, number
from tests.cast import Caller
from tests.protocol.certificates import write_certificates
from tests.protocol.peer import peer_answering, reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(gateway_partner: Caller) -> Gateway:
    return make_gateway(gateway_partner.partner, "https://10.1.2.3:8443")


def show_certificate(gateway: Gateway, days: int | None) -> int:
    until = None if days is None else timezone.now() + timedelta(days=days, hours=1)
    Gateway.objects.filter(pk=gateway.pk).update(certificate_until=until)
    return warn_of_certificates()


def test_an_order_brings_home_the_certificate_and_the_software(
    gateway_partner: Caller, tmp_path: Path
) -> None:
    made = write_certificates(tmp_path, ends_in_days=12)
    with peer_answering(lambda _: reply(200), server_context(made.certificate, made.key)) as peer:
        gateway = make_gateway(gateway_partner.partner, peer.base_url)
        gateway.ca_file = str(made.ca)
        begin_push(
            gateway, number(1), VideoType.LOW, PushCommand("127.0.0.1", 1935, "/live/a", "k=1", LOW_FORMAT)
        )
    kept = Gateway.objects.get()
    assert kept.software.startswith("BaseHTTP/")
    assert kept.certificate_until is not None
    assert (kept.certificate_until - timezone.now()).days == 11
    assert warn_of_certificates() == 1


@pytest.mark.parametrize(
    ("days", "severity", "words"),
    [
        (29, Severity.WARNING, "29 天后到期"),
        (6, Severity.CRITICAL, "6 天后到期"),
        (-1, Severity.CRITICAL, "已过期"),
    ],
)
def test_a_certificate_that_ends_soon_is_an_alarm(
    gateway: Gateway, days: int, severity: Severity, words: str
) -> None:
    assert show_certificate(gateway, days) == 1
    alarm = Alarm.objects.get()
    assert alarm.title.endswith(words)
    assert (alarm.severity, alarm.organisation) == (severity, gateway.partner.organisation)


def test_a_later_one_ends_the_alarm(gateway: Gateway) -> None:
    show_certificate(gateway, 5)
    assert show_certificate(gateway, 365) == 0
    assert Alarm.objects.get().closed_at is not None


def test_one_that_is_spoken_to_without_encryption_needs_none(gateway: Gateway) -> None:
    show_certificate(gateway, 5)
    Gateway.objects.update(base_url="http://10.1.2.3")
    assert warn_of_certificates() == 0
    assert not Alarm.objects.filter(closed_at=None).exists()
